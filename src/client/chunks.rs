//! Decodes the chunked transfer coding as it arrives.
//!
//! RFC 9112, 7.1. The decoder looks at each byte once and keeps none, so that a line without end costs
//! neither memory nor time. It skips extensions and trailers of a sane length, and accepts a bare line feed
//! as the end of a line, as other clients do.

use crate::record::RequestError;
use memchr::memchr;

/// The longest line of a size with its extensions, in bytes.
const LONGEST_LINE: usize = 16 << 10;

/// The longest trailers, in bytes.
const LONGEST_TRAILERS: usize = 64 << 10;

/// State of the decoder.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    place: Place,
    /// Size so far, or bytes that remain of a chunk.
    size: u64,
    /// Bytes of the line or the trailers so far.
    line: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first digit of a size.
    #[default]
    Start,
    Digits,
    /// After the digits, where only spaces may come before the extensions.
    AfterDigits,
    Extensions,
    Data,
    /// After a chunk's data.
    DataEnd,
    /// After the last chunk, in a line that is empty so far.
    Trailer,
    TrailerLine,
    Over,
}

impl Chunks {
    /// Whether the last chunk and its trailers came.
    pub(super) fn is_over(&self) -> bool {
        self.place == Place::Over
    }

    /// Whether only the trailers are missing.
    pub(super) fn had_last_chunk(&self) -> bool {
        matches!(
            self.place,
            Place::Over | Place::Trailer | Place::TrailerLine
        )
    }

    /// Passes the data among these bytes to the callback, and returns how many bytes belong to the coding:
    /// all, unless it is over.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut show: impl FnMut(&[u8]) -> Result<(), RequestError>,
    ) -> (usize, Result<(), RequestError>) {
        let mut at = 0;
        while at < bytes.len() && !self.is_over() {
            let rest = &bytes[at..];
            let step = match self.place {
                Place::Data => {
                    let length = usize::try_from(self.size).unwrap_or(usize::MAX);
                    let length = length.min(rest.len());
                    self.size -= length as u64;
                    if self.size == 0 {
                        self.place = Place::DataEnd;
                    }
                    show(&rest[..length]).map(|()| length)
                }
                Place::Extensions => self.skip_extensions(rest),
                _ => self.step(rest[0]).map(|()| 1),
            };
            match step {
                Ok(taken) => at += taken,
                Err(error) => return (at, Err(error)),
            }
        }
        (at, Ok(()))
    }

    fn step(&mut self, byte: u8) -> Result<(), RequestError> {
        let blank = matches!(byte, b' ' | b'\t');
        match (self.place, byte) {
            (Place::Start | Place::AfterDigits, _) if blank => self.lengthen(1)?,
            (Place::Start | Place::Digits, _) if byte.is_ascii_hexdigit() => {
                self.place = Place::Digits;
                self.add_digit(byte)?;
            }
            (Place::Digits, _) if blank => self.place = Place::AfterDigits,
            (Place::Digits | Place::AfterDigits, b';') => self.place = Place::Extensions,
            (Place::Digits | Place::AfterDigits, b'\r') => self.place = Place::AfterDigits,
            (Place::Digits | Place::AfterDigits, b'\n') => self.end_size(),
            (Place::Start | Place::Digits | Place::AfterDigits, _) => {
                return Err(not_chunked(
                    "the size of a chunk is not a hexadecimal number",
                ));
            }
            (Place::DataEnd | Place::Trailer, b'\r') => {}
            (Place::DataEnd, b'\n') => self.place = Place::Start,
            (Place::DataEnd, _) => return Err(not_chunked("a chunk is longer than its size")),
            (Place::Trailer, b'\n') => self.place = Place::Over,
            (Place::TrailerLine, b'\n') => self.place = Place::Trailer,
            (Place::Trailer | Place::TrailerLine, _) => {
                self.place = Place::TrailerLine;
                self.lengthen(1)?;
            }
            (Place::Data | Place::Extensions | Place::Over, _) => {}
        }
        Ok(())
    }

    fn add_digit(&mut self, digit: u8) -> Result<(), RequestError> {
        let digit = char::from(digit).to_digit(16).unwrap_or_default();
        let size = self.size.checked_mul(16);
        let size = size.and_then(|size| size.checked_add(digit.into()));
        self.size = size.ok_or_else(|| not_chunked("the size of a chunk is too large"))?;
        self.lengthen(1)
    }

    fn skip_extensions(&mut self, rest: &[u8]) -> Result<usize, RequestError> {
        let end = memchr(b'\n', rest);
        self.lengthen(end.unwrap_or(rest.len()))?;
        Ok(match end {
            Some(end) => {
                self.end_size();
                end + 1
            }
            None => rest.len(),
        })
    }

    fn end_size(&mut self) {
        self.line = 0;
        self.place = match self.size {
            0 => Place::Trailer,
            _ => Place::Data,
        };
    }

    fn lengthen(&mut self, bytes: usize) -> Result<(), RequestError> {
        self.line += bytes;
        match self.place {
            Place::TrailerLine if self.line > LONGEST_TRAILERS => {
                Err(not_chunked("the trailers are longer than 64 KiB"))
            }
            Place::TrailerLine => Ok(()),
            _ if self.line > LONGEST_LINE => Err(not_chunked(
                "the line with the size of a chunk is longer than 16 KiB",
            )),
            _ => Ok(()),
        }
    }
}

