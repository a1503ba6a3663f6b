//! Counts, and what happened per second.

use crate::{record::RequestError, run::Run};
use serde::Serialize;

/// How many requests and tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests of the plan.
    pub planned: u64,
    /// Requests that were taken up: completed, failed and cancelled ones.
    pub sent: u64,
    /// Requests that succeeded.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests under way when the run was stopped.
    pub cancelled: u64,
    /// Requests that were sent a second time, because the idle connection that they were first sent on
    /// had died.
    pub retried: u64,
    /// Prompt tokens of the completed ones.
    pub input_tokens: u64,
    /// Prompt tokens that came from the server's prefix cache, by its usage; `None` if it reports them for no
    /// request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Generated tokens of the completed ones.
    pub output_tokens: u64,
    /// Inputs of the completed ones: texts of batches, documents to rank, else one a request.
    pub inputs: u64,
}

impl Counts {
    pub(super) fn of(run: &Run) -> Self {
        let mut counts = Counts {
            planned: run.setup.requests as u64,
            sent: run.records.len() as u64,
            ..Counts::default()
        };
        for record in &run.records {
            counts.retried += u64::from(record.retried);
            match record.error {
                None => {
                    counts.completed += 1;
                    counts.inputs = counts.inputs.saturating_add(record.inputs);
                    // Servers report token counts, so the sums must bear anything.
                    counts.input_tokens = counts.input_tokens.saturating_add(record.input.tokens);
                    if let Some(cached) = record.usage.and_then(|usage| usage.cached_tokens) {
                        let sum = counts.cached_tokens.get_or_insert_default();
                        *sum = sum.saturating_add(cached);
                    }
                    counts.output_tokens =
                        counts.output_tokens.saturating_add(record.output.tokens);
                }
                Some(RequestError::Cancelled) => counts.cancelled += 1,
                Some(_) => counts.failed += 1,
            }
        }
        counts
    }

    /// Requests that came to an end of their own: completed and failed ones.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed
    }

    /// The share of requests that failed, 0–1; NaN when none ended.
    pub fn error_ratio(&self) -> f64 {
        per(self.failed as f64, self.ended() as f64)
    }
}

/// Per second over the run's whole duration, successes only (vLLM's), and the rate of sending. NaN for a
/// run that took no time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Throughput {
    /// Completed requests.
    pub requests: f64,
    /// Prompt tokens.
    pub input_tokens: f64,
    /// Generated tokens.
    pub output_tokens: f64,
    /// Both.
    pub total_tokens: f64,
    /// Inputs.
    pub inputs: f64,
    /// Seconds of recordings: vLLM's RTFx, the inverse real-time factor. 0 without recordings.
    pub rtfx: f64,
    /// Requests sent, failed ones included, over the time from the run's start to the last
    /// sending. With a finite rate the plan's last request is due at exactly requests / rate, so
    /// this compares with the rate that was asked for.
    pub send_rate: f64,
}

impl Throughput {
    pub(super) fn of(run: &Run, counts: &Counts) -> Self {
        let seconds = run.duration.as_secs_f64();
        let (input, output) = (counts.input_tokens as f64, counts.output_tokens as f64);
        let last_sent = run.records.iter().map(|record| record.sent).max();
        Throughput {
            requests: per(counts.completed as f64, seconds),
            input_tokens: per(input, seconds),
            output_tokens: per(output, seconds),
            total_tokens: per(input + output, seconds),
            inputs: per(counts.inputs as f64, seconds),
            rtfx: per(
                run.records
                    .iter()
                    .filter(|record| record.ok())
                    .map(|record| record.audio_seconds)
                    .sum(),
                seconds,
            ),
            send_rate: per(
                counts.sent as f64,
                last_sent.unwrap_or_default().as_secs_f64(),
            ),
        }
    }
}

/// A quotient that is NaN instead of infinite.
pub(super) fn per(amount: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        amount / whole
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::testing::{record, run_of},
    };

    #[test]
    fn cancelled_requests_are_neither_successes_nor_failures() {
        let mut records = vec![
            record(0, &[10], 5),
            record(500, &[510], 5),
            record(1000, &[], 0),
        ];
        records[1].error = Some(RequestError::NoTokens);
        records[2].error = Some(RequestError::Cancelled);
        let mut run = run_of(records);
        run.duration = Nanos(2_000_000_000);
        let counts = Counts::of(&run);
        assert_eq!(
            (counts.completed, counts.failed, counts.cancelled),
            (1, 1, 1)
        );
        assert_eq!(counts.error_ratio(), 0.5);
        let throughput = Throughput::of(&run, &counts);
        assert_eq!((throughput.requests, throughput.output_tokens), (0.5, 2.5));
        assert_eq!(throughput.send_rate, 3.0);
    }

    #[test]
    fn absurd_token_counts_do_not_overflow() {
        let run = run_of(vec![record(0, &[1], u64::MAX), record(0, &[1], u64::MAX)]);
        assert_eq!(Counts::of(&run).output_tokens, u64::MAX);
    }

    #[test]
    fn a_run_without_duration_has_no_throughput() {
        let mut run = run_of(vec![record(0, &[1], 1)]);
        run.duration = Nanos(0);
        let throughput = Throughput::of(&run, &Counts::of(&run));
        assert!(throughput.requests.is_nan() && throughput.output_tokens.is_nan());
    }
}
