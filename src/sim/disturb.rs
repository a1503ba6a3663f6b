//! An answer in which something goes wrong.
//!
//! Faults act on what is written and when, not on how the times of tokens come about: tokens go in with the times at
//! which they are ready, writes come out with theirs. Only [stalls](super::stall) act before this, because they hold
//! what makes the tokens.

use super::{dialect::Answer, hang_up::Ending};
use crate::clock::Nanos;
use bytes::Bytes;
use goodput_grammar::fault::Kind;
use std::ops::Range;

/// The text of an error event, unless the fault has one.
const DIED: &str = "injected fault: the engine died";

/// The pieces of an answer and the times at which they are written.
pub(super) type Writes = Vec<(Nanos, Vec<Bytes>)>;

/// One answer and what goes wrong in it.
#[derive(Debug)]
pub(super) struct Disturbed {
    answer: Answer,
    kinds: Vec<Kind>,
    /// What ends the answer before its time, and the number of tokens before that.
    end: Option<(u64, End)>,
    /// Tokens in an event; `None` puts all that are ready at once into one.
    group: Option<u64>,
    /// Tokens that are ready.
    ready: u64,
    /// Tokens that were sent.
    sent: u64,
    /// When the last write is over.
    busy_until: Nanos,
    over: bool,
}

/// What ends an answer before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Silence,
    Reset,
    Cut,
    Early,
    Error(String),
    NoTokens,
}

impl Disturbed {
    pub(super) fn new(answer: Answer, kinds: Vec<Kind>) -> Self {
        let mut answer = answer;
        let mut group = None;
        for kind in &kinds {
            // All kinds are listed, so that the code of a new one has to be named here.
            match kind {
                Kind::NoUsage => answer = answer.withholding_usage(),
                Kind::WrongUsage { tokens } => answer = answer.stating(*tokens),
                Kind::NoDone => answer = answer.without_done(),
                Kind::TokensPerChunk { tokens } => group = Some((*tokens).max(1)),
                // They end the answer before its time: `End::of`.
                Kind::Reset { .. }
                | Kind::Cut { .. }
                | Kind::EndEarly { .. }
                | Kind::ErrorEvent { .. }
                | Kind::NoTokens => {}
                // What is sent with a token: `events`, and for an answer in one piece `body`.
                Kind::RoleOnly { .. }
                | Kind::Empty { .. }
                | Kind::UsageOnly { .. }
                | Kind::Duplicate { .. }
                | Kind::TruncatedUtf8 { .. } => {}
                // What an answer says: `surface/generate`.
                Kind::InvalidAnswer => {}
                // How events are written: `writes`.
                Kind::Crlf | Kind::Drip { .. } => {}
                // What holds the tokens back: `stall`. One without end is an end, too.
                Kind::Stall { .. } => {}
                // What comes before an answer: `http_faults`, and for connections `fault`.
                Kind::SlowHeaders { .. } | Kind::Status { .. } | Kind::Refuse => {}
            }
        }
        let last = answer.tokens() - 1;
        let ends = kinds.iter().filter_map(End::of);
        let end = ends
            .map(|(after, end)| (after.min(last), end))
            .min_by_key(|(after, _)| *after);
        Disturbed {
            answer,
            kinds,
            end,
            group,
            ready: 0,
            sent: 0,
            busy_until: Nanos(0),
            over: false,
        }
    }

    /// What goes wrong.
    pub(super) fn faults(&self) -> &[Kind] {
        &self.kinds
    }

    /// Tokens of the answer, were it whole.
    pub(super) fn tokens(&self) -> u64 {
        self.answer.tokens()
    }

    /// What happens to the connection at the end. `None` if the answer ends as answers do.
    pub(super) fn ending(&self) -> Option<Ending> {
        match self.end.as_ref().map(|(_, end)| end)? {
            End::Silence => Some(Ending::Silence),
            End::Reset => Some(Ending::Reset),
            End::Cut => Some(Ending::Close),
            End::Early | End::Error(_) | End::NoTokens => None,
        }
    }

    /// Returns whether nothing more is to be written.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Notes that tokens of an answer in one piece were ready at `at`.
    pub(super) fn ready(&mut self, at: Nanos) {
        self.answer.ready(at);
    }

