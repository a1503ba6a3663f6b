//! Pictures, videos and sound of prompts.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, sync::Arc};

/// Kind of a part of a prompt that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A video.
    Video,
    /// Sound.
    Audio,
}

impl MediaKind {
    /// `image`, `video` or `audio`.
    pub fn name(self) -> &'static str {
        match self {
            MediaKind::Image => "image",
            MediaKind::Video => "video",
            MediaKind::Audio => "audio",
        }
    }
}

/// Part of a prompt that is not text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Kind of the part.
    pub kind: MediaKind,
    /// Source of the part.
    pub source: MediaSource,
}

/// Source of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// The server fetches this address itself.
    Url(String),
    /// The request contains the file.
    Inline(File),
}

impl MediaSource {
    /// The address, or a `data:` URL that contains the file.
    pub fn url(&self) -> String {
        match self {
            MediaSource::Url(url) => url.clone(),
            MediaSource::Inline(file) => {
                format!("data:{};base64,{}", file.mime, file.content.as_str())
            }
        }
    }
}

/// A file that a request carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// File name, as in uploads: `audio.wav`.
    pub name: String,
    /// Media type: `image/jpeg`, `video/mp4`, `audio/wav`.
    pub mime: String,
    /// Content of the file.
    pub content: Base64,
}

/// Bytes as base64 text, shared by all owners: thousands of requests may carry one picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Base64(Arc<str>);

impl Base64 {
    /// Encodes these bytes.
    pub fn encode(bytes: &[u8]) -> Self {
        Base64(BASE64_STANDARD.encode(bytes).into())
    }

    /// Base64 text, with padding and without line breaks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Bytes of the base64 text, without a copy.
    pub(crate) fn text(&self) -> Bytes {
        struct Text(Arc<str>);
        impl AsRef<[u8]> for Text {
            fn as_ref(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }
        Bytes::from_owner(Text(self.0.clone()))
    }

    /// Decodes the content.
    pub fn decode(&self) -> Vec<u8> {
        // The text is valid: it was encoded here, or checked when it was read.
        BASE64_STANDARD.decode(&*self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} characters of base64", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match BASE64_STANDARD.decode(&text) {
            Ok(_) => Ok(Base64(text.into())),
            Err(e) => Err(serde::de::Error::custom(format!("is not base64 ({e})"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back(bytes: Vec<u8>) {
            let encoded = Base64::encode(&bytes);
            let stored = serde_json::to_string(&encoded).unwrap();
            let read: Base64 = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&read, &encoded);
            prop_assert_eq!(read.decode(), bytes);
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        let error = serde_json::from_str::<Base64>(r#""a b""#).unwrap_err();
        assert!(error.to_string().contains("is not base64"), "{error}");
    }

    #[test]
    fn urls_are_passed_on_and_files_are_inlined() {
        let url = MediaSource::Url("https://example.org/a.png".into());
        assert_eq!(url.url(), "https://example.org/a.png");
        let file = MediaSource::Inline(File {
            name: "a.png".into(),
            mime: "image/png".into(),
            content: Base64::encode(b"hi"),
        });
        assert_eq!(file.url(), "data:image/png;base64,aGk=");
    }
}
