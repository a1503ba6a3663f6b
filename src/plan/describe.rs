//! Plans as text: the output of `--dry-run`.

use super::{Arrivals, Media, MediaKind, Plan, PlannedRequest, Prompt};
use crate::{clock::Nanos, record::CountSource};
use goodput_grammar::ramp::RampKind;
use std::fmt::Write;

/// Number of requests to show in full.
const SHOWN: usize = 5;

/// Number of characters of a prompt to show.
const PROMPT_WIDTH: usize = 60;

impl Plan {
    /// Describes the plan on several lines: what a run would send.
    pub fn describe(&self, arrivals: &Arrivals) -> String {
        let mut lines = vec![
            format!("requests     {}", self.requests.len()),
            format!("arrivals     {}", self.arrivals(arrivals)),
            format!(
                "concurrency  {}",
                match arrivals.max_concurrency {
                    Some(most) => format!("{most} at most"),
                    None => "unlimited".into(),
                }
            ),
            format!(
                "input        {} ({})",
                totals(self.requests.iter().map(|request| request.input.tokens)),
                self.input_sources()
            ),
            format!(
                "output       {} (asked for)",
                totals(self.requests.iter().map(|request| request.output_tokens))
            ),
            format!("plan hash    {}", self.hash()),
        ];
        for class in self.classes() {
            let of_class = self
                .requests
                .iter()
                .filter(|request| request.class.as_deref() == Some(class));
            let (requests, input, output) =
                of_class.fold((0, 0, 0), |(requests, input, output), request| {
                    (
                        requests + 1,
                        input + request.input.tokens,
                        output + request.output_tokens,
                    )
                });
            lines.push(format!(
                "class        {class}: {requests} requests, {input} prompt tokens, {output} output tokens asked for"
            ));
        }
        lines.extend(self.described_sessions());
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines.push(String::new());
        lines.push("        at (s)   input  output  prompt".into());
        let shown = self.requests.iter().take(SHOWN);
        lines.extend(
            shown
                .enumerate()
                .map(|(index, request)| row(index, request)),
        );
        let hidden = self.requests.len().saturating_sub(SHOWN);
        if hidden > 0 {
            lines.push(format!("…and {hidden} more"));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn arrivals(&self, arrivals: &Arrivals) -> String {
        if self.timed {
            let span = self
                .requests
                .last()
                .map_or(0.0, |last| last.at.as_secs_f64());
            let last = if self.has_sessions() {
                "the last session begins"
            } else {
                "the last leaves"
            };
            return format!("at the times of the trace; {last} at {span:.3} s");
        }
        if !arrivals.open_loop() {
            return match arrivals.max_concurrency {
                Some(_) => "closed loop: each as soon as a slot is free".into(),
                None => "all at once".into(),
            };
        }
        let span = self
            .requests
            .last()
            .map_or(0.0, |request| request.at.as_secs_f64());
        let (unit, count) = if self.has_sessions() {
            ("sessions", self.session_count())
        } else {
            ("requests", self.requests.len())
        };
        let realised = count as f64 / span;
        let mut text = match arrivals.ramp {
            Some(ramp) => {
                let kind = match ramp.kind {
                    RampKind::Linear => "linear",
                    RampKind::Exponential => "exponential",
                };
                format!("{kind} ramp, {} to {} {unit}/s", ramp.start, ramp.end)
            }
            None => format!("{} {unit}/s", arrivals.rate),
        };
        match arrivals.burstiness {
            1.0 => text.push_str(", Poisson"),
            f64::INFINITY => text.push_str(", constant gaps"),
            burstiness => {
                let _ = write!(text, ", gamma gaps of shape {burstiness}");
            }
        }
        let _ = write!(text, "; the last leaves at {span:.3} s");
        if realised.is_finite() {
            let _ = write!(text, ", {realised:.2} {unit}/s over the plan");
        }
        text
    }

    /// The line about sessions; `None` for a plan of single requests.
    fn described_sessions(&self) -> Option<String> {
        let turns = self
            .requests
            .iter()
            .filter_map(|request| request.turn.as_deref());
        let waits: Vec<f64> = turns
            .filter(|turn| !turn.is_first())
            .map(|turn| turn.pause.as_secs_f64())
            .collect();
        self.has_sessions().then(|| {
            let sessions = self.session_count();
            let mean = waits.iter().sum::<f64>() / waits.len().max(1) as f64;
            let mut text = match waits.len() {
                0 => format!("sessions     {sessions}, of one request each"),
                1 => format!("sessions     {sessions}; 1 request waits for an answer and then {mean:.2} s (+ below)"),
                count => format!(
                    "sessions     {sessions}; {count} requests wait for an answer and then {mean:.2} s on average (+ below)"
                ),
            };
            let timed = self.requests.iter().filter_map(|request| request.turn.as_deref());
            let timed = timed.filter(|turn| turn.earliest > Nanos(0)).count();
            if timed > 0 {
                let requests = if timed == 1 { "request is" } else { "requests are" };
                let _ = write!(
                    text,
                    "; {timed} {requests} not sent before a time of the session (>= below)"
                );
            }
            let (forks, joins) = self.forks();
            if forks + joins > 0 {
                let some = |count: usize, name: &str| match count {
                    1 => format!("1 {name}"),
                    _ => format!("{count} {name}s"),
                };
                let _ = write!(text, "; {} and {}", some(forks, "fork"), some(joins, "join"));
            }
            text
        })
    }

    /// How many requests several others wait for, and how many wait for several others.
    fn forks(&self) -> (usize, usize) {
        let mut followers = vec![0_usize; self.requests.len()];
        let mut joins = 0;
        for turn in self
            .requests
            .iter()
            .filter_map(|request| request.turn.as_deref())
        {
            joins += usize::from(turn.after.len() > 1);
            for before in &turn.after {
                if let Some(followers) = followers.get_mut(*before) {
                    *followers += 1;
                }
            }
        }
        (followers.iter().filter(|count| **count > 1).count(), joins)
    }

    /// Source of the input counts, the least exact one first.
    fn input_sources(&self) -> &'static str {
        let from = |source| {
            self.requests
                .iter()
                .any(|request| request.input.source == source)
        };
        if from(CountSource::Estimate) {
            if from(CountSource::Tokenizer) {
                "partly estimated"
            } else {
                "estimated"
            }
        } else {
            "counted by the tokenizer"
        }
    }
}

/// Formats `2048 tokens, 256 to 1024 a request, 512.0 on average`.
fn totals(tokens: impl Iterator<Item = u64> + Clone) -> String {
    let total: u64 = tokens.clone().sum();
    let (Some(least), Some(most)) = (tokens.clone().min(), tokens.clone().max()) else {
        return "0 tokens".into();
    };
    if least == most {
        return format!("{total} tokens, {least} a request");
    }
    let mean = total as f64 / tokens.count() as f64;
    format!("{total} tokens, {least} to {most} a request, {mean:.1} on average")
}

/// Formats `[2 images, 1 video]`.
fn parts(media: &[Media]) -> String {
    let kinds = [MediaKind::Image, MediaKind::Video, MediaKind::Audio];
    let counts = kinds.map(|kind| (kind, media.iter().filter(|part| part.kind == kind).count()));
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| {
            let plural = if count > 1 { "s" } else { "" };
            format!("{count} {}{plural}", kind.name())
        })
        .collect();
    format!("[{}]", counts.join(", "))
}

