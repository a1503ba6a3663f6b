//! `custom_image("questions.jsonl", output = 256)`: questions about pictures, a JSON object a line.
//!
//! A row has a `prompt` and its `image_files`, or `content`: parts of a chat message in which text
//! and pictures take turns. Pictures are paths, which are taken from the folder of the file and
//! sent inside of the request, or `http(s):` and `data:` addresses, which are passed on. Order and
//! repeated rows are those of `custom`.

use super::{
    Sample, Samples, arrange,
    complaints::Complaints,
    fields::{Fields, kind, lines},
    media::Shelf,
    oversample,
};
use crate::plan::{MediaKind, PlanError, PlanSpec, Prompt};
use goodput_grammar::dataset::CustomImage;
use serde_json::{Value, json};

struct Row {
    place: String,
    question: Question,
    output_tokens: u64,
}

enum Question {
    Plain {
        prompt: String,
        images: Vec<String>,
    },
    /// Parts of a message, with pictures as they are named.
    Parts(Vec<Value>),
}

pub(super) fn sample(custom: &CustomImage, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut rows = lines(
        &custom.path,
        "a `prompt` and `image_files`, or `content`",
        |fields| row(fields, custom.output).map(Some),
    )?;
    arrange(&mut rows, custom.keep_order, spec.seed);
    rows.truncate(spec.requests);

    let mut shelf = Shelf::beside(&custom.path);
    let mut complaints = Complaints::about(&custom.path);
    let mut samples = Samples::default();
    for row in rows {
        spec.go_on()?;
        let text = row.question.text();
        let input = spec.tokenizer.count(&text, true);
        match row.question.prompt(&mut shelf) {
            Ok(prompt) => samples
                .rows
                .push(Sample::new(prompt, input, row.output_tokens)),
            Err(mistake) => complaints.add(&row.place, &mistake),
        }
    }
    complaints.check()?;
    oversample(&mut samples, custom.no_oversample, spec.requests, spec.seed)?;
    Ok(samples)
}

impl Question {
    /// The row's text, all parts in a row.
    fn text(&self) -> String {
        match self {
            Question::Plain { prompt, .. } => prompt.clone(),
            Question::Parts(parts) => parts
                .iter()
                .filter_map(|part| part.get("text")?.as_str())
                .collect(),
        }
    }

    fn prompt(self, shelf: &mut Shelf) -> Result<Prompt, String> {
        match self {
            Question::Plain { prompt, images } => {
                let media = images
                    .iter()
                    .map(|image| shelf.media(image, MediaKind::Image))
                    .collect::<Result<_, _>>()
                    .map_err(|why| format!("field `image_files`: {why}"))?;
                Ok(Prompt::Media {
                    text: prompt,
                    media,
                })
            }
            Question::Parts(mut parts) => {
                for part in &mut parts {
                    if let Some(url) = part.pointer_mut("/image_url/url") {
                        let named = url.as_str().unwrap_or_default();
                        let media = shelf
                            .media(named, MediaKind::Image)
                            .map_err(|why| format!("field `content`: {why}"))?;
                        *url = Value::from(media.source.url());
                    }
                }
                Ok(Prompt::Messages(vec![
                    json!({"role": "user", "content": parts}),
                ]))
            }
        }
    }
}

fn row(mut fields: Fields, output: Option<usize>) -> Result<Row, Vec<String>> {
    let place = fields.place().to_owned();
    let question = if fields.has("content") {
        fields.array("content").and_then(|content| {
            let parts: Option<Vec<Value>> = content
                .into_iter()
                .enumerate()
                .map(|(index, part)| match normal(part) {
                    Ok(part) => Some(part),
                    Err(why) => {
                        fields.complain(format!("field `content[{index}]`: {why}"));
                        None
                    }
                })
                .collect();
            if parts.as_ref().is_some_and(Vec::is_empty) {
                fields.complain("field `content` is empty; it needs a part at least");
            }
            parts.map(Question::Parts)
        })
    } else {
        let prompt = fields.text("prompt");
        let images = images(&mut fields);
        let both = prompt.zip(images);
        both.map(|(prompt, images)| Question::Plain { prompt, images })
    };
    let output_tokens = fields.output(output);
    let read = question.zip(output_tokens);
    fields.done(read).map(|(question, output_tokens)| Row {
        place,
        question,
        output_tokens,
    })
}

