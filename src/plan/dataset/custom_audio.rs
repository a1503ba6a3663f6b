//! `custom_audio("clips.jsonl", output = 256)`: recordings, a JSON object a line.
//!
//! A row has `audio`, a path that is taken from the folder of the file, and perhaps a `prompt`. A
//! backend that transcribes gets the recording alone; a chat gets both. Files are sent as they
//! are, where vLLM turns all of them into WAV. Order and repeated rows are those of `custom`.

use super::{
    Sample, Samples, arrange,
    complaints::Complaints,
    fields::{Fields, lines},
    media::Shelf,
    oversample, sound,
};
use crate::plan::{Audio, File, Media, MediaKind, MediaSource, PlanError, PlanSpec, Prompt, Shape};
use goodput_grammar::dataset::CustomAudio;

struct Row {
    place: String,
    prompt: String,
    audio: String,
    output_tokens: u64,
}

pub(super) fn sample(custom: &CustomAudio, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut rows = lines(&custom.path, "`audio`", |fields| {
        row(fields, custom.output).map(Some)
    })?;
    arrange(&mut rows, custom.keep_order, spec.seed);
    rows.truncate(spec.requests);

    let mut shelf = Shelf::beside(&custom.path);
    let mut complaints = Complaints::about(&custom.path);
    let mut samples = Samples::default();
    for row in rows {
        spec.go_on()?;
        let input = spec.tokenizer.count(&row.prompt, true);
        let prompt = shelf
            .file(&row.audio, MediaKind::Audio)
            .and_then(|file| prompt(row.prompt, file, spec));
        match prompt {
            Ok(prompt) => samples
                .rows
                .push(Sample::new(prompt, input, row.output_tokens)),
            Err(why) => complaints.add(&row.place, &format!("field `audio`: {why}")),
        }
    }
    complaints.check()?;
    oversample(&mut samples, custom.no_oversample, spec.requests, spec.seed)?;
    Ok(samples)
}

fn row(mut fields: Fields, output: Option<usize>) -> Result<Row, Vec<String>> {
    let place = fields.place().to_owned();
    let prompt = if fields.has("prompt") {
        fields.text("prompt")
    } else {
        Some(String::new())
    };
    let audio = fields.text("audio");
    let read = prompt.zip(audio).zip(fields.output(output));
    fields
        .done(read)
        .map(|((prompt, audio), output_tokens)| Row {
            place,
            prompt,
            audio,
            output_tokens,
        })
}

/// What a backend is sent: a recording alone if it transcribes, else a message with it.
pub(super) fn prompt(text: String, file: File, spec: &PlanSpec<'_>) -> Result<Prompt, String> {
    if !spec.takes.contains(&Shape::Audio) {
        return Ok(Prompt::Media {
            text,
            media: vec![Media {
                kind: MediaKind::Audio,
                source: MediaSource::Inline(file),
            }],
        });
    }
    match sound::seconds(&file.content.decode()) {
        Some(seconds) => Ok(Prompt::Audio(Audio { file, seconds })),
        None => Err(format!(
            "`{}` has no duration in its header; make it a WAV or FLAC file",
            file.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{
            dataset::tests::{draw, draw_for},
            testing::{fixture, scratch},
        },
        tokenizer::Tokenizer,
    };
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    #[cfg(feature = "tokenizers")]
    #[test]
    fn recordings_agree_with_vllm() {
        crate::plan::dataset::testing::check("custom_audio");
    }

    #[test]
    fn files_are_sent_as_they_are() {
        let dataset = Dataset::CustomAudio(CustomAudio {
            path: fixture("datasets/custom_audio.jsonl"),
            keep_order: true,
            ..CustomAudio::default()
        });
        let samples = draw_for(&dataset, 1, 0, &Tokenizer::none(), &[Shape::Audio]).unwrap();
        let Prompt::Audio(Audio { file, seconds }) = &samples.rows[0].prompt else {
            panic!("{:?}", samples.rows[0]);
        };
        assert_eq!(
            (file.name.as_str(), file.mime.as_str()),
            ("low.wav", "audio/wav")
        );
        assert_eq!(*seconds, 0.05);
        let bytes = std::fs::read(fixture("datasets/sounds/low.wav")).unwrap();
        assert_eq!(file.content.decode(), bytes);
    }

    #[rstest]
    #[case("{}", "line 1: field `audio` is missing")]
    #[case(r#"{"audio": 1}"#, "line 1: field `audio` is a number, not a string")]
    #[case(r#"{"audio": "gone.wav"}"#, "gone.wav` cannot be read")]
    #[case(r#"{"audio": "c.jsonl"}"#, "c.jsonl` has no known audio type")]
    #[case(r#"{"audio": "x.mp3"}"#, "`x.mp3` has no duration in its header")]
    fn bad_rows_are_told_by_line_and_field(#[case] content: &str, #[case] said: &str) {
        let folder = scratch();
        folder.file("x.mp3", "ID3");
        let path = folder.file("c.jsonl", content);
        let dataset = Dataset::CustomAudio(CustomAudio {
            path,
            ..CustomAudio::default()
        });
        let takes = [Shape::Audio];
        let error = draw_for(&dataset, 1, 0, &Tokenizer::none(), &takes).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        if content.contains("mp3") {
            assert!(draw(&dataset, 1, 0, &Tokenizer::none()).is_ok());
        }
    }
}
