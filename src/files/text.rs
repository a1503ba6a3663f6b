//! Reads text files: UTF-8 with or without a byte order mark, UTF-16 as PowerShell writes it, and none so
//! large that it would fill the memory.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// Maximum size of a text file in bytes.
pub(crate) const LARGEST: u64 = 2 << 30;

/// Reads a text file, without its byte order mark.
///
/// # Errors
/// The system refuses the file, it is larger than [`LARGEST`], or it is neither UTF-8 nor UTF-16 with a byte order mark. The message fits behind "cannot be read: ".
pub(crate) fn read(path: &Path) -> io::Result<String> {
    decode(read_bytes(path, LARGEST)?)
}

/// Reads a text file that goodput itself writes. Refuses a pipe, which would block.
///
/// # Errors
/// Those of [`read`], and a path that is not a regular file.
pub(crate) fn read_own(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.is_file() {
        read(path)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// Reads the bytes of a file, `most` at most.
///
/// # Errors
/// The system refuses the file, or it is larger.
pub(crate) fn read_bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Devices and pipes report no size, so the number of bytes read counts.
    File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        Err(invalid(format!(
            "it is larger than {most} bytes, the limit for such a file"
        )))
    } else {
        Ok(bytes)
    }
}

/// Decodes bytes as text.
///
/// # Errors
/// The encoding is unknown.
pub(crate) fn decode(bytes: Vec<u8>) -> io::Result<String> {
    match bytes.as_slice() {
        [0xFF, 0xFE, units @ ..] => utf16(units, u16::from_le_bytes),
        [0xFE, 0xFF, units @ ..] => utf16(units, u16::from_be_bytes),
        // ASCII text in UTF-16 has a zero in each pair.
        [0, _, ..] | [_, 0, ..] => Err(invalid(
            "it is not UTF-8 text; it looks like UTF-16 without a byte order mark. Save it as UTF-8"
                .to_owned(),
        )),
        _ => {
            let mut text = String::from_utf8(bytes).map_err(|e| {
                let at = e.utf8_error().valid_up_to();
                invalid(format!(
                    "it is not UTF-8 text: byte {at} starts no character. Save it as UTF-8"
                ))
            })?;
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            Ok(text)
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> io::Result<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().copied().map(unit)).collect::<Result<String, _>>();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(invalid(
            "it starts like UTF-16 and has bytes that are not UTF-16. Save it as UTF-8".to_owned(),
        )),
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::scratch;
    use proptest::prelude::*;
    use rstest::rstest;

    fn encoded(text: &str, mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = mark.then_some(0xFEFF).into_iter();
        mark.chain(text.encode_utf16()).flat_map(unit).collect()
    }

    /// To open one waits for a writer, for ever and deaf to signals.
    #[cfg(unix)]
    #[test]
    fn a_pipe_in_place_of_a_file_of_ours_is_not_waited_for() {
        let folder = scratch();
        let pipe = folder.join("main.json");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(
            read_own(&pipe).unwrap_err().to_string(),
            "it is not a regular file"
        );
        let missing = read_own(&folder.join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert_eq!(read_own(&folder.file("there", "text")).unwrap(), "text");
    }

    proptest! {
        #[test]
        fn all_encodings_give_the_same_text(text in "[a-z{}\"é😀\n]{0,20}") {
            let marked = format!("\u{feff}{text}").into_bytes();
            prop_assert_eq!(&decode(marked).unwrap(), &text);
            prop_assert_eq!(&decode(encoded(&text, true, u16::to_le_bytes)).unwrap(), &text);
            prop_assert_eq!(&decode(encoded(&text, true, u16::to_be_bytes)).unwrap(), &text);
            prop_assert_eq!(&decode(text.clone().into_bytes()).unwrap(), &text);
        }

        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = decode(bytes);
        }
    }

    #[rstest]
    #[case::no_mark(
        encoded("ab", false, u16::to_le_bytes),
        "UTF-16 without a byte order mark"
    )]
    #[case::odd(vec![0xFF, 0xFE, b'a'], "has bytes that are not UTF-16")]
    #[case::half_a_pair(vec![0xFF, 0xFE, 0x3D, 0xD8], "has bytes that are not UTF-16")]
    #[case::latin1(b"caf\xe9".to_vec(), "byte 3 starts no character")]
    fn what_is_no_text_is_said(#[case] bytes: Vec<u8>, #[case] said: &str) {
        let error = decode(bytes).unwrap_err().to_string();
        assert!(
            error.contains(said) && error.contains("Save it as UTF-8"),
            "{error}"
        );
    }

    #[test]
    fn a_file_has_a_largest_size() {
        let folder = scratch();
        let path = folder.file("five", "12345");
        assert_eq!(read_bytes(&path, 5).unwrap(), b"12345");
        let error = read_bytes(&path, 4).unwrap_err().to_string();
        assert!(error.contains("larger than 4 bytes"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_end_is_given_up() {
        let error = read_bytes(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("larger"), "{error}");
    }
}