fn images(fields: &mut Fields) -> Option<Vec<String>> {
    let images = fields.array("image_files")?;
    if images.is_empty() {
        fields.complain("field `image_files` is empty; it needs a picture at least");
        return None;
    }
    images
        .into_iter()
        .enumerate()
        .map(|(index, image)| match image {
            Value::String(image) => Some(image),
            other => {
                let kind = kind(&other);
                fields.complain(format!(
                    "field `image_files[{index}]` is {kind}, not a path or an address"
                ));
                None
            }
        })
        .collect()
}

/// A part as chats have it: `image` is a short form of `image_url`.
fn normal(part: Value) -> Result<Value, String> {
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    match text("type") {
        Some("text") => match text("text") {
            Some(text) => Ok(json!({"type": "text", "text": text})),
            None => Err("a part of type `text` needs a string `text`".into()),
        },
        Some("image") => match text("image") {
            Some(image) => Ok(json!({"type": "image_url", "image_url": {"url": image}})),
            None => Err("a part of type `image` needs a string `image`".into()),
        },
        Some("image_url") => match (text("image_url"), part.pointer("/image_url/url")) {
            (Some(url), _) => Ok(json!({"type": "image_url", "image_url": {"url": url}})),
            (None, Some(Value::String(_))) => Ok(json!({
                "type": "image_url",
                "image_url": part["image_url"],
            })),
            _ => Err("a part of type `image_url` needs a string `image_url.url`".into()),
        },
        _ => Err("must be an object of the type `text`, `image` or `image_url`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{
            MediaSource,
            dataset::tests::draw,
            testing::{fixture, scratch},
        },
        tokenizer::Tokenizer,
    };
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    #[cfg(feature = "tokenizers")]
    #[test]
    fn questions_agree_with_vllm() {
        crate::plan::dataset::testing::check("custom_image");
    }

    fn in_order() -> Dataset {
        Dataset::CustomImage(CustomImage {
            path: fixture("datasets/custom_image.jsonl"),
            keep_order: true,
            ..CustomImage::default()
        })
    }

    #[test]
    fn files_are_sent_inside_of_requests() {
        let samples = draw(&in_order(), 4, 0, &Tokenizer::none()).unwrap();
        let Prompt::Media { media, .. } = &samples.rows[0].prompt else {
            panic!("{:?}", samples.rows[0]);
        };
        let mimes: Vec<&str> = media
            .iter()
            .map(|media| match &media.source {
                MediaSource::Inline(file) => file.mime.as_str(),
                MediaSource::Url(url) => panic!("{url}"),
            })
            .collect();
        assert_eq!(mimes, ["image/png", "image/jpeg"]);
        let Prompt::Messages(messages) = &samples.rows[3].prompt else {
            panic!("{:?}", samples.rows[3]);
        };
        let url = messages[0].pointer("/content/1/image_url/url").unwrap();
        assert!(
            url.as_str()
                .unwrap()
                .starts_with("data:image/png;base64,iVBOR")
        );
        let other = &messages[0]["content"][3]["image_url"];
        assert_eq!(
            *other,
            json!({"url": "https://example.org/b.png", "detail": "low"})
        );
    }

    #[rstest]
    #[case("{}", "line 1: field `prompt` is missing")]
    #[case(r#"{"prompt": "a", "image_files": []}"#, "`image_files` is empty")]
    #[case(
        r#"{"prompt": "a", "image_files": [1]}"#,
        "`image_files[0]` is a number"
    )]
    #[case(
        r#"{"prompt": "a", "image_files": ["gone.png"]}"#,
        "line 1: field `image_files`: `"
    )]
    #[case(r#"{"content": []}"#, "`content` is empty")]
    #[case(
        r#"{"content": [{"type": "video"}]}"#,
        "`content[0]`: must be an object of the type"
    )]
    #[case(
        r#"{"content": [{"type": "image"}]}"#,
        "`content[0]`: a part of type `image` needs"
    )]
    fn bad_rows_are_told_by_line_and_field(#[case] content: &str, #[case] said: &str) {
        let folder = scratch();
        let path = folder.file("q.jsonl", content);
        let dataset = Dataset::CustomImage(CustomImage {
            path,
            ..CustomImage::default()
        });
        let error = draw(&dataset, 1, 0, &Tokenizer::none()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
