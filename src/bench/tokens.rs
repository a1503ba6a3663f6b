//! Tokens as a run counts them.

use crate::{
    record::{CountSource, Record, TokenCount},
    tokenizer::Tokenizer,
};

/// Replaces estimates by counts: the server's for the prompt, our tokenizer's for the answer.
pub(super) fn count_tokens(record: &mut Record, tokenizer: &Tokenizer) {
    if let Some(tokens) = record.usage.and_then(|usage| usage.prompt_tokens) {
        record.input = TokenCount {
            tokens,
            source: CountSource::Usage,
        };
    }
    let counted_by_server = record.output.source == CountSource::Usage;
    // What is left of an answer that failed is in no number, and may be anything.
    if record.ok()
        && !counted_by_server
        && (!record.text.is_empty() || !record.reasoning.is_empty())
    {
        let answer = tokenizer.count(&record.text, false);
        let reasoning = tokenizer.count(&record.reasoning, false);
        if answer.source == CountSource::Tokenizer {
            record.output = TokenCount {
                tokens: answer.tokens + reasoning.tokens,
                source: answer.source,
            };
        }
    }
}
