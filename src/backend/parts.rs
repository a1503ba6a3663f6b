//! Prompts as chat messages.

use crate::plan::{Media, MediaKind, MediaSource, Prompt};
use serde_json::{Value, json};

/// The place of pictures and other media in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaPosition {
    /// Before the text.
    First,
    /// After the text.
    Last,
}

/// The messages of a chat: a prompt's own, or one of the user whose content is always a list of parts. `None` for a
/// prompt that is not a message.
pub(super) fn messages(prompt: &Prompt, position: MediaPosition) -> Option<Value> {
    Some(match prompt {
        Prompt::Text(text) => user(text, &[], position),
        Prompt::Messages(messages) => messages.clone().into(),
        Prompt::Media { text, media } => user(text, media, position),
        _ => return None,
    })
}

/// One message of the user.
pub(super) fn user(text: &str, media: &[Media], position: MediaPosition) -> Value {
    let text = json!({"type": "text", "text": text});
    let mut parts: Vec<Value> = media.iter().map(part).collect();
    match position {
        MediaPosition::First => parts.push(text),
        MediaPosition::Last => parts.insert(0, text),
    }
    json!([{"role": "user", "content": parts}])
}

/// A part of a message in OpenAI's form; films and sound by URL in vLLM's.
fn part(media: &Media) -> Value {
    match (media.kind, &media.source) {
        (MediaKind::Audio, MediaSource::Inline(file)) => {
            let format = sound_format(&file.mime);
            json!({
                "type": "input_audio",
                "input_audio": {"data": file.content.as_str(), "format": format},
            })
        }
        (kind, source) => {
            let key = format!("{}_url", kind.name());
            json!({"type": key, key: {"url": source.url()}})
        }
    }
}

/// The format of a sound, such as `wav` or `mp3`.
fn sound_format(mime: &str) -> &str {
    match mime.strip_prefix("audio/").unwrap_or(mime) {
        "mpeg" => "mp3",
        "x-wav" | "wave" | "vnd.wave" => "wav",
        other => other,
    }
}