fn not_chunked(why: &str) -> RequestError {
    super::not_http::not_http(&why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// What comes out of pieces, how many bytes were not taken, and whether it is over.
    fn taken(pieces: &[&[u8]]) -> Result<(String, usize, bool), RequestError> {
        let mut chunks = Chunks::default();
        let mut data = Vec::new();
        let mut left = 0;
        for piece in pieces {
            let (used, taken) = chunks.take(piece, |shown| {
                data.extend_from_slice(shown);
                Ok(())
            });
            taken?;
            left += piece.len() - used;
        }
        let text = String::from_utf8(data).unwrap();
        Ok((text, left, chunks.is_over()))
    }

    #[rstest]
    #[case::plain("5\r\nhello\r\n0\r\n\r\n", "hello", 0, true)]
    #[case::capitals("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0, true)]
    #[case::zeros("0005\r\nhello\r\n000\r\n\r\n", "hello", 0, true)]
    #[case::spaces(" 5 \t\r\nhello\r\n0 \r\n\r\n", "hello", 0, true)]
    #[case::extension(
        "5;chunk-signature=0123456789abcdef0123456789abcdef\r\nhello\r\n0;x=\"y\"\r\n\r\n",
        "hello",
        0,
        true
    )]
    #[case::space_before_extension("5 ; a=b\r\nhello\r\n0\r\n\r\n", "hello", 0, true)]
    #[case::trailers("5\r\nhello\r\n0\r\na: b\r\nc: d\r\n\r\n", "hello", 0, true)]
    #[case::bare_line_feeds("5\nhello\n0\n\n", "hello", 0, true)]
    #[case::more_behind_it("1\r\nx\r\n0\r\n\r\nHTTP", "x", 4, true)]
    #[case::not_over("5\r\nhello\r\n", "hello", 0, false)]
    #[case::no_trailers_yet("5\r\nhello\r\n0\r\n", "hello", 0, false)]
    fn chunks(#[case] coded: &str, #[case] data: &str, #[case] left: usize, #[case] over: bool) {
        let expected = (data.to_owned(), left, over);
        assert_eq!(taken(&[coded.as_bytes()]).as_ref(), Ok(&expected));
        let bytes: Vec<&[u8]> = coded.as_bytes().chunks(1).collect();
        assert_eq!(taken(&bytes).as_ref(), Ok(&expected));
        for cut in 0..coded.len() {
            let (head, tail) = coded.as_bytes().split_at(cut);
            assert_eq!(taken(&[head, tail]).as_ref(), Ok(&expected), "cut at {cut}");
        }
    }

    #[rstest]
    #[case::no_size("\r\nhello")]
    #[case::negative("-5\r\nhello")]
    #[case::plus("+5\r\nhello")]
    #[case::prefixed("0x5\r\nhello")]
    #[case::words("hello\r\n")]
    #[case::two_sizes("5 5\r\nhello")]
    #[case::too_large("10000000000000000\r\n")]
    #[case::longer_than_said("5\r\nhello!\r\n")]
    fn what_is_not_chunked(#[case] coded: &str) {
        let error = taken(&[coded.as_bytes()]).unwrap_err().to_string();
        assert!(
            error.starts_with("unreadable answer: not HTTP: "),
            "{error}"
        );
    }

    #[rstest]
    #[case::extension("5;", LONGEST_LINE)]
    #[case::spaces("", LONGEST_LINE)]
    #[case::trailer("0\r\na: ", LONGEST_TRAILERS)]
    fn a_line_without_end_is_refused_and_kept_nowhere(#[case] head: &str, #[case] limit: usize) {
        let mut chunks = Chunks::default();
        let fed = chunks.take(head.as_bytes(), |_| Ok(()));
        assert_eq!(fed, (head.len(), Ok(())));
        let filler: &[u8] = if head.is_empty() { b" " } else { b"a" };
        let piece = filler.repeat(1024);
        let refused_after = (1..200)
            .find(|_| chunks.take(&piece, |_| Ok(())).1.is_err())
            .expect("a limit");
        assert!(refused_after * 1024 >= limit && refused_after * 1024 <= limit + 1024);
    }
}
