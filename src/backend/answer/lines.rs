//! Lines of JSON, cut out of bytes as they arrive.

use super::{
    sse::{Event, MAX_EVENT},
    stream::Frames,
};
use crate::{clock::Nanos, record::RequestError};
use memchr::memchr;

/// Cuts a body into lines. A line that lies wholly in one read is not copied.
#[derive(Debug, Default)]
pub(in crate::backend) struct Lines {
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// When the last byte of `line` arrived.
    line_at: Nanos,
}

impl Frames for Lines {
    const NAME: &'static str = "lines of JSON";

    fn feed<F>(&mut self, at: Nanos, bytes: &[u8], mut visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        let mut rest = bytes;
        while let Some(end) = memchr(b'\n', rest) {
            let (part, tail) = rest.split_at(end);
            rest = &tail[1..];
            if self.line.is_empty() {
                show(at, part, &mut visit)?;
            } else {
                self.keep(at, part)?;
                show(self.line_at, &self.line, &mut visit)?;
                self.line.clear();
            }
        }
        self.keep(at, rest)
    }

    /// Shows the last line, if it may be complete.
    fn finish<F>(&mut self, mut visit: F) -> Result<(), RequestError>
    where
        F: FnMut(Event<'_>) -> Result<(), RequestError>,
    {
        if self.line.trim_ascii_start().starts_with(b"{") {
            show(self.line_at, &self.line, &mut visit)
        } else {
            Ok(())
        }
    }

    fn held(&self) -> usize {
        self.line.len()
    }

    fn is_one(_head: &[u8]) -> bool {
        false
    }
}

impl Lines {
    fn keep(&mut self, at: Nanos, part: &[u8]) -> Result<(), RequestError> {
        if part.is_empty() {
            return Ok(());
        }
        if self.line.len() + part.len() > MAX_EVENT {
            return Err(RequestError::Malformed {
                message: format!("a line of more than {} MiB", MAX_EVENT >> 20),
            });
        }
        self.line.extend_from_slice(part);
        self.line_at = at;
        Ok(())
    }
}

fn show<F>(at: Nanos, line: &[u8], visit: &mut F) -> Result<(), RequestError>
where
    F: FnMut(Event<'_>) -> Result<(), RequestError>,
{
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    visit(Event {
        at,
        name: b"",
        data: line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one_read(&["{1}\n{2}\n"], &[(1, "{1}"), (1, "{2}")])]
    #[case::split(&["{1", "}\n{", "2}\r\n"], &[(2, "{1}"), (3, "{2}")])]
    #[case::line_end_later(&["{1}", "\n"], &[(1, "{1}")])]
    #[case::no_line_end(&["{1}\n{2}"], &[(1, "{1}"), (1, "{2}")])]
    #[case::blank_lines(&["\n\r\n{1}\n \n"], &[(1, "{1}")])]
    fn lines(#[case] reads: &[&str], #[case] expected: &[(u64, &str)]) {
        let mut seen = Vec::new();
        let mut visit = |event: Event<'_>| {
            let text = String::from_utf8_lossy(event.data).trim().to_owned();
            seen.push((event.at.0, text));
            Ok(())
        };
        let mut lines = Lines::default();
        for (index, read) in reads.iter().enumerate() {
            let at = Nanos(index as u64 + 1);
            lines.feed(at, read.as_bytes(), &mut visit).unwrap();
        }
        lines.finish(&mut visit).unwrap();
        let seen: Vec<_> = seen.iter().map(|(at, text)| (*at, &**text)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_huge_line_is_refused() {
        let mut lines = Lines::default();
        let read = vec![b'x'; 1 << 20];
        let refused_after = (1..40)
            .find(|_| lines.feed(Nanos(1), &read, |_| Ok(())).is_err())
            .expect("a limit");
        assert_eq!(refused_after, 17);
    }
}
