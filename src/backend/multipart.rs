//! Forms with a file, `multipart/form-data` of RFC 7578.

use bytes::Bytes;

/// The text between the fields. No recording has it by chance.
const BOUNDARY: &str = "goodput-5f0c1d7a9b3e46288d41c6f2e07ba953";

/// Value of the `content-type` header.
pub(super) const CONTENT_TYPE: &str =
    "multipart/form-data; boundary=goodput-5f0c1d7a9b3e46288d41c6f2e07ba953";

/// A form under way.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<u8>);

impl Form {
    /// Adds a file.
    pub(super) fn file(&mut self, field: &str, name: &str, mime: &str, content: &[u8]) {
        let (field, name) = (quoted(field), quoted(name));
        self.head(&format!(
            "content-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             content-type: {mime}\r\n"
        ));
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
    }

    /// Adds a field of text.
    pub(super) fn text(&mut self, field: &str, value: &str) {
        let field = quoted(field);
        self.head(&format!(
            "content-disposition: form-data; name=\"{field}\"\r\n"
        ));
        self.0.extend_from_slice(value.as_bytes());
        self.0.extend_from_slice(b"\r\n");
    }

    /// The body.
    pub(super) fn finish(mut self) -> Bytes {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0.into()
    }

    fn head(&mut self, headers: &str) {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}\r\n{headers}\r\n").as_bytes());
    }
}

/// A name as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_what_the_rfc_says() {
        let mut form = Form::default();
        form.file("file", "a \"b\".wav", "audio/wav", b"RIFF\r\n\0");
        form.text("language", "en");
        let body = form.finish();
        let expected = "--B\r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a %22b%22.wav\"\r\n\
            content-type: audio/wav\r\n\r\nRIFF\r\n\0\r\n\
            --B\r\ncontent-disposition: form-data; name=\"language\"\r\n\r\nen\r\n--B--\r\n";
        assert_eq!(
            String::from_utf8_lossy(&body),
            expected.replace("--B", &format!("--{BOUNDARY}"))
        );
        assert!(CONTENT_TYPE.ends_with(BOUNDARY));
    }
}
