//! Makes conversations, as vLLM's `benchmark_serving_multi_turn.py` does with `"filetype": "generate_conversations"`: with
//! the same seed and the same tokenizer the same texts.

mod lengths;
mod settings;
#[cfg(test)]
mod tests;
mod text;

pub(super) use settings::Generator;

use super::file::{Conversation, Exchange};
use crate::plan::{PlanError, PlanSpec, dataset::complaints, numpy::RandomState};
use goodput_grammar::bounds;
use serde_json::json;
use std::path::Path;
use text::Text;

/// What each question asks for.
const TASK: &str = "Please rewrite the following text and add more content: ";

/// Conversations, and what the user should know about them.
pub(super) struct Made {
    pub(super) conversations: Vec<Conversation>,
    pub(super) stats: Option<String>,
}

impl Generator {
    /// Makes conversations until they have as many requests as the plan, each of which has `turns` at most.
    pub(super) fn make(
        &self,
        path: &Path,
        turns: Option<usize>,
        spec: &PlanSpec<'_>,
    ) -> Result<Made, PlanError> {
        let text = Text::read(path, &self.text_files, spec)?;
        let mut maker = Maker::new(self, path, text, spec)?;
        let mut conversations = Vec::new();
        let mut requests = 0;
        for number in 0..self.conversations {
            spec.go_on()?;
            let left = spec.requests - requests;
            if left == 0 {
                break;
            }
            let most = turns.map_or(left, |turns| turns.min(left));
            let exchanges = maker.conversation(number, most)?;
            requests += exchanges.len();
            conversations.push(Conversation {
                client: None,
                name: format!("CONV_ID_{number}"),
                exchanges,
            });
        }
        let stats = self.print_stats.then(|| maker.stats(requests));
        Ok(Made {
            conversations,
            stats,
        })
    }
}

/// What is drawn for all conversations, and how far the text is used up.
struct Maker<'a> {
    settings: &'a Generator,
    path: &'a Path,
    text: Text<'a>,
    random: RandomState,
    /// Tokens of [`TASK`].
    task: usize,
    /// Messages of each conversation: an even number.
    turns: Vec<u64>,
    prefixes: Vec<u64>,
    common_prefix: String,
    /// Where the text of the next conversation begins.
    offset: usize,
    /// Tokens of all messages so far.
    asked: usize,
    answered: usize,
}

impl<'a> Maker<'a> {
    fn new(
        settings: &'a Generator,
        path: &'a Path,
        text: Text<'a>,
        spec: &PlanSpec<'_>,
    ) -> Result<Self, PlanError> {
        let mut random = RandomState::new(spec.seed);
        let turns = settings.turns.draw(settings.conversations, &mut random);
        let even = |turns: u64| turns.max(2).saturating_add(turns.max(2) % 2);
        let prefixes = settings.prefix.draw(settings.conversations, &mut random);
        let common = settings.common_prefix.draw(1, &mut random);
        let task = text.count(TASK)?;
        let mut maker = Maker {
            settings,
            path,
            text,
            random,
            task,
            turns: turns.into_iter().map(even).collect(),
            prefixes,
            common_prefix: String::new(),
            offset: 0,
            asked: 0,
            answered: 0,
        };
        let common = common.first().copied().unwrap_or(0);
        if common > 0 {
            // The point at the end is a token or two.
            let tokens = whole(common).saturating_sub(2);
            let cut = maker.cut(0, tokens, "prompt_input.common_prefix_num_tokens")?;
            maker.common_prefix = cut + ".";
            maker.offset = whole(common);
        }
        Ok(maker)
    }

    /// The first exchanges of a conversation.
    fn conversation(&mut self, number: usize, most: usize) -> Result<Vec<Exchange>, PlanError> {
        let turns = self.turns[number];
        if turns > bounds::WHOLE {
            return Err(complaints::whole_file(
                self.path,
                format!(
                    "conversation CONV_ID_{number} would have {turns} messages; the most is {}. Set \
                     `prompt_input.num_turns.max`",
                    bounds::WHOLE
                ),
            ));
        }
        let count = whole(turns);
        let draw = |lengths: &lengths::Lengths, least: usize, random: &mut RandomState| {
            let drawn = lengths.draw(count, random).into_iter();
            drawn
                .map(|length| whole(length).max(least))
                .collect::<Vec<_>>()
        };
        let input = draw(&self.settings.input, self.task, &mut self.random);
        let output = draw(&self.settings.output, 1, &mut self.random);
        let step = input.iter().copied().max().unwrap_or(0);
        let mut exchanges = Vec::new();
        for turn in (0..count).step_by(2).take(most) {
            let question = self.question(number, turn, input[turn], step)?;
            let answer = self.cut(0, output[turn + 1], "prompt_output.num_tokens")?;
            self.asked += input[turn];
            self.answered += output[turn + 1];
            let tokens = self.asked + self.answered;
            if tokens as f64 > bounds::TOKENS {
                return Err(complaints::whole_file(
                    self.path,
                    format!(
                        "the messages would have {tokens} tokens together; a run may have {:.0e}. Ask for fewer requests",
                        bounds::TOKENS
                    ),
                ));
            }
            exchanges.push(Exchange {
                messages: vec![json!({"role": "user", "content": question})],
                answer: Some(json!({"role": "assistant", "content": answer})),
            });
        }
        // Conversations overlap in the text, but do not begin at the same place.
        self.offset += count;
        Ok(exchanges)
    }

    /// A message of the user with about `length` tokens, to which the first one adds the prefix of its conversation.
    fn question(
        &mut self,
        number: usize,
        turn: usize,
        length: usize,
        step: usize,
    ) -> Result<String, PlanError> {
        let mut content = String::new();
        if turn == 0 {
            content.push_str(&self.common_prefix);
        }
        content.push_str(&format!("{number} is a nice number... "));
        let used = self.text.count(&content)? + self.task;
        let prefix = whole(self.prefixes[number]);
        if turn == 0 && prefix > 0 {
            let cut = self.cut(self.offset, prefix, "prompt_input.prefix_num_tokens")?;
            content.push_str(&format!("{number}, {cut}"));
            self.offset += prefix;
        }
        content.push_str(TASK);
        if let Some(left) = length.checked_sub(used).filter(|left| *left > 0) {
            let from = self.offset.saturating_add(turn.saturating_mul(step));
            content.push_str(&self.cut(from, left, "prompt_input.num_tokens")?);
        }
        Ok(content)
    }

    /// A piece of the text.
    fn cut(&self, from: usize, count: usize, field: &str) -> Result<String, PlanError> {
        let found = self.text.len();
        self.text.cut(from, count).unwrap_or_else(|| {
            let to = from.saturating_add(count);
            Err(complaints::whole_file(
                self.path,
                format!(
                    "field `text_files`: the files have {found} tokens together, and `{field}` asks for {count} from token \
                     {from} on, up to {to}. Add text, or ask for fewer tokens, turns or conversations"
                ),
            ))
        })
    }

    /// The sentence for `print_stats`.
    fn stats(&self, requests: usize) -> String {
        let range = |numbers: &[u64]| {
            let least = numbers.iter().min().copied().unwrap_or(0);
            let most = numbers.iter().max().copied().unwrap_or(0);
            format!("{least} to {most}")
        };
        let mean = |tokens: usize| tokens as f64 / requests.max(1) as f64;
        format!(
            "{} conversations of {} messages were drawn; the {requests} questions of the plan have {:.1} tokens on average \
             without prefixes, and the answers {:.1}",
            self.turns.len(),
            range(&self.turns),
            mean(self.asked),
            mean(self.answered)
        )
    }
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
