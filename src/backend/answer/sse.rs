//! Server-sent events, cut out of bytes as they arrive.
//!
//! Every framing that the [specification] allows is read, however the bytes are split: LF, CRLF
//! and CR line ends, a byte order mark, comments, `event`, `id` and `retry` fields, several `data`
//! lines to an event, no space after the colon, unknown fields. One thing is kinder than the
//! specification: an event that the end of the body cuts off from its blank line is delivered.
//!
//! # Cost
//!
//! Each byte is looked at once, by `memchr`. An event that lies wholly in one read is handed out
//! as a slice of that read: no copy, no allocation. An event that spans reads is copied into
//! buffers that are kept between events, each byte at most twice. Memory is bounded by
//! [`MAX_EVENT`] for the line under way and the same again for the data of the event under way.
//!
//! [specification]: https://html.spec.whatwg.org/multipage/server-sent-events.html

use crate::{clock::Nanos, record::RequestError};
use memchr::{memchr, memchr2};

/// The largest line and the largest event, in bytes.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// When the last byte of its last data line arrived. Line ends do not count: a blank line that
    /// comes in a later read does not make the event later.
    pub at: Nanos,
    /// The `event` field, empty if there was none.
    pub name: &'a [u8],
    /// The `data` fields, joined by line feeds.
    pub data: &'a [u8],
}

/// Cuts a body into events.
#[derive(Debug, Default)]
pub struct SseDecoder {
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// When the last byte of `line` arrived.
    line_at: Nanos,
    /// Data of the event under way that could not be borrowed from the current read.
    data: Vec<u8>,
    /// Whether `data` counts; an event may have empty data.
    has_data: bool,
    /// When the last data line of the event under way was complete.
    data_at: Nanos,
    /// The `event` field of the event under way.
    name: Vec<u8>,
    /// The last read ended with CR, so a line feed at the start of the next one belongs to it.
    after_cr: bool,
    /// A line was seen, so a byte order mark is over.
    past_first_line: bool,
}

/// What one line says.
#[derive(Debug, PartialEq, Eq)]
enum Field<'a> {
    Data(&'a [u8]),
    Name(&'a [u8]),
    Blank,
    Other,
}

impl SseDecoder {
    /// Takes bytes that arrived at `at` and shows every event that they complete.
    ///
    /// # Errors
    ///
    /// [`RequestError::Malformed`] for an event beyond [`MAX_EVENT`], and whatever `visit` returns. Do not use the
    /// decoder after an error.
    pub fn feed<F>(&mut self, at: Nanos, bytes: &[u8], mut visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        // The only data line so far of an event that may yet lie wholly in `bytes`.
        let mut whole: Option<&[u8]> = None;
        while let Some(end) = memchr2(b'\r', b'\n', rest) {
            let (part, tail) = rest.split_at(end);
            rest = &tail[1..];
            if tail[0] == b'\r' {
                self.after_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            if !self.line.is_empty() {
                self.keep_part(at, part)?;
                self.spill(&mut whole)?;
                self.end_kept_line(&mut visit)?;
                continue;
            }
            check_size(part.len())?;
            match self.field(part) {
                Field::Data(value) => {
                    self.data_at = at;
                    if whole.is_none() && !self.has_data {
                        whole = Some(value);
                    } else {
                        self.spill(&mut whole)?;
                        self.push_data(value)?;
                    }
                }
                Field::Name(value) => self.set_name(value),
                Field::Blank => self.dispatch(whole.take(), &mut visit)?,
                Field::Other => {}
            }
        }
        self.spill(&mut whole)?;
        self.keep_part(at, rest)
    }

    /// The body is over: shows the last event if its blank line, or its line end, never came.
    ///
    /// # Errors
    ///
    /// As [`feed`](Self::feed).
    pub fn finish<F>(&mut self, mut visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        if !self.line.is_empty() {
            self.end_kept_line(&mut visit)?;
        }
        self.dispatch(None, &mut visit)
    }

    /// Bytes that wait for the end of their event.
    pub fn held(&self) -> usize {
        self.line.len() + self.data.len()
    }

    /// Appends to the line under way.
    fn keep_part(&mut self, at: Nanos, part: &[u8]) -> Result<(), RequestError> {
        if part.is_empty() {
            return Ok(());
        }
        check_size(self.line.len() + part.len())?;
        self.line.extend_from_slice(part);
        self.line_at = at;
        Ok(())
    }

    /// Reads the line under way, which is complete.
    fn end_kept_line<F>(&mut self, visit: &mut F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        let mut line = std::mem::take(&mut self.line);
        match self.field(&line) {
            Field::Data(value) => {
                self.data_at = self.line_at;
                self.push_data(value)?;
            }
            Field::Name(value) => self.set_name(value),
            // A lone byte order mark, or the line would not have been kept.
            Field::Blank => self.dispatch(None, visit)?,
            Field::Other => {}
        }
        line.clear();
        self.line = line;
        Ok(())
    }

    fn field<'l>(&mut self, line: &'l [u8]) -> Field<'l> {
        if self.past_first_line {
            return field(line);
        }
        self.past_first_line = true;
        field(line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line))
    }

    fn set_name(&mut self, value: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(value);
    }

    /// Moves a borrowed data line into the buffer, because more follows or the read is over.
    fn spill(&mut self, whole: &mut Option<&[u8]>) -> Result<(), RequestError> {
        whole.take().map_or(Ok(()), |value| self.push_data(value))
    }

    fn push_data(&mut self, value: &[u8]) -> Result<(), RequestError> {
        check_size(self.data.len() + usize::from(self.has_data) + value.len())?;
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has_data = true;
        Ok(())
    }

    fn dispatch<F>(&mut self, whole: Option<&[u8]>, visit: &mut F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        if whole.is_some() || self.has_data {
            visit(Event {
                at: self.data_at,
                name: &self.name,
                data: whole.unwrap_or(&self.data),
            })?;
        }
        self.data.clear();
        self.has_data = false;
        self.name.clear();
        Ok(())
    }
}

