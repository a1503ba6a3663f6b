//! The length of a prompt, found without counting one that is far too long to its end.

use crate::sim::{dialect::Input, refusal::Refusal, server::SimServer};

/// Bytes of a text that are counted at once where it may be too long.
const PIECE: usize = 64 << 10;

/// The tokens of a prompt.
///
/// # Errors
/// It has more than the model can read.
pub(super) fn counted(server: &SimServer, input: &Input) -> Result<u64, Refusal> {
    if let Input::Text(text) = input {
        check(server, text)?;
    }
    let limit = server.max_model_len();
    let tokens = input.tokens(|text| server.count(text));
    if tokens > limit {
        Err(Refusal::too_many_tokens(limit))
    } else {
        Ok(tokens)
    }
}

/// Checks the length of a text. Up to [`PIECE`] bytes are not counted.
///
/// # Errors
/// The text has far more tokens than the model can read.
pub(super) fn check(server: &SimServer, text: &str) -> Result<(), Refusal> {
    let limit = server.max_model_len();
    // No token is shorter than a byte.
    if text.len() <= PIECE || text.len() as u64 <= limit {
        return Ok(());
    }
    let mut tokens = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(end(rest));
        tokens += server.count(piece);
        if tokens > limit {
            return Err(Refusal::too_many_tokens(limit));
        }
        rest = behind;
    }
    Ok(())
}

/// The end of a piece: before its last space, because tokens begin there.
fn end(text: &str) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let starts = |at: &usize| text.is_char_boundary(*at);
    let most = (0..=PIECE).rev().find(starts).unwrap_or(0);
    match text[..most].rfind(' ') {
        Some(space) if space > 0 => space,
        _ => most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use goodput_grammar::sim::Script;
    use rstest::rstest;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    #[rstest]
    #[case::fits("a ".repeat(1 << 19), true)]
    #[case::one_word_that_fits("a".repeat(1 << 20), true)]
    #[case::too_long("a ".repeat(40 << 20), false)]
    #[case::one_word_too_long("é".repeat(20 << 20), false)]
    fn a_text_is_counted_no_further_than_it_may_be_long(#[case] text: String, #[case] fits: bool) {
        let seen = Arc::new(AtomicUsize::new(0));
        let sees = Arc::clone(&seen);
        let server = SimServer::new(Script::default()).count_tokens(move |text| {
            sees.fetch_add(text.len(), Ordering::Relaxed);
            text.split(' ')
                .map(|word| word.len().div_ceil(4) as u64)
                .sum()
        });
        let counted = counted(&server, &Input::Text(text));
        assert_eq!(counted.is_ok(), fits, "{counted:?}");
        let looked_at = seen.load(Ordering::Relaxed);
        assert!(looked_at <= 5 << 20, "{looked_at} bytes");
    }
}
