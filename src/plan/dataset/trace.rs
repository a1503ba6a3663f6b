//! `timed_trace("trace.jsonl", sec_multiplier = 0.001)`: requests at the times at which they were
//! recorded, in an open loop.
//!
//! A line of Mooncake's format has a time, two lengths and hash ids. An id stands for a chunk of
//! tokens: the same id is the same chunk, so that prompts share prefixes as they did. As in vLLM,
//! the tokens of a chunk are CPython's `choices` of all ordinary ids, seeded by its `hash` of
//! `id:size`; vLLM gives these tokens with `PYTHONHASHSEED=0`, and others in every process without
//! it. The seed of the plan changes nothing. A backend that takes no token ids gets their text.
//!
//! The traces of Azure and BurstGPT are read as well (see [`super::trace_csv`]).

use super::{
    Sample, Samples, complaints, estimate, exactly,
    fields::{Fields, kind, lines},
    fits_memory,
    tokens::{Blocks, Tokens},
    trace_csv,
    trace_event::Event,
};
use crate::{
    clock::Nanos,
    plan::{PlanError, PlanSpec},
};
use goodput_grammar::dataset::TimedTrace;
use serde_json::Value;

pub(super) fn sample(trace: &TimedTrace, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let csv = trace.path.extension().is_some_and(|ending| ending == "csv");
    let mut events = if csv {
        trace_csv::load(&trace.path)?
    } else {
        load(trace)?
    };
    let mut samples = Samples::default();
    let found = events.len();
    events.retain(|event| {
        let no_prompt = event.chunks.as_ref().is_some_and(Vec::is_empty);
        event.input > 0 && event.output > 0 && !no_prompt
    });
    if events.len() < found {
        samples.notes.push(format!(
            "{} of {found} recorded requests have no prompt or no answer and are left out",
            found - events.len()
        ));
    }
    if !events.is_sorted_by(|a, b| a.at <= b.at) {
        events.sort_by(|a, b| a.at.total_cmp(&b.at));
        samples
            .notes
            .push("the trace is not in the order of its times and was sorted".into());
    }
    rebase(&mut events, trace, &mut samples)?;
    if let Some(span) = spec.duration.filter(|_| trace.self_timed) {
        events.retain(|event| event.at * trace.sec_multiplier <= span.as_secs_f64());
    }
    events.truncate(spec.requests);

    let mut tokens = Tokens::new(spec);
    let lengths = events.iter().map(|event| event.input);
    fits_memory(&trace.path, lengths)?;
    for event in events {
        spec.go_on()?;
        let blocks = event.chunks.as_deref().map(|ids| Blocks {
            size: trace.chunk_hash_size,
            ids,
            scope: "",
            rest: None,
        });
        let (prompt, length) = tokens.prompt(event.input, blocks, spec)?;
        let input = match spec.tokenizer.codec() {
            Some(_) => exactly(length),
            None => estimate(length),
        };
        let mut sample = Sample::new(prompt, input, event.output);
        let at = Nanos::from_secs_f64(event.at * trace.sec_multiplier);
        sample.at = trace.self_timed.then_some(at);
        samples.rows.push(sample);
    }
    if spec.duration.is_none() {
        samples.tell_fewer(spec.requests);
    }
    match spec.tokenizer.codec() {
        Some(_) => samples.tell_tokenizer(spec),
        None => samples.tell_words(),
    }
    Ok(samples)
}

/// A trace whose first request comes later than this counts from it.
const LATE_S: f64 = 86_400.0;

/// The year 9999, in seconds since 1970.
const LAST_DATE_S: f64 = 253_402_300_799.0;

/// Lets times that count from another event, such as 1970, count from the first request.
fn rebase(
    events: &mut [Event],
    trace: &TimedTrace,
    samples: &mut Samples,
) -> Result<(), PlanError> {
    let Some(first) = events.first().map(|event| event.at) else {
        return Ok(());
    };
    let seconds = first * trace.sec_multiplier;
    if !trace.self_timed || (0.0..=LATE_S).contains(&seconds) {
        return Ok(());
    }
    if seconds > LAST_DATE_S {
        let what = format!(
            "field `{}` begins at {first}, which is after the year 9999 in seconds. Say what it counts: \
             `timed_trace(sec_multiplier = 0.001)` for milliseconds",
            trace.label_timestamp
        );
        return Err(complaints::whole_file(&trace.path, what));
    }
    for event in events {
        event.at -= first;
    }
    samples.notes.push(format!(
        "the trace's times begin at {seconds} s and count from its first request instead"
    ));
    Ok(())
}