fn row(index: usize, request: &PlannedRequest) -> String {
    let prompt = match &request.prompt {
        Prompt::Text(text) => cut(text),
        Prompt::Tokens(ids) => cut(&format!("{:?}", &ids[..ids.len().min(PROMPT_WIDTH)])),
        Prompt::Messages(messages) => cut(&messages
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")),
        Prompt::Media { text, media } => cut(&format!("{} {text}", parts(media))),
        Prompt::Audio(audio) => format!("[{:.1} s of audio]", audio.seconds),
        Prompt::Batch(texts) => cut(&format!("[{} texts] {}", texts.len(), texts.join(" | "))),
        Prompt::Rerank { query, documents } => {
            cut(&format!("[{} documents] {query}", documents.len()))
        }
    };
    let at = match request.turn.as_deref() {
        Some(turn) if turn.earliest > Nanos(0) => format!(">={:.3}", turn.earliest.as_secs_f64()),
        Some(turn) if !turn.is_first() => format!("+{:.3}", turn.pause.as_secs_f64()),
        _ => format!("{:.3}", request.at.as_secs_f64()),
    };
    format!(
        "{index:>3}  {at:>9}  {:>6}  {:>6}  {}{prompt}",
        request.input.tokens,
        request.output_tokens,
        after(index, request)
    )
}

/// Formats `[after 1 and 3] ` if a request waits for others than the one before it.
fn after(index: usize, request: &PlannedRequest) -> String {
    let after = request.turn.as_deref().map_or(&[][..], |turn| &turn.after);
    match after {
        [] => String::new(),
        [before] if before + 1 == index => String::new(),
        [before] => format!("[after {before}] "),
        [all @ .., last] => {
            let shown = all.iter().take(3).map(ToString::to_string);
            let shown = shown.collect::<Vec<_>>().join(", ");
            let more = if all.len() > 3 { ", …" } else { "" };
            format!("[after {shown}{more} and {last}] ")
        }
    }
}

/// The start of a text on one line, with control characters escaped.
fn cut(text: &str) -> String {
    let mut line: String = text
        .chars()
        .take(PROMPT_WIDTH)
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    if text.chars().nth(PROMPT_WIDTH).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TokenCount;
    use goodput_grammar::ramp::Ramp;
    use serde_json::json;

    const STEADY: Arrivals = Arrivals {
        rate: 2.0,
        burstiness: 1.0,
        ramp: None,
        max_concurrency: None,
    };

    fn request(at: u64, prompt: Prompt, tokens: u64, source: CountSource) -> PlannedRequest {
        PlannedRequest {
            at: Nanos(at * 1_000_000),
            prompt,
            input: TokenCount { tokens, source },
            output_tokens: 16,
            id: String::new(),
            overrides: serde_json::Map::new(),
            structure: None,
            turn: None,
            class: None,
            client: None,
        }
    }

    fn plan() -> Plan {
        let messages = vec![json!({"role": "user", "content": "hi"})];
        let long = "a line\nand \u{1b}[2J another that goes on until it has to be cut somewhere";
        Plan {
            requests: vec![
                request(500, Prompt::Text(long.into()), 20, CountSource::Tokenizer),
                request(1000, Prompt::Tokens(vec![5, 6]), 2, CountSource::Tokenizer),
                request(1500, Prompt::Messages(messages), 1, CountSource::Estimate),
            ],
            notes: vec!["lengths are estimates".into()],
            timed: false,
            salt: None,
            warmup: Vec::new(),
        }
    }

    #[test]
    fn a_dry_run_shows_what_would_be_sent() {
        insta::assert_snapshot!(plan().describe(&STEADY), @r#"
        requests     3
        arrivals     2 requests/s, Poisson; the last leaves at 1.500 s, 2.00 requests/s over the plan
        concurrency  unlimited
        input        23 tokens, 1 to 20 a request, 7.7 on average (partly estimated)
        output       48 tokens, 16 a request (asked for)
        plan hash    cf2a3d6dffbc9563b7ea5f4480546224
        note: lengths are estimates

                at (s)   input  output  prompt
          0      0.500      20      16  a line\nand \u{1b}[2J another that goes on until it has to be cut …
          1      1.000       2      16  [5, 6]
          2      1.500       1      16  {"role":"user","content":"hi"}
        "#);
    }

    #[test]
    fn arrivals_are_named_for_what_they_are() {
        let at_once = Arrivals {
            rate: f64::INFINITY,
            ..STEADY
        };
        let closed = Arrivals {
            max_concurrency: Some(4),
            ..at_once
        };
        let ramp = Arrivals {
            ramp: Some(Ramp {
                kind: RampKind::Exponential,
                start: 1.0,
                end: 16.0,
            }),
            burstiness: f64::INFINITY,
            ..at_once
        };
        let even = Arrivals {
            burstiness: 4.0,
            ..STEADY
        };
        let lines = [at_once, closed, ramp, even].map(|arrivals| plan().arrivals(&arrivals));
        insta::assert_snapshot!(lines.join("\n"), @r"
        all at once
        closed loop: each as soon as a slot is free
        exponential ramp, 1 to 16 requests/s, constant gaps; the last leaves at 1.500 s, 2.00 requests/s over the plan
        2 requests/s, gamma gaps of shape 4; the last leaves at 1.500 s, 2.00 requests/s over the plan
        ");
    }

    #[test]
    fn only_the_first_requests_are_listed() {
        let mut plan = plan();
        plan.requests = vec![plan.requests[1].clone(); 9];
        let text = plan.describe(&STEADY);
        assert!(text.ends_with("…and 4 more\n"), "{text}");
        assert_eq!(text.matches("[5, 6]").count(), 5);
    }

    #[test]
    fn an_empty_plan_is_described_too() {
        let empty = Plan {
            requests: Vec::new(),
            notes: Vec::new(),
            timed: false,
            salt: None,
            warmup: Vec::new(),
        };
        assert!(empty.describe(&STEADY).contains("0 tokens"));
    }

    #[test]
    fn turns_show_what_they_wait_for() {
        let mut plan = plan();
        for (number, request) in plan.requests.iter_mut().take(2).enumerate() {
            request.turn = Some(Box::new(super::super::Turn {
                id: crate::record::TurnId {
                    session: 0,
                    name: "a".into(),
                    number,
                },
                after: (0..number).collect(),
                pause: Nanos(1_500_000_000),
                earliest: Nanos(0),
                history: None,
                answered: false,
            }));
        }
        let text = plan.describe(&STEADY);
        let sessions = plan.requests.len() - 1;
        let line =
            format!("sessions     {sessions}; 1 request waits for an answer and then 1.50 s");
        assert!(text.contains(&line), "{text}");
        assert!(text.contains("2 sessions/s, Poisson"), "{text}");
        assert!(text.contains("  1     +1.500"), "{text}");
    }
}
