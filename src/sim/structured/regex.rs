//! Texts that a regular expression matches, in ASCII where it allows that.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use regex_syntax::hir::{Class, Hir, HirKind};

/// How often more than needed something is repeated at most.
const MORE: u32 = 8;
/// The longest text, in characters.
const LONGEST: usize = 100_000;

/// A text that an expression matches; `None` if there is none, or only a very long one. Boundaries are left to luck.
pub(super) fn text(pattern: &str, random: &mut Pcg64Mcg) -> Option<String> {
    let parsed = regex_syntax::parse(pattern).ok()?;
    let mut text = String::new();
    add(&parsed, random, &mut text)?;
    Some(text)
}

fn add(expression: &Hir, random: &mut Pcg64Mcg, text: &mut String) -> Option<()> {
    if text.len() > LONGEST {
        return None;
    }
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => text.push(character(class, random)?),
        HirKind::Repetition(repeated) => {
            let most = repeated
                .max
                .unwrap_or(u32::MAX)
                .min(repeated.min.saturating_add(MORE));
            for _ in 0..random.random_range(repeated.min..=most) {
                add(&repeated.sub, random, text)?;
            }
        }
        HirKind::Capture(group) => add(&group.sub, random, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                add(part, random, text)?;
            }
        }
        HirKind::Alternation(others) => {
            add(&others[random.random_range(..others.len())], random, text)?;
        }
    }
    Some(())
}

/// A character of a class: a letter or digit if it has one, else what can be printed, else any.
fn character(class: &Class, random: &mut Pcg64Mcg) -> Option<char> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            let ranges = class.iter();
            ranges
                .map(|range| (u32::from(range.start()), u32::from(range.end())))
                .collect()
        }
        Class::Bytes(class) => {
            let ranges = class.iter().filter(|range| range.end() < 128);
            ranges
                .map(|range| (u32::from(range.start()), u32::from(range.end())))
                .collect()
        }
    };
    let within = |c: &char| {
        let c = u32::from(*c);
        ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&c))
    };
    let simple: Vec<char> = (' '..='~')
        .filter(|c| c.is_ascii_alphanumeric() && within(c))
        .collect();
    let printed: Vec<char> = (' '..='~').filter(within).collect();
    let choice = if simple.is_empty() { printed } else { simple };
    if choice.is_empty() {
        return char::from_u32(ranges.first()?.0);
    }
    Some(choice[random.random_range(..choice.len())])
}
