//! What a row of a set asks.

use super::{family::Family, reader::Reader};
use crate::plan::{
    File, Media, MediaKind, MediaSource, Prompt,
    dataset::{
        Sample, custom_audio,
        fields::{Fields, kind},
        media, sound,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// Lengths within which conversations are kept: prompt and answer of 4 tokens at least.
struct Kept {
    prompt: u64,
    total: u64,
}

impl Kept {
    fn keeps(&self, prompt: u64, answer: u64) -> bool {
        prompt >= 4 && answer >= 4 && prompt <= self.prompt && prompt + answer <= self.total
    }
}

impl Reader<'_> {
    /// What a row asks; `None` if a filter drops it.
    pub(super) fn sample(&mut self, mut fields: Fields) -> Result<Option<Sample>, Vec<String>> {
        let made = match self.known.family {
            Family::Conversation => self.conversation(&mut fields),
            Family::VisionArena(path) => self.vision_arena(&mut fields, path),
            Family::Mmvu => self.mmvu(&mut fields),
            Family::InstructCoder => self.instruct_coder(&mut fields),
            Family::Text(path) => self.text(&mut fields, path),
            Family::Blazedit => self.blazedit(&mut fields),
            Family::Aimo => self.aimo(&mut fields),
            Family::NextEdit => self.next_edit(&mut fields),
            Family::Speech => self.speech(&mut fields),
            Family::MmStar => self.mm_star(&mut fields),
            Family::Bfcl => self.tools(&mut fields),
        };
        fields.done(made)
    }

    /// The output length asked for, or the family's.
    pub(super) fn output(&self) -> u64 {
        let asked = self.set.output.map(|tokens| tokens as u64);
        asked.or(self.known.output).unwrap_or(1)
    }

    fn ask(&self, text: String) -> Sample {
        let input = self.spec.tokenizer.count(&text, true);
        Sample::new(Prompt::Text(text), input, self.output())
    }

    fn show(&self, text: String, media: Media) -> Sample {
        let input = self.spec.tokenizer.count(&text, true);
        let media = vec![media];
        Sample::new(Prompt::Media { text, media }, input, self.output())
    }

    /// A prompt with the length of its answer, unless one was asked for or the filter drops it.
    fn answered(&self, text: String, answer: &str, kept: &Kept) -> Option<Sample> {
        let mut sample = self.ask(text);
        if self.set.output.is_none() {
            let length = self.spec.tokenizer.count(answer, true).tokens;
            if !kept.keeps(sample.input.tokens, length) {
                return None;
            }
            sample.output_tokens = length;
        }
        Some(sample)
    }

    fn conversation(&mut self, fields: &mut Fields) -> Option<Option<Sample>> {
        if fields.array("conversations")?.len() < 2 {
            return Some(None);
        }
        let prompt = fields.text_at(&["conversations", "0", "value"]);
        let answer = fields.text_at(&["conversations", "1", "value"]);
        let kept = Kept {
            prompt: 1024,
            total: 2048,
        };
        let (prompt, answer) = prompt.zip(answer)?;
        let Some(mut sample) = self.answered(prompt, &answer, &kept) else {
            return Some(None);
        };
        if fields.has("image") {
            let image = self.image(fields, "image", None)?;
            if let Prompt::Text(text) = sample.prompt {
                sample.prompt = Prompt::Media {
                    text,
                    media: vec![image],
                };
            }
        }
        Some(Some(sample))
    }

    fn vision_arena(&mut self, fields: &mut Fields, path: &[&str]) -> Option<Option<Sample>> {
        let text = fields.text_at(path);
        let image = fields.array("images").and_then(|images| {
            let first = images.into_iter().next();
            self.image(fields, "images[0]", Some(first.unwrap_or_default()))
        });
        let (text, image) = text.zip(image)?;
        Some(Some(self.show(text, image)))
    }

    fn mmvu(&mut self, fields: &mut Fields) -> Option<Option<Sample>> {
        let (question, video) = (fields.text("question"), fields.text("video"));
        let choices = match fields.take("choices") {
            Some(Value::Object(choices)) => Some(choices),
            other => {
                let kind = other.as_ref().map_or("missing", kind);
                fields.complain(format!("field `choices` is {kind}, not an object"));
                None
            }
        };
        let ((question, video), choices) = question.zip(video).zip(choices)?;
        let choices: Vec<String> = choices
            .iter()
            .map(|(name, choice)| match choice {
                Value::String(choice) => format!("{name}.{choice}"),
                Value::Null => format!("{name}.None"),
                other => format!("{name}.{other}"),
            })
            .collect();
        let text = format!("{question} {}", choices.join(" "));
        let remote = format!("https://huggingface.co/datasets/{}/resolve/main/", self.id);
        let local = video.strip_prefix(&remote);
        let media = match local.map(|local| self.shelf.media(local, MediaKind::Video)) {
            Some(Ok(media)) => Ok(media),
            // It is not here: the server may get it.
            _ => self.shelf.media(&video, MediaKind::Video),
        };
        match media {
            Ok(media) => Some(Some(self.show(text, media))),
            Err(why) => {
                fields.complain(format!("field `video`: {why}"));
                None
            }
        }
    }

    fn instruct_coder(&self, fields: &mut Fields) -> Option<Option<Sample>> {
        let (input, instruction) = (fields.text("input"), fields.text("instruction"));
        let (input, instruction) = input.zip(instruction)?;
        Some(Some(self.ask(format!(
            "{input}\n\n{instruction} Just output the code, do not include any explanation."
        ))))
    }

    fn text(&self, fields: &mut Fields, path: &[&str]) -> Option<Option<Sample>> {
        fields.text_at(path).map(|text| Some(self.ask(text)))
    }

    fn blazedit(&self, fields: &mut Fields) -> Option<Option<Sample>> {
        let (code, change) = (fields.text("code"), fields.text("change_request"));
        let distance = fields.number("norm_distance");
        let ((code, change), distance) = code.zip(change).zip(distance)?;
        if !(self.set.min_distance..=self.set.max_distance).contains(&distance) {
            return Some(None);
        }
        Some(Some(self.ask(format!(
            "Given a code file, please apply the change requests and generate the new file.\n\n\
             Original file:\n```python\n{code}\n```\n\n\
             Change request:\n{change}\n\n\
             Please generate the new code file in the \"New file\" section below."
        ))))
    }

    fn aimo(&self, fields: &mut Fields) -> Option<Option<Sample>> {
        let (problem, solution) = (fields.text("problem"), fields.text("solution"));
        let (problem, solution) = problem.zip(solution)?;
        let kept = Kept {
            prompt: 2048,
            total: 32_000,
        };
        Some(self.answered(problem, &solution, &kept))
    }

    fn next_edit(&self, fields: &mut Fields) -> Option<Option<Sample>> {
        let (events, input) = (fields.text("events"), fields.text("input"));
        let output = fields.text("output");
        let ((events, input), output) = events.zip(input).zip(output)?;
        let mut sample = self.ask(format!(
            "### Instruction:\nYou are a code completion assistant and your task is to analyze \
             user edits and then rewrite an excerpt that the user provides, suggesting the \
             appropriate edits within the excerpt, taking into account the cursor location.\n\n\
             ### User Edits:\n\n{events}\n\n### User Excerpt:\n\n{input}\n\n### Response:\n\n"
        ));
        // What is to be written starts at the marker; without one, vLLM counts the last character.
        let start = output
            .find("<|editable_region_start|>")
            .or(output.char_indices().next_back().map(|(at, _)| at));
        let answer = &output[start.unwrap_or_default()..];
        sample.output_tokens = self.spec.tokenizer.count(answer, true).tokens;
        Some(Some(sample))
    }

    fn speech(&mut self, fields: &mut Fields) -> Option<Option<Sample>> {
        let file = self.file(fields, "audio", MediaKind::Audio, None)?;
        let limits = self.set.min_audio > 0.0 || self.set.max_audio.is_some();
        if limits {
            let Some(seconds) = sound::seconds(&file.content.decode()) else {
                fields.complain(
                    "field `audio` has no duration in its header, as WAV and FLAC have; leave out \
                     `hf(min_audio)` and `hf(max_audio)`",
                );
                return None;
            };
            let most = self.set.max_audio.unwrap_or(f64::INFINITY);
            if !(self.set.min_audio..=most).contains(&seconds) {
                return Some(None);
            }
        }
        let text = decoder_prompt(self.spec.tokenizer.name().unwrap_or_default());
        let input = self.spec.tokenizer.count(text, true);
        match custom_audio::prompt(text.to_owned(), file, self.spec) {
            Ok(prompt) => Some(Some(Sample::new(prompt, input, self.output()))),
            Err(why) => {
                fields.complain(format!("field `audio`: {why}"));
                None
            }
        }
    }

    fn mm_star(&mut self, fields: &mut Fields) -> Option<Option<Sample>> {
        let question = fields.text("question");
        let image = self.image(fields, "image", None);
        let (question, image) = question.zip(image)?;
        let text = question.split("Options:").next().unwrap_or_default();
        Some(Some(self.show(text.trim().to_owned(), image)))
    }

    fn image(&mut self, fields: &mut Fields, name: &str, value: Option<Value>) -> Option<Media> {
        if let Some(Value::String(address)) = &value {
            return self.named(fields, name, address);
        }
        if value.is_none()
            && let Some(address) = fields.string(name)
        {
            return self.named(fields, name, &address);
        }
        let file = self.file(fields, name, MediaKind::Image, value)?;
        Some(Media {
            kind: MediaKind::Image,
            source: MediaSource::Inline(file),
        })
    }

    fn named(&mut self, fields: &mut Fields, name: &str, address: &str) -> Option<Media> {
        match self.shelf.media(address, MediaKind::Image) {
            Ok(media) => Some(media),
            Err(why) => {
                fields.complain(format!("field `{name}`: {why}"));
                None
            }
        }
    }

    /// A file of the kinds that sets have: a path, or an object with its `bytes` or `path`.
    fn file(
        &mut self,
        fields: &mut Fields,
        name: &str,
        of: MediaKind,
        value: Option<Value>,
    ) -> Option<File> {
        let value = match value {
            Some(value) => value,
            None => fields.value(name)?,
        };
        let part = |key: &str| value.get(key).and_then(Value::as_str);
        let file = match (&value, part("bytes"), part("path")) {
            (Value::String(path), ..) => self.shelf.file(path, of),
            (_, Some(bytes), path) => match BASE64_STANDARD.decode(bytes) {
                Ok(bytes) => media::file(path.unwrap_or(of.name()), &bytes, of),
                Err(_) => {
                    fields.complain(format!("field `{name}.bytes` is not base64"));
                    return None;
                }
            },
            (_, None, Some(path)) => self.shelf.file(path, of),
            (other, ..) => {
                let kind = kind(other);
                fields.complain(format!(
                    "field `{name}` is {kind}, not a path or an object with `bytes` or `path`"
                ));
                return None;
            }
        };
        match file {
            Ok(file) => Some(file),
            Err(why) => {
                fields.complain(format!("field `{name}`: {why}"));
                None
            }
        }
    }
}

/// What a model that transcribes starts from, by its tokenizer's name.
fn decoder_prompt(tokenizer: &str) -> &'static str {
    if tokenizer.contains("openai") {
        "<|startoftranscript|><|en|><|transcribe|><|notimestamps|>"
    } else if tokenizer.to_lowercase().contains("cohere") {
        "<|startofcontext|><|startoftranscript|><|emo:undefined|><|en|><|en|><|pnc|><|noitn|>\
         <|notimestamp|><|nodiarize|>"
    } else {
        ""
    }
}