fn field(line: &[u8]) -> Field<'_> {
    if line.is_empty() {
        return Field::Blank;
    }
    let (name, value) = match memchr(b':', line) {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        None => (line, &line[line.len()..]),
    };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    match name {
        b"data" => Field::Data(value),
        b"event" => Field::Name(value),
        // Comments have an empty name; `id` and `retry` serve reconnection, which goodput does not do.
        _ => Field::Other,
    }
}

fn check_size(bytes: usize) -> Result<(), RequestError> {
    if bytes <= MAX_EVENT {
        return Ok(());
    }
    Err(RequestError::Malformed {
        message: format!("an event of more than {} MiB", MAX_EVENT >> 20),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// What came out: time, name, data.
    type Seen = Vec<(u64, String, String)>;

    /// Feeds the reads at times 1, 2, 3… and ends the body.
    fn decode<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Seen {
        let mut seen = Seen::new();
        let mut visit = |event: Event<'_>| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            seen.push((event.at.0, text(event.name), text(event.data)));
            Ok(())
        };
        let mut decoder = SseDecoder::default();
        for (index, read) in reads.into_iter().enumerate() {
            decoder
                .feed(Nanos(index as u64 + 1), read, &mut visit)
                .unwrap();
        }
        decoder.finish(&mut visit).unwrap();
        seen
    }

    #[rstest]
    #[case::plain("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")])]
    #[case::crlf("data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")])]
    #[case::cr("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")])]
    #[case::mixed("data: a\r\n\ndata: b\n\r\n\rdata: c\r\r\n", &[("", "a"), ("", "b"), ("", "c")])]
    #[case::no_space("data:a\n\n", &[("", "a")])]
    #[case::only_one_space_goes("data:  a \n\n", &[("", " a ")])]
    #[case::byte_order_mark("\u{feff}data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")])]
    #[case::lone_byte_order_mark("\u{feff}\ndata: a\n\n", &[("", "a")])]
    #[case::second_mark_is_a_name("data: a\n\n\u{feff}data: b\n\n", &[("", "a")])]
    #[case::comment(": ping\n\ndata: a\n:\ndata: b\n\n", &[("", "a\nb")])]
    #[case::several_lines("data: a\ndata:b\ndata\ndata: c\n\n", &[("", "a\nb\n\nc")])]
    #[case::several_lines_crlf("data: a\r\ndata: b\r\n\r\n", &[("", "a\nb")])]
    #[case::named("event: x\nid: 7\nretry: 10\ndata: a\n\ndata: b\n\n", &[("x", "a"), ("", "b")])]
    #[case::name_after_data("data: a\nevent:x\n\n", &[("x", "a")])]
    #[case::name_without_data("event: x\n\ndata: a\n\n", &[("", "a")])]
    #[case::unknown_fields("datax: a\n data: b\nfoo\ndata: c\n\n", &[("", "c")])]
    #[case::empty_data("data:\n\ndata\n\ndata: \ndata\n\n", &[("", ""), ("", ""), ("", "\n")])]
    #[case::many_blanks("\n\n\ndata: a\n\n\n\n\n", &[("", "a")])]
    #[case::no_blank_at_the_end("data: a\n\ndata: b\n", &[("", "a"), ("", "b")])]
    #[case::no_line_end_at_the_end("data: a\ndata: b", &[("", "a\nb")])]
    #[case::characters("data: a\u{e9}\u{1f600}\r\n\r\n", &[("", "a\u{e9}\u{1f600}")])]
    #[case::colons("data: a: b:c\n\n", &[("", "a: b:c")])]
    #[case::nothing("", &[])]
    fn framing(#[case] body: &str, #[case] expected: &[(&str, &str)]) {
        let body = body.as_bytes();
        let check = |how: &str, seen: Seen| {
            let seen: Vec<_> = seen.iter().map(|(_, n, d)| (&n[..], &d[..])).collect();
            assert_eq!(seen, expected, "{how}");
        };
        check("in one read", decode([body]));
        check("byte by byte", decode(body.chunks(1)));
        check(
            "with empty reads",
            decode(body.chunks(1).flat_map(|byte| [byte, &[]])),
        );
        for cut in 0..body.len() {
            let (left, right) = body.split_at(cut);
            check(&format!("cut at {cut}"), decode([left, right]));
        }
    }

    #[rstest]
    #[case::in_one_read(&["data: a\n\n"], &[1])]
    #[case::blank_line_later(&["data: a\n", "\n"], &[1])]
    #[case::line_end_later(&["data: a", "\n\n"], &[1])]
    #[case::inside_crlf(&["data: a\r", "\n\r", "\n"], &[1])]
    #[case::data_in_two_reads(&["data: a", "b\n\n"], &[2])]
    #[case::last_of_two_lines(&["data: a\n", "data: b\n", "\n"], &[2])]
    #[case::comment_after(&["data: a\n", ": ping\n\n"], &[1])]
    #[case::name_after(&["data: a\n", "event: x\n\n"], &[1])]
    #[case::two_in_one_read(&["data: a\n\ndata: b\n\n", "data: c\n\n"], &[1, 1, 2])]
    #[case::never_ended(&["data: a", "b", ""], &[2])]
    fn time_is_that_of_the_last_data_byte(#[case] reads: &[&str], #[case] times: &[u64]) {
        let seen = decode(reads.iter().map(|read| read.as_bytes()));
        let seen: Vec<_> = seen.iter().map(|(at, _, _)| *at).collect();
        assert_eq!(seen, times);
    }

    #[test]
    fn an_event_in_one_read_is_borrowed_from_it() {
        let body = b"data: one\n\nevent: x\ndata: two\n\n".as_slice();
        let mut borrowed = 0;
        SseDecoder::default()
            .feed(Nanos(1), body, |event| {
                borrowed += usize::from(body.as_ptr_range().contains(&event.data.as_ptr()));
                Ok(())
            })
            .unwrap();
        assert_eq!(borrowed, 2);
    }

    #[rstest]
    #[case::one_line(b"data: ", b"x")]
    #[case::many_lines(b"", b"data: xxxxxxxxxx\n")]
    #[case::a_comment(b": ", b"x")]
    fn a_huge_event_is_refused(#[case] head: &[u8], #[case] unit: &[u8]) {
        let mut decoder = SseDecoder::default();
        decoder.feed(Nanos(1), head, |_| Ok(())).unwrap();
        let read = unit.repeat((1 << 20) / unit.len());
        let refused_after = (1..40)
            .find(|_| decoder.feed(Nanos(1), &read, |_| Ok(())).is_err())
            .expect("a limit");
        assert!(refused_after > 15, "{refused_after} MiB");
    }

    #[test]
    fn many_events_are_no_huge_event() {
        let mut decoder = SseDecoder::default();
        let read = format!("data: {}\n\n", "x".repeat((1 << 20) - 8));
        let mut events = 0;
        for _ in 0..20 {
            decoder
                .feed(Nanos(1), read.as_bytes(), |_| {
                    events += 1;
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(events, 20);
    }

    #[test]
    fn the_visitor_can_stop_it() {
        let mut events = 0;
        let error = SseDecoder::default().feed(Nanos(1), b"data: a\n\ndata: b\n\n", |_| {
            events += 1;
            Err(RequestError::Cancelled)
        });
        assert_eq!((error, events), (Err(RequestError::Cancelled), 1));
    }
}
