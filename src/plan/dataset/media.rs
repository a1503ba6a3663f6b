//! Pictures, videos and recordings of datasets: files go into requests, addresses are passed on.

use crate::{
    paths::looked_in,
    plan::{Base64, File, Media, MediaKind, MediaSource},
};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// Media of a dataset; each file is read once and shared by all requests that show it.
pub(super) struct Shelf {
    folder: PathBuf,
    files: HashMap<String, File>,
}

impl Shelf {
    /// Relative paths are taken from this folder.
    pub(super) fn new(folder: &Path) -> Self {
        Shelf {
            folder: folder.to_owned(),
            files: HashMap::new(),
        }
    }

    /// The place of a file: relative paths are taken from its folder.
    pub(super) fn beside(file: &Path) -> Self {
        Shelf::new(file.parent().unwrap_or(Path::new("")))
    }

    /// What a reference means: an `http(s):` or `data:` address as it is, anything else a file.
    pub(super) fn media(&mut self, reference: &str, kind: MediaKind) -> Result<Media, String> {
        let address = ["http://", "https://", "data:"]
            .iter()
            .any(|scheme| reference.starts_with(scheme));
        let source = if address {
            MediaSource::Url(reference.to_owned())
        } else {
            MediaSource::Inline(self.file(reference, kind)?)
        };
        Ok(Media { kind, source })
    }

    /// A file, read.
    pub(super) fn file(&mut self, reference: &str, kind: MediaKind) -> Result<File, String> {
        if let Some(file) = self.files.get(reference) {
            return Ok(file.clone());
        }
        let path = self
            .folder
            .join(reference.strip_prefix("file://").unwrap_or(reference));
        let bytes = fs::read(&path).map_err(|e| {
            let folder = looked_in(&path);
            format!("`{}` cannot be read{folder}: {e}", path.display())
        })?;
        let file = file(&path.to_string_lossy(), &bytes, kind)?;
        self.files.insert(reference.to_owned(), file.clone());
        Ok(file)
    }
}

/// Bytes as a file of requests. The name helps to tell its type and is only its last part then.
pub(super) fn file(name: &str, bytes: &[u8], kind: MediaKind) -> Result<File, String> {
    let (mime, ending) = media_type(Path::new(name), bytes)
        .filter(|(mime, _)| mime.starts_with(kind.name()))
        .ok_or_else(|| {
            let kind = kind.name();
            format!(
                "`{name}` has no known {kind} type, neither by its first bytes nor by its ending"
            )
        })?;
    let stem = Path::new(name)
        .file_stem()
        .map_or_else(|| kind.name().into(), |stem| stem.to_string_lossy());
    Ok(File {
        name: format!("{stem}.{ending}"),
        mime: mime.to_owned(),
        content: Base64::encode(bytes),
    })
}

/// Media type and ending: what the first bytes tell, else what the name does.
fn media_type(name: &Path, bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let told = match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(("image/png", "png")),
        [0xFF, 0xD8, 0xFF, ..] => Some(("image/jpeg", "jpg")),
        [b'G', b'I', b'F', b'8', ..] => Some(("image/gif", "gif")),
        [b'B', b'M', ..] => Some(("image/bmp", "bmp")),
        [b'R', b'I', b'F', b'F', _, _, _, _, kind @ ..] => match kind {
            [b'W', b'E', b'B', b'P', ..] => Some(("image/webp", "webp")),
            [b'W', b'A', b'V', b'E', ..] => Some(("audio/wav", "wav")),
            [b'A', b'V', b'I', b' ', ..] => Some(("video/x-msvideo", "avi")),
            _ => None,
        },
        [b'f', b'L', b'a', b'C', ..] => Some(("audio/flac", "flac")),
        [b'O', b'g', b'g', b'S', ..] => Some(("audio/ogg", "ogg")),
        [b'I', b'D', b'3', ..] | [0xFF, 0xFB | 0xF3 | 0xF2, ..] => Some(("audio/mpeg", "mp3")),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(("video/webm", "webm")),
        _ => None,
    };
    told.or_else(|| {
        let ending = name.extension()?.to_str()?.to_ascii_lowercase();
        const ENDINGS: [(&str, &str); 6] = [
            ("video/mp4", "mp4"),
            ("video/quicktime", "mov"),
            ("video/webm", "mkv"),
            ("audio/mp4", "m4a"),
            ("image/tiff", "tiff"),
            ("image/avif", "avif"),
        ];
        ENDINGS.into_iter().find(|(_, known)| *known == ending)
    })
    // Some other file in the same container.
    .or_else(|| (bytes.get(4..8)? == b"ftyp").then_some(("video/mp4", "mp4")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::scratch;
    use rstest::rstest;

    #[rstest]
    #[case("https://example.org/a.png", MediaKind::Image)]
    #[case("data:image/png;base64,aGk=", MediaKind::Image)]
    fn addresses_are_passed_on(#[case] reference: &str, #[case] kind: MediaKind) {
        let media = Shelf::new(Path::new("")).media(reference, kind).unwrap();
        assert_eq!(media.source, MediaSource::Url(reference.into()));
    }

    #[rstest]
    #[case(b"\x89PNG...", "a.jpg", MediaKind::Image, "image/png", "a.png")]
    #[case(b"\xFF\xD8\xFFx", "a", MediaKind::Image, "image/jpeg", "a.jpg")]
    #[case(b"RIFF1234WEBP", "a", MediaKind::Image, "image/webp", "a.webp")]
    #[case(b"RIFF1234WAVE", "a.wav", MediaKind::Audio, "audio/wav", "a.wav")]
    #[case(b"fLaC", "b/c.flac", MediaKind::Audio, "audio/flac", "c.flac")]
    #[case(b"0000ftypisom", "a.MP4", MediaKind::Video, "video/mp4", "a.mp4")]
    #[case(b"0000ftypisom", "a.m4a", MediaKind::Audio, "audio/mp4", "a.m4a")]
    fn types_are_told_by_content_then_name(
        #[case] bytes: &[u8],
        #[case] name: &str,
        #[case] kind: MediaKind,
        #[case] mime: &str,
        #[case] called: &str,
    ) {
        let file = file(name, bytes, kind).unwrap();
        assert_eq!((file.mime.as_str(), file.name.as_str()), (mime, called));
        assert_eq!(file.content.decode(), bytes);
    }

    #[test]
    fn a_file_of_another_kind_or_none_is_named() {
        let folder = scratch();
        folder.file("notes.txt", "hi");
        let mut shelf = Shelf::new(&folder);
        let error = shelf.media("notes.txt", MediaKind::Image).unwrap_err();
        assert!(
            error.contains("notes.txt` has no known image type"),
            "{error}"
        );
        let error = shelf.media("gone.png", MediaKind::Image).unwrap_err();
        assert!(error.contains("gone.png` cannot be read"), "{error}");
    }

    #[test]
    fn a_file_is_read_once() {
        let folder = scratch();
        let path = folder.file("a.mp4", "0000ftyp");
        let mut shelf = Shelf::new(Path::new(""));
        let name = format!("file://{}", path.display());
        let first = shelf.media(&name, MediaKind::Video).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(shelf.media(&name, MediaKind::Video).unwrap(), first);
    }
}
