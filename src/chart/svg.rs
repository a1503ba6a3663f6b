//! The frame of a drawing, and what is written in it.

use super::ink::Ink;
use maud::{Markup, html};
use std::fmt;

/// Width of every drawing: small enough for a telephone, where it is shown nearly as it is.
pub(super) const WIDTH: f64 = 400.0;

/// Height of a line of text.
pub(super) const LINE: f64 = 14.0;

/// What is said about a drawing.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Unique in the page.
    pub(crate) id: String,
    pub(crate) title: String,
    /// What can be seen, for those who do not see it.
    pub(crate) description: String,
}

/// A coordinate: a tenth of a pixel is as fine as anybody sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round();
        // Not -0.
        write!(f, "{}", (tenths + 0.0) / 10.0)
    }
}

/// Both axes of a drawing for a script that reads values off it: the words of the scale, and the places of its ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Readable {
    pub(super) x: Option<String>,
    pub(super) y: Option<String>,
}

/// A whole drawing.
pub(super) fn drawing(about: &About, height: f64, axes: &Readable, inner: &Markup) -> Markup {
    let (title, description) = (format!("{}-t", about.id), format!("{}-d", about.id));
    html! {
        svg.chart xmlns="http://www.w3.org/2000/svg" id=(about.id) viewBox={ "0 0 " (Px(WIDTH)) " " (Px(height)) }
            width=(Px(WIDTH)) height=(Px(height)) role="img" aria-labelledby={ (title) " " (description) }
            font-family="system-ui, sans-serif" font-size="11" data-x=[&axes.x] data-y=[&axes.y]
        {
            title id=(title) { (about.title) }
            desc id=(description) { (about.description) }
            (inner)
        }
    }
}

/// Where a text begins, is in the middle, or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text with its base line at this place.
pub(super) fn text(x: f64, y: f64, anchor: Anchor, text: &str) -> Markup {
    let anchor = match anchor {
        Anchor::Start => None,
        Anchor::Middle => Some("middle"),
        Anchor::End => Some("end"),
    };
    html! {
        text.t x=(Px(x)) y=(Px(y)) text-anchor=[anchor] fill="#3a4450" { (text) }
    }
}

/// A line for orientation.
pub(super) fn grid(from: (f64, f64), to: (f64, f64)) -> Markup {
    let path = format!("M{} {}L{} {}", Px(from.0), Px(from.1), Px(to.0), Px(to.1));
    html! { path.grid d=(path) stroke="#dde2e8" fill="none" {} }
}

/// A line along this path.
pub(super) fn line(path: &str, ink: Ink, width: f64) -> Markup {
    named_line("", path, ink, width)
}

/// A line along this path, whose name a script finds.
pub(super) fn named_line(name: &str, path: &str, ink: Ink, width: f64) -> Markup {
    html! {
        path class={ "s " (ink.class()) } d=(path) stroke=(ink.colour()) stroke-width=(Px(width))
            stroke-dasharray=[ink.dash()] stroke-linejoin="round" fill="none" data-name=[(!name.is_empty()).then_some(name)] {}
    }
}

/// An area within this path.
pub(super) fn area(path: &str, ink: Ink, opacity: f64, said: Option<&str>) -> Markup {
    html! {
        path class={ "f " (ink.class()) } d=(path) fill=(ink.colour()) fill-opacity=[(opacity < 1.0).then_some(opacity)] {
            @if let Some(said) = said { title { (said) } }
        }
    }
}

/// A point, whose text a browser shows when the pointer is on it.
pub(super) fn point(x: f64, y: f64, ink: Ink, said: &str) -> Markup {
    html! {
        path class={ "f " (ink.class()) } d=(ink.shape()) transform={ "translate(" (Px(x)) " " (Px(y)) ")" }
            fill=(ink.colour()) { title { (said) } }
    }
}

/// About the width of a text in the font of drawings. Fonts differ; nothing may depend on more than that.
pub(super) fn width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.2
}

/// A text that is not wider than this, cut in its middle if it must be: names of files differ at their ends.
pub(super) fn fitting(text: &str, room: f64) -> String {
    let letters: Vec<char> = text.chars().collect();
    let most = (room / 6.2).floor().max(3.0) as usize;
    if letters.len() <= most {
        return text.to_owned();
    }
    let end = (most - 1) / 2;
    let start = most - 1 - end;
    let of = |part: &[char]| part.iter().collect::<String>();
    format!(
        "{}…{}",
        of(&letters[..start]),
        of(&letters[letters.len() - end..])
    )
}

/// A sign the size of a letter: a tick, a cross or a question mark in a shape of its own.
pub(crate) fn badge(ink: Ink, size: f64) -> Markup {
    let (outline, sign) = match ink {
        Ink::Good => (
            "M12 1A11 11 0 1 1 12 23A11 11 0 1 1 12 1Z",
            "M6.5 12.5L10.5 16.5L17.5 8",
        ),
        Ink::Bad => (
            "M7.5 1H16.5L23 7.5V16.5L16.5 23H7.5L1 16.5V7.5Z",
            "M8 8L16 16M16 8L8 16",
        ),
        Ink::Open => (
            "M12 0.5L23.5 12L12 23.5L0.5 12Z",
            "M9.3 9.6C9.3 6 14.7 6 14.7 9.4C14.7 11.6 12 11.6 12 13.8M12 16.4V17.4",
        ),
        _ => ("M2 2H22V22H2Z", "M7 12H17"),
    };
    html! {
        svg.badge xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width=(Px(size)) height=(Px(size)) aria-hidden="true" {
            path class={ "f " (ink.class()) } d=(outline) fill=(ink.colour()) {}
            path d=(sign) stroke="#fff" class="sign" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" fill="none" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1.0, "1")]
    #[case(1.04, "1")]
    #[case(1.06, "1.1")]
    #[case(-0.01, "0")]
    #[case(-2.25, "-2.3")]
    fn coordinates_are_short(#[case] value: f64, #[case] text: &str) {
        assert_eq!(Px(value).to_string(), text);
    }

    #[rstest]
    #[case("short", "short")]
    #[case("results/of/a/very/long/path/a.json", "results/of…th/a.json")]
    fn long_names_lose_their_middle(#[case] text: &str, #[case] short: &str) {
        assert_eq!(fitting(text, 130.0), short);
    }
}
