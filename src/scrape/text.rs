//! Parses Prometheus' text format, and the part of OpenMetrics that is the same.

use std::borrow::Cow;

/// A line with a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample<'a> {
    /// Name of the series, with its suffix: `vllm:prompt_tokens_total`.
    pub(super) name: &'a str,
    /// Text between the braces.
    labels: &'a str,
    pub(super) value: f64,
}

/// All samples of a page. Skips comments and lines that are not samples.
pub(super) fn samples(page: &str) -> impl Iterator<Item = Sample<'_>> {
    page.lines().filter_map(Sample::read)
}

impl<'a> Sample<'a> {
    /// Parses `name{label="value",…} number`, which a time and an exemplar may follow.
    fn read(line: &'a str) -> Option<Self> {
        let line = line.trim_start();
        let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
        let (name, rest) = line.split_at(end);
        if name.is_empty() || name.starts_with('#') {
            return None;
        }
        let (labels, rest) = match rest.trim_start().strip_prefix('{') {
            Some(rest) => {
                let end = closing_brace(rest)?;
                (&rest[..end], &rest[end + 1..])
            }
            None => ("", rest),
        };
        // Rust reads `NaN`, `+Inf` and exponents as Go writes them.
        let value = rest.split_whitespace().next()?.parse().ok()?;
        Some(Sample {
            name,
            labels,
            value,
        })
    }

    /// Value of a label.
    pub(super) fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut rest = self.labels;
        loop {
            rest = rest.trim_start_matches([',', ' ', '\t']);
            let (key, after) = rest.split_once('=')?;
            let quoted = after.trim_start().strip_prefix('"')?;
            let end = closing_quote(quoted)?;
            if key.trim() == name {
                return Some(unescaped(&quoted[..end]));
            }
            rest = &quoted[end + 1..];
        }
    }
}

/// End of the labels: the first brace outside of quotes.
fn closing_brace(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => {}
        }
        byte == b'}' && !quoted
    })
}

/// End of a value, without its opening quote.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Resolves the escapes `\\`, `\"` and `\n`; any other stays as it is.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some(next @ ('\\' | '"'))) => plain.push(next),
            _ => {
                plain.push(c);
                continue;
            }
        }
        chars.next();
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::bare("a_total 5", "a_total", 5.0)]
    #[case::labelled(r#"vllm:a{engine="0",model_name="m"} 3.0"#, "vllm:a", 3.0)]
    #[case::space_before_labels(r#"a {b="c"} 1"#, "a", 1.0)]
    #[case::a_time_after(r#"a{b="c"} 0.15 1700000000"#, "a", 0.15)]
    #[case::exemplar(r##"a_bucket{le="1"} 8 # {trace_id="x"} 0.7 1.6"##, "a_bucket", 8.0)]
    #[case::exponent("a 1.7560473e+07", "a", 17_560_473.0)]
    #[case::infinite("a +Inf", "a", f64::INFINITY)]
    #[case::braces_and_quotes_in_a_value(r#"a{b="}\"{,",c="d"} 2"#, "a", 2.0)]
    #[case::a_comma_at_the_end(r#"a{b="c",} 2"#, "a", 2.0)]
    #[case::indented("  a 2", "a", 2.0)]
    fn samples_are_read(#[case] line: &str, #[case] name: &str, #[case] value: f64) {
        let sample = samples(line).next().unwrap();
        assert_eq!((sample.name, sample.value), (name, value));
    }

    #[rstest]
    #[case("")]
    #[case("# TYPE a counter")]
    #[case("# EOF")]
    #[case("a")]
    #[case("a five")]
    #[case(r#"a{b="c" 5"#)]
    #[case(r#"{"a.dotted.name",b="c"} 5"#)]
    #[case("data: {\"a\": 1}")]
    fn other_lines_are_none(#[case] line: &str) {
        assert_eq!(samples(line).next(), None);
    }

    #[test]
    fn undefined_numbers_are_numbers() {
        assert!(samples("a NaN").next().unwrap().value.is_nan());
    }

    #[test]
    fn labels_are_found_by_name() {
        let line = r#"a{b="x=\"1\", y", position = "3",path="C:\\new\n"} 1"#;
        let sample = samples(line).next().unwrap();
        assert_eq!(sample.label("b").as_deref(), Some("x=\"1\", y"));
        assert_eq!(sample.label("position").as_deref(), Some("3"));
        assert_eq!(sample.label("path").as_deref(), Some("C:\\new\n"));
        assert_eq!(sample.label("pos"), None);
        assert_eq!(samples("a 1").next().unwrap().label("b"), None);
    }

    proptest! {
        #[test]
        fn any_label_survives_its_escaping(value in "\\PC{0,12}|[\\\\\"\n{},= ]{0,12}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let line = format!("name{{a=\"b\",c=\"{escaped}\",d=\"e\"}} 4");
            let sample = Sample::read(&line).unwrap();
            prop_assert_eq!(sample.label("c").unwrap(), value);
            let last = sample.label("d");
            prop_assert_eq!(last.as_deref(), Some("e"));
            prop_assert_eq!(sample.value, 4.0);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[a\\\\\"{}=,# \n0-9]{0,60}|\\PC{0,60}") {
            for sample in samples(&text) {
                let _ = sample.label("a");
            }
        }
    }
}
