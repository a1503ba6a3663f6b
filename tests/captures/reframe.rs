//! The same events in other legal framings.

use proptest::{prelude::*, sample::select};

/// A way of writing events down.
#[derive(Debug, Clone)]
pub(crate) struct Framing {
    line_end: &'static str,
    space: &'static str,
    byte_order_mark: bool,
    /// Lines that mean nothing, put between others in turn.
    noise: Vec<&'static str>,
    /// How many structural commas to pass before the data goes on in another line; 0 for never.
    commas_a_line: usize,
    /// The last event has no blank line behind it.
    unfinished: bool,
}

/// A body and, for each event, the place behind its last byte of data.
#[derive(Debug)]
pub(crate) struct Reframed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) data_ends: Vec<usize>,
}

pub(crate) fn framing() -> impl Strategy<Value = Framing> {
    let noise = &[
        "",
        ": ping",
        ":",
        "id: 7",
        "retry: 10",
        "event: message",
        "x-y: data: z",
    ];
    (
        select(&["\n", "\r\n", "\r"]),
        select(&["", " "]),
        any::<bool>(),
        prop::collection::vec(select(noise.as_slice()), 1..4),
        0..4_usize,
        any::<bool>(),
    )
        .prop_map(
            |(line_end, space, byte_order_mark, noise, commas_a_line, unfinished)| Framing {
                line_end,
                space,
                byte_order_mark,
                noise,
                commas_a_line,
                unfinished,
            },
        )
}

impl Framing {
    /// Rewrites a body of single-line events.
    pub(crate) fn apply(&self, body: &str) -> Reframed {
        let mut text = String::new();
        if self.byte_order_mark {
            text.push('\u{feff}');
        }
        let mut noise = self.noise.iter().cycle().filter(|line| !line.is_empty());
        let silent = self.noise.iter().all(|line| line.is_empty());
        let mut data_ends = Vec::new();
        for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let mut end = 0;
            for line in self.lines(data) {
                if !silent && let Some(noise) = noise.next() {
                    text.push_str(noise);
                    text.push_str(self.line_end);
                }
                text.push_str("data:");
                text.push_str(self.space);
                text.push_str(line);
                end = text.len();
                text.push_str(self.line_end);
            }
            text.push_str(self.line_end);
            data_ends.push(end);
        }
        if self.unfinished {
            text.truncate(data_ends.last().copied().unwrap_or(0));
        }
        Reframed {
            bytes: text.into_bytes(),
            data_ends,
        }
    }

    /// Cuts JSON behind commas that are outside of strings, where a line feed means nothing.
    fn lines<'d>(&self, data: &'d str) -> Vec<&'d str> {
        let mut lines = Vec::new();
        let (mut start, mut commas) = (0, 0);
        let (mut in_string, mut escaped) = (false, false);
        for (place, byte) in data.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b',' if !in_string => {
                    commas += 1;
                    if commas == self.commas_a_line {
                        lines.push(&data[start..=place]);
                        (start, commas) = (place + 1, 0);
                    }
                }
                _ => {}
            }
        }
        lines.push(&data[start..]);
        lines
    }
}
