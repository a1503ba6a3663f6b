//! Flags of datasets that are made up.

use super::DatasetFlags;
use crate::{
    cli::{argv::float, serve::flags::dataset::buckets},
    grammar::dataset::{Dataset, LongDocumentQa, RandomMm, Repeat},
    problem::Problem,
};
use serde_json::{Map, Value};

impl DatasetFlags {
    pub(super) fn zipf(&self, problems: &mut Vec<Problem>) -> Option<f64> {
        let zipf = self.random.prefix_repetition_zipf;
        if (0.0..=10.0).contains(&zipf) {
            return Some(zipf);
        }
        let fix = "must be a number from 0 to 10, such as 1.1";
        problems.push(Problem::new("--prefix-repetition-zipf", zipf, fix));
        None
    }

    pub(super) fn documents(&self, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let flags = &self.documents;
        let least = [
            ("--num-documents", flags.num_documents),
            ("--document-length", flags.document_length),
            ("--repeat-count", flags.repeat_count),
        ];
        let zeros = least.into_iter().filter(|(_, number)| *number == 0);
        problems.extend(zeros.map(|(flag, _)| Problem::new(flag, 0, "must be at least 1")));
        match Repeat::parse(&flags.repeat_mode) {
            Ok(mode) => Some(Dataset::LongDocumentQa(LongDocumentQa {
                documents: flags.num_documents.max(1),
                length: flags.document_length.max(1),
                repeat: flags.repeat_count.max(1),
                output: self.output_len.unwrap_or(LongDocumentQa::default().output),
                mode,
                warmup: !flags.no_document_warmup,
            })),
            Err(mistake) => {
                let field = "--repeat-mode";
                problems.push(Problem::new(field, &flags.repeat_mode, mistake.0));
                None
            }
        }
    }

    pub(super) fn random_mm(
        &self,
        input: usize,
        output: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        let random = &self.random;
        let (input_range_ratio, output_range_ratio) = self.range_ratios(problems)?;
        let buckets = buckets::read(&random.random_mm_bucket_config);
        let buckets = buckets.map_err(|why| {
            let given = &random.random_mm_bucket_config;
            problems.push(Problem::new("--random-mm-bucket-config", given, why));
        });
        let (max_images, max_videos) = self.limits(problems)?;
        Some(Dataset::RandomMm(RandomMm {
            input,
            output,
            input_range_ratio,
            output_range_ratio,
            prefix: random.random_prefix_len,
            items: random.random_mm_base_items_per_request,
            items_range_ratio: random.random_mm_num_mm_items_range_ratio,
            max_images,
            max_videos,
            buckets: buckets.ok()?,
        }))
    }

    /// Pictures and videos at most; a kind that is not named has none.
    pub(super) fn limits(&self, problems: &mut Vec<Problem>) -> Option<(usize, usize)> {
        let text = &self.random.random_mm_limit_mm_per_prompt;
        let limits: Option<Map<String, Value>> = serde_json::from_str(text).ok();
        let known = |limits: &Map<String, Value>| {
            limits
                .iter()
                .all(|(kind, most)| matches!(kind.as_str(), "image" | "video") && most.is_u64())
        };
        let Some(limits) = limits.filter(known) else {
            let fix = r#"must be like {"image": 3, "video": 0}"#;
            problems.push(Problem::new("--random-mm-limit-mm-per-prompt", text, fix));
            return None;
        };
        let most = |kind: &str| limits.get(kind).and_then(Value::as_u64).unwrap_or_default();
        Some((most("image") as usize, most("video") as usize))
    }

    /// A number for both, or a JSON object with one each.
    pub(super) fn range_ratios(&self, problems: &mut Vec<Problem>) -> Option<(f64, f64)> {
        let text = self.random.random_range_ratio.as_str();
        // As there: a number, or else JSON.
        let (input, output) = match (float(text), serde_json::from_str::<Value>(text)) {
            (Some(ratio), _) => (Some(ratio), Some(ratio)),
            (None, Ok(Value::Object(ratios))) => {
                let ratio = |key| ratios.get(key).and_then(Value::as_f64);
                (ratio("input"), ratio("output"))
            }
            _ => (None, None),
        };
        let valid = |ratio: &f64| (0.0..1.0).contains(ratio);
        match (input.filter(valid), output.filter(valid)) {
            (Some(input), Some(output)) => Some((input, output)),
            _ => {
                problems.push(Problem::new(
                    "--random-range-ratio",
                    text,
                    "must be a number in [0, 1), or {\"input\": 0.1, \"output\": 0.2}",
                ));
                None
            }
        }
    }
}
