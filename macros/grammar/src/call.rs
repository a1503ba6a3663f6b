//! The one shape that datasets, simulations and SLOs share: `name(word, key = value, "text")`.

use crate::{Mistake, Mistakes, bounds};

/// `name` or `name(args)`.
#[derive(Debug, PartialEq)]
pub(crate) struct Call<'a> {
    pub(crate) name: &'a str,
    /// `None` without parentheses.
    pub(crate) args: Option<Vec<Arg<'a>>>,
}

/// One argument: `word` alone or `word = value`, both as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Arg<'a> {
    pub(crate) word: &'a str,
    pub(crate) value: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// Reads a call; arguments are split but not interpreted.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Mistake> {
        let text = text.trim();
        let Some(open) = text.find('(') else {
            return Ok(Call {
                name: text,
                args: None,
            });
        };
        let Some(inside) = text[open + 1..].strip_suffix(')') else {
            return Err(Mistake::new(match text.rfind(')') {
                Some(close) => format!("unexpected `{}` after `)`", text[close + 1..].trim()),
                None => format!("`{text}` lacks its closing `)`"),
            }));
        };
        Ok(Call {
            name: text[..open].trim(),
            args: Some(args(inside)?),
        })
    }

    /// The arguments, none when there are no parentheses.
    pub(crate) fn args(&self) -> &[Arg<'a>] {
        self.args.as_deref().unwrap_or_default()
    }
}

/// Reads a comma-separated list of arguments.
pub(crate) fn args(text: &str) -> Result<Vec<Arg<'_>>, Mistake> {
    Ok(split(text, ',')?.into_iter().map(Arg::parse).collect())
}

/// Splits at a separator that stands outside quotes and parentheses, and trims the pieces. A
/// separator at the very end is allowed, an empty piece elsewhere is not.
pub(crate) fn split(text: &str, separator: char) -> Result<Vec<&str>, Mistake> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for at in outside(text, separator)? {
        pieces.push(text[start..at].trim());
        start = at + separator.len_utf8();
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        pieces.push(last);
    }
    if pieces.contains(&"") {
        return Err(Mistake::new(format!(
            "a value is missing before a `{separator}` in `{}`",
            text.trim()
        )));
    }
    Ok(pieces)
}

/// Where a character stands outside quotes and parentheses.
fn outside(text: &str, wanted: char) -> Result<Vec<usize>, Mistake> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => {
                return Err(Mistake::new(format!(
                    "`{}` has a `)` too many",
                    text.trim()
                )));
            }
            (None, ')') => depth -= 1,
            (None, _) if character == wanted && depth == 0 => found.push(at),
            _ => {}
        }
    }
    match quote {
        Some(open) => Err(Mistake::new(format!(
            "`{}` lacks its closing `{open}`",
            text.trim()
        ))),
        None if depth > 0 => Err(Mistake::new(format!(
            "`{}` lacks its closing `)`",
            text.trim()
        ))),
        None => Ok(found),
    }
}

impl<'a> Arg<'a> {
    fn parse(text: &'a str) -> Self {
        // `args` has already checked quotes and parentheses.
        match outside(text, '=').unwrap_or_default().first() {
            Some(&at) => Arg {
                word: text[..at].trim(),
                value: Some(text[at + 1..].trim()),
            },
            None => Arg {
                word: text,
                value: None,
            },
        }
    }

