//! The shell of a page: head, style, script.

use super::lean::lean;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of all pages.
pub(crate) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What may be loaded and run: this style and this script, by their hashes.
const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-8D0/TadM0r+XK2l/KQ3rf2JZLKPQATwlu3BJjkY1Avs='; \
    script-src 'sha256-hxDBe56bbZjcuglnla3uWOqFJRSFxGvAk1uwh/nw8wA='; \
    img-src data:; base-uri 'none'; form-action 'none'";

/// A page.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Name in the browser's tab.
    pub(crate) title: String,
    /// What is below the line with the name of goodput.
    pub(crate) body: Markup,
}

impl Document {
    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content={ "goodput " (env!("CARGO_PKG_VERSION")) };
                    // A browser asks for no file.
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main { (self.body) }
                    footer { "goodput " (env!("CARGO_PKG_VERSION")) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        lean(&page.into_string()) + "\n"
    }
}

/// A part of a page with a heading.
pub(crate) fn section(id: &str, heading: &str, body: &Markup) -> Markup {
    let label = format!("{id}-h");
    html! {
        section id=(id) aria-labelledby=(label) {
            h2 id=(label) { (heading) }
            (body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Ink;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use ring::digest::{SHA256, digest};

    /// Whoever changes the style or the script finds the new hash in the message.
    #[test]
    fn the_policy_has_the_hashes_of_style_and_script() {
        for text in [STYLE, SCRIPT] {
            let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
            assert!(
                POLICY.contains(&format!("'sha256-{hash}'")),
                "sha256-{hash}: {}",
                &text[..40]
            );
        }
    }

    /// A page on stdout goes through the filter for credentials.
    #[test]
    fn nothing_in_style_and_script_looks_like_a_credential() {
        for text in [STYLE, SCRIPT] {
            assert_eq!(crate::redact::text(text), text);
        }
    }

    #[test]
    fn the_style_has_every_ink() {
        let light = STYLE.split("@media").next().unwrap();
        for (class, colour) in Ink::all() {
            assert!(
                light.contains(&format!(".{class}{{--ink:var(--{class})}}")),
                "{class}"
            );
            assert!(
                light.contains(&format!("--{class}:{colour};")),
                "{class} {colour}"
            );
        }
        let dark = STYLE.split("(prefers-color-scheme:dark)").nth(1).unwrap();
        for (class, _) in Ink::all() {
            assert!(
                dark.contains(&format!("--{class}:#")),
                "{class} in the dark"
            );
        }
    }

    #[test]
    fn texts_are_escaped() {
        let hostile = "</title><script>alert(1)</script>\"'&";
        let body = section("a", hostile, &html! { p { (hostile) } });
        let document = Document {
            title: hostile.to_owned(),
            body,
        };
        let text = document.text();
        assert_eq!(text.matches("<script>").count(), 1, "{text}");
        assert_eq!(text.matches("alert(1)").count(), 3);
    }
}
