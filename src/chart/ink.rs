//! Colours, dashes and shapes.

/// What a mark is drawn with. Each ink has a colour for paper, which stands in the SVG itself, and a class by which a
/// style sheet may choose another one, for a dark screen. Series also have a dash and a shape, so that nothing depends on
/// colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// One of several series; they repeat after eight.
    Series(usize),
    /// What is as it should be.
    Good,
    /// What is not.
    Bad,
    /// What is not decided.
    Open,
    /// A limit.
    Limit,
    /// What is there for orientation.
    Quiet,
}

struct Series {
    colour: &'static str,
    class: &'static str,
    dash: Option<&'static str>,
}

const fn series(colour: &'static str, class: &'static str, dash: Option<&'static str>) -> Series {
    Series {
        colour,
        class,
        dash,
    }
}

/// Each has a contrast of at least 4.5 with white, and neighbours differ also for readers who see two of three colours.
const ALL: [Series; 8] = [
    series("#0b62a8", "i0", None),
    series("#b8480a", "i1", Some("30 15")),
    series("#0a7a58", "i2", Some("10 10")),
    series("#7a45b5", "i3", Some("40 15 10 15")),
    series("#b02a66", "i4", Some("20 10")),
    series("#7a620a", "i5", Some("5 15")),
    series("#0b6f80", "i6", Some("50 20")),
    series("#545e68", "i7", Some("15 15 40 15")),
];

const DIAMOND: &str = "m0-23l23 23l-23 23l-23-23z";

impl Ink {
    /// The colour on white.
    pub(super) fn colour(self) -> &'static str {
        match self {
            Ink::Series(number) => ALL[number % ALL.len()].colour,
            Ink::Good => "#0a7a58",
            Ink::Bad => "#b3261e",
            Ink::Open => "#8a5a00",
            Ink::Limit => "#b3261e",
            Ink::Quiet => "#5c6670",
        }
    }

    /// The class for style sheets.
    pub(super) fn class(self) -> &'static str {
        match self {
            Ink::Series(number) => ALL[number % ALL.len()].class,
            Ink::Good => "good",
            Ink::Bad => "bad",
            Ink::Open => "open",
            Ink::Limit => "limit",
            Ink::Quiet => "quiet",
        }
    }

    /// The dashes of a line, in units of drawings.
    pub(super) fn dash(self) -> Option<&'static str> {
        match self {
            Ink::Series(number) => ALL[number % ALL.len()].dash,
            Ink::Limit => Some("25 15"),
            Ink::Good | Ink::Bad | Ink::Open | Ink::Quiet => None,
        }
    }

    /// The outline of a point around the place where the path is, in units of drawings.
    pub(super) fn shape(self) -> &'static str {
        match self {
            Ink::Series(number) => match number % 4 {
                0 => "m-18 0a18 18 0 1 0 36 0a18 18 0 1 0-36 0z",
                1 => "m-16-16h32v32h-32z",
                2 => "m0-21l21 38h-42z",
                _ => DIAMOND,
            },
            _ => DIAMOND,
        }
    }

    /// All inks, for tests of style sheets.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        (0..ALL.len())
            .map(Ink::Series)
            .chain([Ink::Good, Ink::Bad, Ink::Open, Ink::Limit, Ink::Quiet])
            .map(|ink| (ink.class(), ink.colour()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn series_differ_without_their_colours() {
        let looks: BTreeSet<_> = (0..ALL.len())
            .map(|number| Ink::Series(number).dash())
            .collect();
        assert_eq!(looks.len(), ALL.len());
    }

    /// WCAG 2.2, 1.4.11 asks for 3 : 1, and 1.4.3 for 4.5 : 1 where text has the colour.
    #[test]
    fn every_colour_can_be_read_on_white() {
        for (class, colour) in Ink::all() {
            let part = |at: usize| {
                let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
                match part {
                    0.0..=0.04045 => part / 12.92,
                    _ => ((part + 0.055) / 1.055).powf(2.4),
                }
            };
            let luminance = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
            let contrast = 1.05 / (luminance + 0.05);
            assert!(contrast >= 4.5, "{class} {colour}: {contrast}");
        }
    }
}