    /// The value, which must be there.
    pub(crate) fn text(&self) -> Result<&'a str, Mistake> {
        match self.value {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(Mistake::new(format!(
                "`{}` has no value; write `{} = …`",
                self.word, self.word
            ))),
        }
    }

    /// A whole number of at least `least`.
    pub(crate) fn whole<T>(&self, least: T) -> Result<T, Mistake>
    where
        T: TryFrom<u64> + PartialOrd + std::fmt::Display,
    {
        let (text, word) = (self.text()?, self.word);
        let plain = text.replace('_', "");
        let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
        let number = plain.parse::<u64>().ok();
        if digits && number.is_none_or(|number| number > bounds::WHOLE) {
            let most = bounds::WHOLE;
            return Err(Mistake::new(format!(
                "`{word} = {text}` is too large; the most is {most}"
            )));
        }
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) if number >= least => Ok(number),
            _ => Err(Mistake::new(format!(
                "`{word} = {text}`: expected a whole number of at least {least}"
            ))),
        }
    }

    /// A whole number that takes no memory and no time however large it is: a seed, a place.
    pub(crate) fn any_whole(&self, least: u64) -> Result<u64, Mistake> {
        let text = self.text()?;
        let number = text.replace('_', "").parse().ok();
        number.filter(|number| *number >= least).ok_or_else(|| {
            Mistake::new(format!(
                "`{} = {text}`: expected a whole number of at least {least}",
                self.word
            ))
        })
    }

    /// A ratio in [0, 1).
    pub(crate) fn ratio(&self) -> Result<f64, Mistake> {
        let text = self.text()?;
        match number(text) {
            Some(ratio) if ratio < 1.0 => Ok(ratio),
            _ => Err(Mistake::new(format!(
                "`{} = {text}`: expected a ratio of at least 0 and below 1, such as `0.2`",
                self.word
            ))),
        }
    }

    /// A share in [0, 1].
    pub(crate) fn share(&self) -> Result<f64, Mistake> {
        let text = self.text()?;
        match number(text) {
            Some(share) if share <= 1.0 => Ok(share),
            _ => Err(Mistake::new(format!(
                "`{} = {text}`: expected a number from 0 to 1, such as `0.5`",
                self.word
            ))),
        }
    }

    /// `word`, `word = true` or `word = false`.
    pub(crate) fn flag(&self) -> Result<bool, Mistake> {
        match self.value {
            None | Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(Mistake::new(format!(
                "`{} = {other}`: expected `true`, `false` or `{}` alone",
                self.word, self.word
            ))),
        }
    }
}

/// Checks that every argument is one of `keys` and that none is given twice.
pub(crate) fn check_keys(args: &[Arg<'_>], what: &str, keys: &[&str], mistakes: &mut Mistakes) {
    for (index, arg) in args.iter().enumerate() {
        if !keys.contains(&arg.word) {
            mistakes.push(Mistake::unknown(what, arg.word, keys));
        } else if args[..index].iter().any(|before| before.word == arg.word) {
            mistakes.push(Mistake::new(format!(
                "`{}` is given twice; keep one",
                arg.word
            )));
        }
    }
}

/// Stores what was read, or what is wrong with it.
pub(crate) fn set<T>(slot: &mut T, read: Result<T, Mistake>, mistakes: &mut Mistakes) {
    match read {
        Ok(value) => *slot = value,
        Err(mistake) => mistakes.push(mistake),
    }
}

/// A plain decimal number without sign, exponent, `inf` or `NaN`, which `f64`'s own parser takes.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        .then(|| text.parse().ok().filter(|number: &f64| number.is_finite()))
        .flatten()
}

/// Takes the quotes off; inside them a doubled quote is one quote.
pub(crate) fn unquote(text: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inside) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inside.replace(&format!("{quote}{quote}"), &quote.to_string());
        }
    }
    text.to_owned()
}

/// The reverse of [`unquote`].
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_call_is_split_outside_quotes_and_parentheses() {
        let call = Call::parse(r#" f ( "a, (b", k = g(1, 2), flag, ) "#).unwrap();
        assert_eq!(call.name, "f");
        let args: Vec<_> = call
            .args()
            .iter()
            .map(|arg| (arg.word, arg.value))
            .collect();
        assert_eq!(
            args,
            [("\"a, (b\"", None), ("k", Some("g(1, 2)")), ("flag", None)]
        );
        assert_eq!(Call::parse("f()").unwrap().args, Some(vec![]));
        assert_eq!(Call::parse("f").unwrap().args, None);
    }

    #[test]
    fn broken_brackets_are_named() {
        for (text, said) in [
            ("f(a", "`f(a` lacks its closing `)`"),
            ("f(a))", "`a)` has a `)` too many"),
            ("f(a) b", "unexpected `b` after `)`"),
            ("f(\"a)", "`\"a` lacks its closing `\"`"),
            ("f(a,,b)", "a value is missing before a `,` in `a,,b`"),
        ] {
            assert_eq!(Call::parse(text).unwrap_err().to_string(), said, "{text}");
        }
    }

    proptest! {
        #[test]
        fn quoting_is_undone(text in any::<String>()) {
            prop_assert_eq!(unquote(&quote(&text)), text);
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = Call::parse(&text);
        }
    }
}
