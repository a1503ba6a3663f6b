//! Flags of datasets that come from a file, the hub or a script.

use super::DatasetFlags;
use crate::{
    cli::serve::flags::multi_turn::MultiTurnFlags,
    grammar::{
        dataset::{
            AgentFormat, Agents, Conversations, Dataset, Hf, History, Set, Structured, TimedTrace,
        },
        duration, sim,
    },
    problem::Problem,
};
use std::path::PathBuf;

impl DatasetFlags {
    pub(super) fn structured(&self, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let set = Structured {
            set: Set::parse(&self.structured.structured_set).ok()?,
            schema: self.structured.json_schema_path.clone(),
            rows: self.dataset_path.clone(),
            output: self.output_len.unwrap_or(Structured::default().output),
        };
        let field = "--structured-set";
        let mistakes = set.mistakes().into_iter();
        let before = problems.len();
        problems.extend(mistakes.map(|mistake| Problem::new(field, set.set.name(), mistake.0)));
        (problems.len() == before).then_some(Dataset::Structured(set))
    }

    /// `Some(None)` takes each row's own.
    pub(super) fn custom_output(&self, problems: &mut Vec<Problem>) -> Option<Option<usize>> {
        match (self.output_len, usize::try_from(self.custom_output_len)) {
            (Some(length), _) | (None, Ok(length)) if length > 0 => Some(Some(length)),
            (None, Err(_)) if self.custom_output_len == -1 => Some(None),
            _ => {
                problems.push(Problem::new(
                    "--custom-output-len",
                    self.custom_output_len,
                    "must be at least 1, or -1 for each row's output_tokens",
                ));
                None
            }
        }
    }

    pub(super) fn conversations(
        &self,
        path: PathBuf,
        multi_turn: &MultiTurnFlags,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        let flags = &self.conversations;
        let before = problems.len();
        let think = sim::parse_distribution(&flags.think_time);
        let think = think.map_err(|mistake| {
            problems.push(Problem::new("--think-time", &flags.think_time, mistake.0));
        });
        if flags.max_turns == Some(0) {
            let fix = "must be at least 1; each answer counts, too";
            problems.push(Problem::new("--max-turns", 0, fix));
        }
        if flags.max_active_conversations == Some(0) {
            let fix = "must be at least 1";
            problems.push(Problem::new("--max-active-conversations", 0, fix));
        }
        (problems.len() == before).then_some(())?;
        Some(Dataset::Conversations(Conversations {
            path,
            history: match flags.conversation_history.as_str() {
                "file" => History::File,
                _ => History::Server,
            },
            think: think.ok()?,
            active: flags.max_active_conversations,
            turns: flags.max_turns.map(|messages| messages.div_ceil(2)),
            output: multi_turn.output().or(self.output_len),
            keep_order: self.disable_shuffle || multi_turn.input_file.is_some(),
        }))
    }

    pub(super) fn agents(&self, path: PathBuf, problems: &mut Vec<Problem>) -> Option<Dataset> {
        let flags = &self.agents;
        let before = problems.len();
        let scale = flags.agents_time_scale;
        if !(scale > 0.0 && scale.is_finite()) {
            let fix = "must be above 0, such as 0.5 for twice as fast";
            problems.push(Problem::new("--agents-time-scale", scale, fix));
        }
        for (flag, value) in [
            ("--agents-block-size", flags.agents_block_size),
            (
                "--max-active-conversations",
                self.conversations.max_active_conversations,
            ),
        ] {
            if value == Some(0) {
                problems.push(Problem::new(flag, 0, "must be at least 1"));
            }
        }
        let max_pause = flags.agents_max_pause.as_deref();
        let max_pause = max_pause.and_then(|text| match duration::parse(text) {
            Ok(span) => Some(span),
            Err(mistake) => {
                problems.push(Problem::new("--agents-max-pause", text, mistake.0));
                None
            }
        });
        (problems.len() == before).then_some(())?;
        Some(Dataset::Agents(Agents {
            path,
            // Clap takes no other name.
            format: flags.agents_format.as_deref().and_then(AgentFormat::named),
            block_size: flags.agents_block_size,
            output: self.output_len,
            active: self.conversations.max_active_conversations,
            time_scale: scale,
            max_pause,
            orphans: flags.agents_orphans,
            self_timed: !self.trace.no_self_timed,
        }))
    }

    pub(super) fn timed_trace(
        &self,
        path: PathBuf,
        problems: &mut Vec<Problem>,
    ) -> Option<Dataset> {
        let trace = &self.trace;
        let multiplier = trace.timed_trace_sec_multiplier;
        if !(multiplier > 0.0 && multiplier.is_finite()) {
            let fix = "must be above 0, such as 0.001 for milliseconds";
            problems.push(Problem::new(
                "--timed-trace-sec-multiplier",
                multiplier,
                fix,
            ));
            return None;
        }
        Some(Dataset::TimedTrace(TimedTrace {
            path,
            chunk_hash_size: trace.timed_trace_chunk_hash_size.max(1),
            sec_multiplier: multiplier,
            label_timestamp: trace.timed_trace_label_timestamp.clone(),
            label_input_length: trace.timed_trace_label_input_length.clone(),
            label_output_length: trace.timed_trace_label_output_length.clone(),
            label_hash_ids: trace.timed_trace_label_hash_ids.clone(),
            self_timed: !trace.no_self_timed,
        }))
    }

    pub(super) fn hf(&self, path: PathBuf) -> Dataset {
        let hub = &self.hub;
        Dataset::Hf(Hf {
            path,
            name: hub.hf_name.clone(),
            subset: hub.hf_subset.clone(),
            split: hub.hf_split.clone(),
            output: self.output_len.or(hub.hf_output_len),
            no_stream: hub.no_stream,
            keep_order: self.disable_shuffle,
            no_oversample: self.no_oversample,
            min_distance: hub.blazedit_min_distance,
            max_distance: hub.blazedit_max_distance,
            min_audio: hub.asr_min_audio_len_sec,
            max_audio: Some(hub.asr_max_audio_len_sec).filter(|most| most.is_finite()),
            categories: hub.bfcl_categories.clone(),
        })
    }
}
