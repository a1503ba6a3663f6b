//! A text in pieces, each of which is a token.

/// Characters of a token.
const CHARACTERS: usize = 4;
/// A token behind the end of a text.
const MORE: &str = " and";

/// A text in tokens of up to four characters each.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Wording {
    /// Each token, plain and as it stands in a string of JSON.
    tokens: Vec<(String, String)>,
    /// Tokens behind them, each of which is [`MORE`].
    behind: u64,
    whole: bool,
}

impl Wording {
    /// The beginning of a text that this number of tokens holds, at least one token.
    pub(in crate::sim) fn new(text: &str, most: u64) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
        let pieces = characters.chunks(CHARACTERS);
        let whole = pieces.len() <= most;
        let token = |piece: &[char]| {
            let plain: String = piece.iter().collect();
            let quoted = serde_json::Value::from(plain.as_str()).to_string();
            let escaped = quoted[1..quoted.len() - 1].to_owned();
            (plain, escaped)
        };
        Wording {
            tokens: pieces.take(most).map(token).collect(),
            behind: 0,
            whole,
        }
    }

    /// A text that goes on behind its end, for this number of tokens.
    pub(in crate::sim) fn endless(text: &str, most: u64) -> Self {
        let begun = Wording::new(text, most);
        Wording {
            behind: most.saturating_sub(begun.tokens.len() as u64),
            whole: false,
            ..begun
        }
    }

    /// The number of tokens, at least one.
    pub(in crate::sim) fn tokens(&self) -> u64 {
        (self.tokens.len() as u64 + self.behind).max(1)
    }

    /// Returns whether it is the whole text.
    pub(in crate::sim) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The text of a token.
    pub(in crate::sim) fn word(&self, index: u64) -> &str {
        self.token(index)
            .map_or_else(|| self.more(), |(plain, _)| plain)
    }

    /// The text of a token, as it stands in a string of JSON.
    pub(in crate::sim) fn escaped(&self, index: u64) -> &str {
        self.token(index)
            .map_or_else(|| self.more(), |(_, escaped)| escaped)
    }

    fn more(&self) -> &'static str {
        if self.behind > 0 { MORE } else { "" }
    }

    fn token(&self, index: u64) -> Option<&(String, String)> {
        self.tokens.get(usize::try_from(index).ok()?)
    }
}