    /// Media type of its stream.
    pub(super) fn media(&self) -> &'static str {
        self.answer.media()
    }

    /// The writes of a stream for this number of further tokens, which are ready at `at`.
    pub(super) fn take(&mut self, tokens: u64, at: Nanos) -> Writes {
        self.answer.ready(at);
        self.ready = self.ready.saturating_add(tokens).min(self.tokens());
        let mut writes = Writes::new();
        while let Some(tokens) = self.next_event() {
            writes.extend(self.send(tokens, at));
        }
        writes
    }

    /// The tokens of the next event, if they are ready.
    fn next_event(&self) -> Option<Range<u64>> {
        let waiting = self.ready - self.sent;
        let all = self.ready == self.tokens();
        let size = match self.group {
            Some(group) if waiting >= group => group,
            Some(_) if !all => 0,
            None if self.answer.is_one_by_one() => waiting.min(1),
            _ => waiting,
        };
        (size > 0 && !self.over).then(|| self.sent..self.sent + size)
    }

    fn send(&mut self, tokens: Range<u64>, at: Nanos) -> Writes {
        self.sent = tokens.end;
        self.over = tokens.end == self.tokens();
        let at = at.max(self.busy_until);
        let end = self.end.as_ref();
        let end = end.filter(|(after, _)| tokens.contains(after)).cloned();
        let events = match end {
            Some((_, end)) => {
                self.over = true;
                self.last_events(&end, tokens)
            }
            None => self.events(tokens),
        };
        self.writes(at, events)
    }

    /// Returns whether the place after this number of tokens, or before the last one, is among these tokens.
    fn falls_into(&self, after: u64, tokens: &Range<u64>) -> bool {
        tokens.contains(&after.min(self.tokens() - 1))
    }

    fn opening(&mut self, tokens: &Range<u64>) -> Vec<Bytes> {
        match tokens.start {
            0 => self.answer.opening(),
            _ => Vec::new(),
        }
    }

    /// The events of tokens when the answer does not end there.
    fn events(&mut self, tokens: Range<u64>) -> Vec<Bytes> {
        let mut events = self.opening(&tokens);
        let mut spoiled = false;
        let mut copies = 1;
        for index in 0..self.kinds.len() {
            match self.kinds[index] {
                Kind::RoleOnly { after } if self.falls_into(after, &tokens) => {
                    events.extend(self.answer.role_event());
                }
                Kind::Empty { after } if self.falls_into(after, &tokens) => {
                    events.push(self.answer.empty_event(tokens.start));
                }
                Kind::UsageOnly { after } if self.falls_into(after, &tokens) => {
                    events.extend(self.answer.usage_event(tokens.start));
                }
                Kind::TruncatedUtf8 { after } if self.falls_into(after, &tokens) => spoiled = true,
                Kind::Duplicate { after } if self.falls_into(after, &tokens) => copies += 1,
                _ => {}
            }
        }
        let last = tokens.end == self.tokens();
        let event = if spoiled {
            self.answer.spoiled_token_event(tokens)
        } else {
            self.answer.token_event(tokens)
        };
        events.extend(std::iter::repeat_n(event, copies));
        if last {
            events.extend(self.answer.closing());
        }
        events
    }

    fn last_events(&mut self, end: &End, tokens: Range<u64>) -> Vec<Bytes> {
        match end {
            End::Silence | End::Reset | End::Early => Vec::new(),
            End::Cut => {
                let mut events = self.opening(&tokens);
                let event = self.answer.token_event(tokens);
                events.push(event.slice(..event.len() / 2));
                events
            }
            End::Error(message) => self.answer.error_events(message),
            End::NoTokens => {
                let mut events = self.opening(&tokens);
                events.extend(self.answer.closing_after(0));
                events
            }
        }
    }

    /// Puts events into writes, in their framing and at their pace.
    fn writes(&mut self, at: Nanos, mut events: Vec<Bytes>) -> Writes {
        if self.kinds.contains(&Kind::Crlf) {
            for event in &mut events {
                *event = with_crlf(event);
            }
        }
        let drip = self.kinds.iter().find_map(|kind| match kind {
            Kind::Drip { every, bytes } => {
                Some((*every, usize::try_from(*bytes).unwrap_or(usize::MAX)))
            }
            _ => None,
        });
        let Some((every, bytes)) = drip.filter(|_| !events.is_empty()) else {
            return vec![(at, events)];
        };
        let mut writes = Vec::new();
        let mut next = at;
        for event in events {
            for piece in event.chunks(bytes) {
                writes.push((next, vec![event.slice_ref(piece)]));
                next = next.after(every);
            }
        }
        self.busy_until = next;
        writes
    }

    /// The answer in one piece, as it is sent when its last token is ready. `None` sends nothing at all. The
    /// connection ends afterwards as [`ending`](Self::ending) says.
    pub(super) fn whole(&self) -> Option<Bytes> {
        match self.end.as_ref().map(|(_, end)| end) {
            Some(End::Silence | End::Reset) => None,
            Some(End::Error(message)) => {
                Some(Bytes::from(self.answer.error_body(message).to_string()))
            }
            Some(End::NoTokens) => Some(Bytes::from(self.answer.whole_of(0))),
            Some(End::Cut) => {
                let body = self.body();
                Some(body.slice(..body.len() / 2))
            }
            Some(End::Early) | None => Some(self.body()),
        }
    }

    fn body(&self) -> Bytes {
        let spoils = |kind: &Kind| matches!(kind, Kind::TruncatedUtf8 { .. });
        if self.kinds.iter().any(spoils) {
            Bytes::from(self.answer.spoiled_whole())
        } else {
            Bytes::from(self.answer.whole())
        }
    }
}

impl End {
    /// How this kind ends an answer, and after how many tokens.
    fn of(kind: &Kind) -> Option<(u64, End)> {
        Some(match kind {
            Kind::Stall { time: None, after } => (*after, End::Silence),
            Kind::Reset { after } => (*after, End::Reset),
            Kind::Cut { after } => (*after, End::Cut),
            Kind::EndEarly { after } => (*after, End::Early),
            Kind::ErrorEvent { after, message } => {
                let message = message.as_deref().unwrap_or(DIED);
                (*after, End::Error(message.to_owned()))
            }
            Kind::NoTokens => (0, End::NoTokens),
            _ => return None,
        })
    }
}

/// The same event with CR LF for line ends. JSON has none inside.
fn with_crlf(event: &Bytes) -> Bytes {
    let lines = event.split_inclusive(|&byte| byte == b'\n');
    let ended = lines.flat_map(|line| match line.strip_suffix(b"\n") {
        Some(text) => [text, b"\r\n"],
        None => [line, b""],
    });
    Bytes::from(ended.collect::<Vec<_>>().concat())
}

#[cfg(test)]
mod tests;