/// All lines, or everything that is wrong with them.
fn load(trace: &TimedTrace) -> Result<Vec<Event>, PlanError> {
    let need = format!(
        "`{}`, `{}` and `{}`",
        trace.label_timestamp, trace.label_input_length, trace.label_output_length
    );
    lines(&trace.path, &need, |mut fields| {
        let at = fields.number(&trace.label_timestamp);
        let input = fields.whole(&trace.label_input_length, 0);
        let output = fields.whole(&trace.label_output_length, 0);
        let chunks = chunks(&mut fields, &trace.label_hash_ids);
        let read = at.zip(input).zip(output).zip(chunks);
        fields.done(read).map(|(((at, input), output), chunks)| {
            Some(Event {
                at,
                input,
                output,
                chunks,
            })
        })
    })
}

/// The ids of a row. A row without the field says nothing of its prompt.
fn chunks(fields: &mut Fields, label: &str) -> Option<Option<Vec<String>>> {
    if !fields.has(label) {
        return Some(None);
    }
    let ids = fields.array(label)?;
    let mut chunks = Vec::new();
    for id in ids {
        match id {
            Value::Number(id) => chunks.push(id.to_string()),
            Value::String(id) => chunks.push(id),
            other => {
                let kind = kind(&other);
                fields.complain(format!("field `{label}` has {kind} among its ids"));
                return None;
            }
        }
    }
    Some(Some(chunks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{
            Prompt, Shape,
            dataset::tests::{draw, draw_for},
            testing::{fixture, scratch},
        },
        tokenizer::Tokenizer,
    };
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    fn of(content: &str, trace: TimedTrace) -> Result<Samples, PlanError> {
        let folder = scratch();
        let path = folder.file("trace.jsonl", content);
        let dataset = Dataset::TimedTrace(TimedTrace { path, ..trace });
        draw(&dataset, 4, 0, &Tokenizer::none())
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn tokens_and_times_agree_with_vllm() {
        crate::plan::dataset::testing::check("timed_trace");
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn a_chat_gets_the_text_of_the_tokens() {
        use crate::tokenizer::TokenizerSpec;
        let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
        let dataset = Dataset::TimedTrace(TimedTrace {
            path: fixture("datasets/mooncake.jsonl"),
            ..TimedTrace::default()
        });
        let tokens = draw(&dataset, 1, 0, &tokenizer).unwrap();
        let text = draw_for(&dataset, 1, 0, &tokenizer, &[Shape::Text]).unwrap();
        let (Prompt::Tokens(ids), Prompt::Text(text)) =
            (&tokens.rows[0].prompt, &text.rows[0].prompt)
        else {
            panic!("tokens and text");
        };
        assert_eq!(tokenizer.codec().unwrap().decode(ids).unwrap(), *text);
    }

    #[test]
    fn prompts_share_prefixes_without_a_tokenizer_too() {
        let dataset = Dataset::TimedTrace(TimedTrace {
            path: fixture("datasets/mooncake.jsonl"),
            ..TimedTrace::default()
        });
        let samples = draw(&dataset, 2, 0, &Tokenizer::none()).unwrap();
        let words: Vec<Vec<&str>> = samples
            .rows
            .iter()
            .map(|row| match &row.prompt {
                Prompt::Text(text) => text.split(' ').collect(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((words[0].len(), words[1].len()), (40, 33));
        assert_eq!(words[0][..32], words[1][..32]);
        assert_ne!(words[0][32], words[1][32]);
    }

    const LINE: &str = r#"{"timestamp": 3, "input_length": 2, "output_length": 1}"#;

    #[test]
    fn times_are_scaled_sorted_and_may_be_left_to_the_bench() {
        let early = LINE.replace("3", "1.5");
        let trace = TimedTrace {
            sec_multiplier: 0.5,
            ..TimedTrace::default()
        };
        let samples = of(&format!("{LINE}\n{early}\n"), trace.clone()).unwrap();
        let times: Vec<Option<Nanos>> = samples.rows.iter().map(|row| row.at).collect();
        assert_eq!(
            times,
            [Some(Nanos(750_000_000)), Some(Nanos(1_500_000_000))]
        );
        assert!(
            samples.notes[0].contains("was sorted"),
            "{:?}",
            samples.notes
        );
        assert!(samples.notes[1].contains("2 requests are planned, not 4"));
        let trace = TimedTrace {
            self_timed: false,
            ..trace
        };
        assert_eq!(of(LINE, trace).unwrap().rows[0].at, None);
    }

    /// The first and the last time in seconds.
    #[rstest]
    #[case::a_minute_after_its_start("60", "60.5", 1.0, (60.0, 60.5), false)]
    #[case::of_1970("1700000000", "1700000000.5", 1.0, (0.0, 0.5), true)]
    #[case::in_milliseconds("1700000000000", "1700000000500", 0.001, (0.0, 0.5), true)]
    #[case::before_its_start("-3", "2", 1.0, (0.0, 5.0), true)]
    fn times_count_from_the_first_request_if_that_is_far(
        #[case] first: &str,
        #[case] last: &str,
        #[case] sec_multiplier: f64,
        #[case] expected: (f64, f64),
        #[case] told: bool,
    ) {
        let lines = [LINE.replace("3", first), LINE.replace("3", last)].join("\n");
        let trace = TimedTrace {
            sec_multiplier,
            ..TimedTrace::default()
        };
        let samples = of(&lines, trace).unwrap();
        let at = |row: &Sample| row.at.unwrap().as_secs_f64();
        assert_eq!((at(&samples.rows[0]), at(&samples.rows[1])), expected);
        let is_told = samples
            .notes
            .iter()
            .any(|note| note.contains("count from its first"));
        assert_eq!(is_told, told, "{:?}", samples.notes);
    }

    #[test]
    fn milliseconds_of_1970_are_no_seconds() {
        let line = LINE.replace("3", "1700000000000");
        let error = of(&line, TimedTrace::default()).unwrap_err().to_string();
        assert!(error.contains("sec_multiplier = 0.001"), "{error}");
    }

    /// vLLM sends an empty prompt, which servers refuse.
    #[test]
    fn a_request_without_ids_has_no_prompt() {
        let row = |ids: &str| LINE.replace('}', &format!(r#", "hash_ids": {ids}}}"#));
        let samples = of(
            &[row("[]"), row("[7]"), LINE.to_owned()].join("\n"),
            TimedTrace::default(),
        );
        let samples = samples.unwrap();
        assert_eq!(samples.rows.len(), 2);
        assert!(samples.notes[0].starts_with("1 of 3 recorded requests have no prompt"));
    }

    #[test]
    fn whole_floats_are_lengths() {
        let line = r#"{"timestamp": 0.0, "input_length": 8.0, "output_length": 3.0}"#;
        let samples = of(line, TimedTrace::default()).unwrap();
        assert_eq!(
            (samples.rows[0].input.tokens, samples.rows[0].output_tokens),
            (8, 3)
        );
    }

    #[rstest]
    #[case("", &["is empty; it needs a JSON object with `timestamp`, `input_length`"])]
    #[case("{}", &["line 1: field `timestamp` is missing", "field `output_length` is missing"])]
    #[case("[3]", &["line 1: is an array, not a JSON object"])]
    #[case(
        r#"{"timestamp": "x", "input_length": 1.5, "output_length": "x", "hash_ids": [{}]}"#,
        &["field `timestamp` is a string, not a number", "field `input_length` is 1.5, not a whole number",
          "field `output_length` is \"x\", not a whole number", "`hash_ids` has an object"]
    )]
    fn bad_files_are_told_by_line_and_field(#[case] content: &str, #[case] parts: &[&str]) {
        let error = of(content, TimedTrace::default()).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }
}
