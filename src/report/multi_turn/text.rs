//! What vLLM's script prints at its end.

use super::{Description, TurnStats};

/// The line between the parts.
const RULE: &str = "----------------------------------------------------------------------------------------------------";

/// Results of a run of conversations, in the script's form.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiTurn {
    /// Names and values of the run's parameters.
    pub parameters: Vec<(String, String)>,
    /// Names and values of how the conversations were made; empty if they are those of a file.
    pub generation: Vec<(String, String)>,
    /// Successful requests by their time.
    pub requests: Vec<TurnStats>,
    /// Statistics of the requests that are left when a share of them counts as warm-up.
    pub parts: Vec<Part>,
    /// Whether `requests` has a column for the time between turns.
    pub verbose: bool,
}

/// Statistics of the later requests of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Share of requests at the start that are left out.
    pub warmup: f64,
    /// Names and values in seconds, or per second.
    pub numbers: Vec<(&'static str, f64)>,
    /// Statistics of the requests.
    pub description: Description,
}

/// A column of the table: its name, and a request's value.
type Column = (&'static str, fn(&TurnStats) -> f64);

const COLUMNS: [Column; 7] = [
    ("ttft_ms", |row| row.ttft_ms),
    ("tpot_ms", |row| row.tpot_ms),
    ("latency_ms", |row| row.latency_ms),
    ("input_num_turns", |row| row.input_num_turns as f64),
    ("input_num_tokens", |row| row.input_num_tokens as f64),
    ("output_num_tokens", |row| row.output_num_tokens as f64),
    ("output_num_chunks", |row| row.output_num_chunks as f64),
];

impl MultiTurn {
    /// Measures the parts that begin after each of these shares of the requests.
    pub fn new(
        parameters: Vec<(String, String)>,
        generation: Vec<(String, String)>,
        requests: Vec<TurnStats>,
        warmup: &[f64],
        verbose: bool,
    ) -> Self {
        let pauses = pauses(&requests);
        let mut shares = warmup.to_vec();
        shares.sort_by(f64::total_cmp);
        let part = |warmup: f64| {
            let from = (warmup * requests.len() as f64) as usize;
            let rows = requests.get(from..).filter(|rows| !rows.is_empty())?;
            let ends = rows.iter().map(|row| row.start_time_ms + row.latency_ms);
            let seconds = (ends.fold(0.0, f64::max) - rows[0].start_time_ms) / 1e3;
            let columns = COLUMNS
                .iter()
                .map(|(name, of)| (*name, rows.iter().map(of).collect()));
            let pauses = verbose.then(|| ("time_between_user_turns_sec", pauses[from..].to_vec()));
            let columns = columns.chain(pauses);
            // The script's percentiles depend on all rows, warm-up included.
            let description = Description::of(columns.collect(), requests.len());
            Some(Part {
                warmup,
                numbers: vec![
                    ("runtime_sec", seconds),
                    ("requests_per_sec", rows.len() as f64 / seconds),
                ],
                description,
            })
        };
        let parts = shares.into_iter().map_while(part).collect();
        MultiTurn {
            parameters,
            generation,
            requests,
            parts,
            verbose,
        }
    }

    /// Seconds since the turn before in the same conversation, for each request; NaN for the first.
    pub fn pauses(&self) -> Vec<f64> {
        pauses(&self.requests)
    }

    /// The lines that the script prints; empty without a successful request.
    pub fn text(&self) -> String {
        if self.requests.is_empty() {
            return String::new();
        }
        let mut lines = vec![RULE.to_owned(), "Parameters:".to_owned()];
        let pairs = |pairs: &[(String, String)]| {
            let lines = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            lines.collect::<Vec<_>>()
        };
        lines.extend(pairs(&self.parameters));
        if !self.generation.is_empty() {
            lines.push("Conversations Generation Parameters:".to_owned());
            lines.extend(pairs(&self.generation));
        }
        lines.push(RULE.to_owned());
        for part in &self.parts {
            lines.push(if part.warmup > 0.0 || self.parts.len() > 1 {
                let percent = (part.warmup * 100.0).round_ties_even();
                format!("Statistics summary (assuming {percent}% warmup samples):")
            } else {
                "Statistics summary:".to_owned()
            });
            let numbers = part.numbers.iter();
            lines.extend(numbers.map(|(name, value)| format!("{name} = {value:.3}")));
            lines.extend([RULE, &part.description.text(), RULE].map(str::to_owned));
        }
        lines.join("\n")
    }
}

fn pauses(requests: &[TurnStats]) -> Vec<f64> {
    let mut last = std::collections::BTreeMap::new();
    let pause = |row: &TurnStats| {
        let before = last.insert(row.conversation_id.clone(), row.start_time_ms);
        before.map_or(f64::NAN, |before: f64| (row.start_time_ms - before) / 1e3)
    };
    requests.iter().map(pause).collect()
}
