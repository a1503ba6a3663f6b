//! OpenAI's `/v1/audio/transcriptions` and `/v1/audio/translations`, as vLLM implements them: a form with a
//! recording, answered by events with choices.

use super::{
    ParsedRequest, UsageEvents, chat,
    choices::Choices,
    facts::Facts,
    openai,
    parsed::{Generating, Input},
};
use crate::sim::refusal::Refusal;
use memchr::memmem;
use serde_json::{Value, json};

/// The number of tokens for a second of sound, as in Whisper.
const TOKENS_A_SECOND: f64 = 50.0;

/// The number of bytes a second in a sound file whose header does not say: 16 kHz, 16 bits.
const BYTES_A_SECOND: u32 = 32_000;

/// Whether speech is transcribed in its own language or translated to English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Transcribe,
    Translate,
}

pub(super) fn read(body: &[u8], work: Work) -> Result<ParsedRequest, Refusal> {
    let fields = fields(body).ok_or_else(|| {
        Refusal::bad_request("body", "The body must be a form (multipart/form-data).")
    })?;
    let bytes = |name: &str| {
        let named = |field: &&Field<'_>| field.name == name;
        fields.iter().find(named).map(|field| field.content)
    };
    let text = |name: &str| bytes(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    // Python's client writes `True`.
    let on = |name: &str| text(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let file = bytes("file").ok_or_else(|| Refusal::missing("file"))?;
    let seconds = seconds(file);
    let heard = (seconds * TOKENS_A_SECOND).ceil().max(1.0) as u64;
    let max_tokens = match text("max_completion_tokens").map(|tokens| tokens.parse()) {
        None => None,
        Some(Ok(tokens)) => Some(tokens),
        Some(Err(_)) => {
            let message = "max_completion_tokens must be a whole number.";
            return Err(Refusal::bad_request("max_completion_tokens", message));
        }
    };
    let generating = Generating {
        model: text("model"),
        input: Input::Tokens((0..heard).collect()),
        max_tokens,
        default_tokens: chat::DEFAULT_TOKENS,
        stream: on("stream"),
    };
    let asked = generating.asked(Box::new(Speech { work, seconds }))?;
    Ok(ParsedRequest {
        usage: match (
            on("stream_include_usage"),
            on("stream_continuous_usage_stats"),
        ) {
            (true, true) => UsageEvents::All,
            (true, false) => UsageEvents::Last,
            (false, _) => UsageEvents::Never,
        },
        ..asked
    })
}

/// One field of a form.
struct Field<'a> {
    name: String,
    content: &'a [u8],
}

/// The fields of a form, whose first line is the boundary. `None` if the body is not a form.
fn fields(body: &[u8]) -> Option<Vec<Field<'_>>> {
    let boundary = &body[..memmem::find(body, b"\r\n")?];
    if !boundary.starts_with(b"--") {
        return None;
    }
    let mut fields = Vec::new();
    let mut rest = &body[boundary.len()..];
    loop {
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head = memmem::find(rest, b"\r\n\r\n")?;
        let name = name(&String::from_utf8_lossy(&rest[..head]))?;
        let content = &rest[head + 4..];
        let end =
            memmem::find_iter(content, boundary).find(|&at| content[..at].ends_with(b"\r\n"))?;
        fields.push(Field {
            name,
            content: &content[..end - 2],
        });
        rest = &content[end + boundary.len()..];
    }
}

/// The name in the headers of a field.
fn name(headers: &str) -> Option<String> {
    let line = headers.lines().find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    let start = line.find(" name=\"")? + 7;
    let end = start + line[start..].find('"')?;
    Some(line[start..end].to_owned())
}

/// How long a WAV file plays, by its header.
fn seconds(file: &[u8]) -> f64 {
    let number = |at: usize| -> Option<u32> {
        let bytes = file.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let wav = file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WAVE");
    let a_second = wav.then(|| number(28)).flatten().filter(|rate| *rate > 0);
    let header = if wav { 44 } else { 0 };
    let sound = file.len().saturating_sub(header) as f64;
    sound / f64::from(a_second.unwrap_or(BYTES_A_SECOND))
}

#[derive(Debug)]
struct Speech {
    work: Work,
    /// How long the recording plays.
    seconds: f64,
}

impl Choices for Speech {
    fn text_key(&self) -> &'static str {
        "text"
    }

    fn head(&self, facts: &Facts) -> String {
        let (prefix, object) = match self.work {
            Work::Transcribe => ("trsc-", "transcription.chunk"),
            Work::Translate => ("trsl-", "translation.chunk"),
        };
        openai::head(facts, prefix, object)
    }

    fn choice(&self, finish: &str) -> (&'static str, String) {
        let behind = format!(r#""}},"finish_reason":{finish},"stop_reason":null}}]"#);
        (r#"{"delta":{"content":""#, behind)
    }

    fn tail(&self, _: &Facts, _: bool) -> String {
        String::new()
    }

    fn whole(&self, facts: &Facts, generated: u64) -> Value {
        let mut whole = json!({"text": facts.text(generated)});
        if !facts.withheld && self.work == Work::Transcribe {
            let seconds = self.seconds.ceil() as u64;
            whole["usage"] = json!({"type": "duration", "seconds": seconds});
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &[u8] = b"--B\r\nContent-Disposition: form-data; name=\"file\"; \
        filename=\"a.wav\"\r\ncontent-type: audio/wav\r\n\r\nx\r\n--Bx\r\n\r\n--B\r\n\
        content-disposition: form-data; name=\"model\"\r\n\r\nm\r\n--B--\r\n";

    #[test]
    fn a_form_is_read_to_its_end() {
        // A boundary that goes on is none, but then the line after it is not one either.
        let body = String::from_utf8_lossy(FORM).replace("--Bx\r\n", "-Bx\r\n");
        let fields = fields(body.as_bytes()).unwrap();
        let seen: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_str(), field.content))
            .collect();
        assert_eq!(seen, [("file", &b"x\r\n-Bx\r\n"[..]), ("model", b"m")]);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert!(fields(b"{\"file\":1}\r\n").is_none());
        assert!(fields(b"--B\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\ncut").is_none());
    }

    #[test]
    fn a_wav_file_says_how_long_it_plays() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\0\0\0".to_vec();
        wav.extend([0; 48_000]);
        assert_eq!(seconds(&wav), 1.5);
        assert_eq!(seconds(&[0; 16_000]), 0.5);
    }
}
