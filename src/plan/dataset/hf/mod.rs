//! `hf("AI-MO/aimo-validation-aime")`: sets of the Hugging Face hub, from a folder, from the local cache, or
//! downloaded.
//!
//! What a row asks depends on the set: see [`family`]. As in vLLM a set must be known by its id, which `name` gives
//! for a folder. Texts are sent unchanged: no chat template is put around them, which is what vLLM's
//! `--skip-chat-template` does. The order of rows is that of the Python package `datasets` 5.2, which vLLM reads sets
//! with (see [`shuffle`]).

mod ask;
mod bfcl;
mod family;
mod files;
mod hub;
mod reader;
mod rows;
mod shuffle;

use super::{Samples, complaints::Complaints, fields::Fields, media::Shelf, oversample};
use crate::plan::{PlanError, PlanSpec};
use family::Family;
use files::Files;
use goodput_grammar::dataset::Hf;
use reader::Reader;
use rows::Row;

pub(super) fn sample(set: &Hf, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let path = set.path.to_string_lossy();
    let id = set.name.as_deref().unwrap_or(&path);
    let known = family::known_of(id).ok_or_else(|| PlanError::new(unknown(id)))?;
    let files = Files::of(&set.path, id, spec.unwanted)?;

    let mut complaints = Complaints::about(&set.path);
    let mut samples = Samples::default();
    let mut reader = Reader {
        set,
        known,
        id,
        shelf: Shelf::new(files.folder().unwrap_or(&set.path)),
        spec,
    };
    let rows = match known.family {
        Family::Bfcl => bfcl::rows(set, &files, spec.seed)?,
        _ => reader.rows(&files)?,
    };
    for row in rows {
        spec.go_on()?;
        if samples.rows.len() >= spec.requests {
            break;
        }
        let Row { place, fields } = row?;
        match reader.sample(Fields::new(&place, fields)) {
            Ok(sample) => samples.rows.extend(sample),
            Err(mistakes) => {
                for mistake in mistakes {
                    complaints.add(&place, &mistake);
                }
            }
        }
        if complaints.full() {
            break;
        }
    }
    complaints.check()?;
    if samples.rows.is_empty() {
        return Err(super::complaints::whole_file(
            &set.path,
            "none of its rows is left by the filters; look at `hf(split)`, and at limits such as \
             `hf(min_distance)` or `hf(max_audio)`",
        ));
    }
    oversample(&mut samples, set.no_oversample, spec.requests, spec.seed)?;
    Ok(samples)
}

fn unknown(id: &str) -> String {
    let all: Vec<&str> = family::ids().collect();
    let near = goodput_grammar::mistake::closest(id, &all);
    let near = near.map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
    format!(
        "hf(\"{id}\"): goodput does not know what a row of this set asks.{near} Give a folder, by \
         `hf(name)`, the name of a set that it is like; known are {}",
        all.join(", ")
    )
}

#[cfg(test)]
mod tests {
    mod download;

    use super::*;
    use crate::{
        plan::{
            MediaSource, Prompt,
            dataset::tests::draw,
            testing::{fixture, scratch},
        },
        tokenizer::Tokenizer,
    };
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    #[cfg(feature = "tokenizers")]
    #[test]
    fn rows_and_their_order_agree_with_vllm() {
        crate::plan::dataset::testing::check("hf");
    }

    fn of(folder: &std::path::Path, name: &str) -> Dataset {
        Dataset::Hf(Hf {
            path: folder.to_owned(),
            name: Some(name.into()),
            ..Hf::default()
        })
    }

    fn refused(dataset: &Dataset) -> String {
        let error = draw(dataset, 2, 0, &Tokenizer::none()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn pictures_and_clips_of_a_folder_are_sent_inside_of_requests() {
        for (name, id, mimes) in [
            (
                "VisionArena-Chat",
                "lmarena-ai/VisionArena-Chat",
                ["image/png", "image/jpeg"],
            ),
            ("MMVU", "yale-nlp/MMVU", ["video/mp4"; 2]),
        ] {
            let dataset = of(&fixture("datasets/hf").join(name), id);
            let samples = draw(&dataset, 3, 0, &Tokenizer::none()).unwrap();
            assert_eq!(samples.rows.len(), 3);
            for row in &samples.rows {
                let Prompt::Media { media, .. } = &row.prompt else {
                    panic!("{row:?}");
                };
                let MediaSource::Inline(file) = &media[0].source else {
                    panic!("{media:?}");
                };
                assert!(mimes.contains(&file.mime.as_str()), "{}", file.mime);
            }
        }
    }

    #[test]
    fn an_unknown_set_is_told_from_those_that_are_known() {
        let error = refused(&of(&scratch(), "AI-MO/NuminaMath-Cot"));
        assert!(
            error.contains("Did you mean `AI-MO/NuminaMath-CoT`?"),
            "{error}"
        );
        assert!(error.contains("philschmid/mt-bench"), "{error}");
    }

    #[rstest]
    #[case(
        "AI-MO/NuminaMath-CoT",
        "{}",
        "train.jsonl, row 1: field `problem` is missing"
    )]
    #[case(
        "AI-MO/NuminaMath-CoT",
        r#"{"problem": 1, "solution": "b"}"#,
        "field `problem` is a number"
    )]
    #[case(
        "AI-MO/NuminaMath-CoT",
        "[1",
        "train.jsonl, row 1, column 2: is not JSON"
    )]
    #[case(
        "philschmid/mt-bench",
        r#"{"turns": []}"#,
        "field `turns[0]` is missing"
    )]
    #[case("Lin-Chen/MMStar", r#"{"question": "a"}"#, "field `image` is missing")]
    #[case(
        "Lin-Chen/MMStar",
        r#"{"question": "a", "image": 3}"#,
        "field `image` is a number"
    )]
    #[case(
        "openslr/librispeech_asr",
        r#"{"audio": {"bytes": "!"}}"#,
        "field `audio.bytes` is not base64"
    )]
    #[case(
        "Aeala/ShareGPT_Vicuna_unfiltered",
        r#"{"conversations": 3}"#,
        "`conversations` is a number"
    )]
    #[case(
        "yale-nlp/MMVU",
        r#"{"question": "a", "video": "b", "choices": 1}"#,
        "`choices` is a number"
    )]
    #[case(
        "vdaita/edit_5k_char",
        r#"{"code": "a", "change_request": "b"}"#,
        "field `norm_distance` is missing"
    )]
    fn bad_rows_are_told_by_file_row_and_field(
        #[case] name: &str,
        #[case] content: &str,
        #[case] said: &str,
    ) {
        let folder = scratch();
        folder.file("train.jsonl", content);
        let Dataset::Hf(mut set) = of(&folder, name) else {
            panic!("a set of the hub");
        };
        set.split = Some("train".into());
        let error = refused(&Dataset::Hf(set));
        assert!(error.contains(said), "{error}");
    }
}
