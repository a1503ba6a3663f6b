//! The frame of a drawing, and what is written in it.

use super::{ink::Ink, path::Path, px::Px};
use maud::{Markup, html};

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
            width=(WIDTH) height=(height) role="img" aria-labelledby={ (title) " " (description) }
            font-family="system-ui, sans-serif" font-size=(Px(11.0)) fill="none" stroke-width=(Px(1.0)) stroke-linejoin="round" data-x=[&axes.x] data-y=[&axes.y]
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
#[derive(Debug, Clone)]
pub(super) struct Text {
    x: f64,
    y: f64,
    anchor: Anchor,
    text: String,
}

impl Text {
    pub(super) fn new(x: f64, y: f64, anchor: Anchor, text: impl Into<String>) -> Self {
        let text = text.into();
        Text { x, y, anchor, text }
    }
}

/// All texts of a drawing. What they have in common is said once.
pub(super) fn texts(texts: &[Text]) -> Markup {
    let anchored = [
        (Anchor::Start, None),
        (Anchor::Middle, Some("middle")),
        (Anchor::End, Some("end")),
    ];
    html! {
        g.t fill="#3a4450" {
            @for (anchor, word) in anchored {
                @let of = || texts.iter().filter(|text| text.anchor == anchor && !text.text.is_empty());
                @if of().next().is_some() {
                    g text-anchor=[word] {
                        @for text in of() {
                            text x=[(text.x != 0.0).then_some(Px(text.x))] y=(Px(text.y)) { (text.text) }
                        }
                    }
                }
            }
        }
    }
}

/// Lines for orientation, along one path.
pub(super) fn grid(path: &str) -> Markup {
    html! { path.grid d=(path) stroke="#dde2e8" {} }
}

/// A line along this path.
pub(super) fn line(path: &str, ink: Ink, width: f64) -> Markup {
    named_line("", path, ink, width)
}

/// A line along this path, whose name a script finds.
pub(super) fn named_line(name: &str, path: &str, ink: Ink, width: f64) -> Markup {
    html! {
        path class={ "s " (ink.class()) } d=(path) stroke=(ink.colour()) stroke-width=[(width != 1.0).then_some(Px(width))]
            stroke-dasharray=[ink.dash()] data-name=[(!name.is_empty()).then_some(name)] {}
    }
}

/// An area within this path.
pub(super) fn area(path: &str, ink: Ink, opacity: f64) -> Markup {
    html! {
        path class={ "f " (ink.class()) } d=(path) fill=(ink.colour()) fill-opacity=[(opacity < 1.0).then_some(opacity)] {}
    }
}

/// Areas of one ink, each with what a browser says about it.
pub(super) fn areas(ink: Ink, areas: &[(Path, &str)]) -> Markup {
    html! {
        g class={ "f " (ink.class()) } fill=(ink.colour()) {
            @for (path, said) in areas { path d=(path.text()) { title { (said) } } }
        }
    }
}

/// A point: its place, and the text that a browser shows when the pointer is on it.
pub(super) type Spot = (f64, f64, String);

/// Points of one ink.
pub(super) fn points(ink: Ink, spots: &[Spot]) -> Markup {
    html! {
        g class={ "f " (ink.class()) } fill=(ink.colour()) {
            @for (x, y, said) in spots {
                path d={ "M" (Px(*x)) " " (Px(*y)) (ink.shape()) } { @if !said.is_empty() { title { (said) } } }
            }
        }
    }
}

/// About the width of a text in the font of drawings. Fonts differ: this is that of a wide one (DejaVu Sans), so that texts
/// in others have room to spare.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(letter).sum()
}

fn letter(letter: char) -> f64 {
    match letter {
        ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | 'i' | 'j' | 'l' | 'I' => 3.6,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' | '-' => 4.6,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' | '−' | '→' | '–' | '—' => 10.6,
        'A'..='Z' => 7.8,
        '\0'..='\x7f' => 7.0,
        // Of other scripts nothing is known but that their letters may be wide.
        _ => 10.6,
    }
}

/// A text that is not wider than this, cut in its middle if it must be: names of files differ at their ends.
pub(super) fn fitting(text: &str, room: f64) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let room = room - letter('…');
    let fitting = |letters: &mut dyn Iterator<Item = &char>, room: f64| {
        let mut left = room;
        letters
            .take_while(|next| {
                left -= letter(**next);
                left >= 0.0
            })
            .count()
    };
    let start = fitting(&mut letters.iter(), room / 2.0);
    let end = fitting(&mut letters.iter().rev(), room / 2.0);
    let of = |part: &[char]| part.iter().collect::<String>();
    let start = of(&letters[..start]);
    format!("{start}…{}", of(&letters[letters.len() - end..]))
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
        svg.badge xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width=(size) height=(size) aria-hidden="true" {
            path class={ "f " (ink.class()) } d=(outline) fill=(ink.colour()) {}
            path.sign d=(sign) stroke="#fff" stroke-width="2.4" stroke-linecap="round" fill="none" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("short", 130.0, "short")]
    #[case("results/of/a/very/long/path/a.json", 130.0, "results/of…ath/a.json")]
    #[case("MMMMMMMM", 50.0, "M…M")]
    #[case("MMMMMMMM", 1.0, "…")]
    fn long_names_lose_their_middle(#[case] text: &str, #[case] room: f64, #[case] short: &str) {
        let found = fitting(text, room);
        assert_eq!(found, short);
        assert!(width(&found) <= room.max(letter('…')));
    }
}
