//! Salt: a text before every prompt, so that a server's prefix cache has nothing of earlier runs.

use super::{Plan, Prompt};
use crate::{
    record::TokenCount,
    tokenizer::{Tokenizer, TokenizerError},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What stands before every prompt of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salt {
    /// The text, with the space that follows it.
    pub text: String,
    /// The same for prompts of token ids; empty without a tokenizer, where there are no such prompts.
    pub ids: Vec<u32>,
    /// Length of the text in tokens.
    pub length: TokenCount,
}

impl Salt {
    pub(crate) fn new(text: &str, tokenizer: &Tokenizer) -> Result<Self, TokenizerError> {
        let text = format!("{text} ");
        let ids = match tokenizer.codec() {
            Some(codec) => codec.encode(&text, false)?,
            None => Vec::new(),
        };
        Ok(Salt {
            length: tokenizer.count(&text, false),
            ids,
            text,
        })
    }

    /// The prompt with the salt before it. Recordings have no text to put it before.
    pub(crate) fn before(&self, prompt: &Prompt) -> Prompt {
        let salted = |text: &String| format!("{}{text}", self.text);
        match prompt {
            Prompt::Text(text) => Prompt::Text(salted(text)),
            Prompt::Tokens(ids) => Prompt::Tokens([&self.ids[..], ids].concat()),
            Prompt::Messages(messages) => Prompt::Messages(self.before_messages(messages)),
            Prompt::Media { text, media } => Prompt::Media {
                text: salted(text),
                media: media.clone(),
            },
            Prompt::Audio(audio) => Prompt::Audio(audio.clone()),
            Prompt::Batch(texts) => Prompt::Batch(texts.iter().map(salted).collect()),
            Prompt::Rerank { query, documents } => Prompt::Rerank {
                query: salted(query),
                documents: documents.clone(),
            },
        }
    }

    /// The first message begins with the salt, whether its content is a text or an array of parts.
    fn before_messages(&self, messages: &[Value]) -> Vec<Value> {
        let mut messages = messages.to_vec();
        match messages.first_mut().map(|first| &mut first["content"]) {
            Some(Value::String(text)) => text.insert_str(0, &self.text),
            Some(Value::Array(parts)) => {
                parts.insert(0, json!({"type": "text", "text": self.text}));
            }
            _ => {}
        }
        messages
    }
}

impl Plan {
    /// Tokens of a request's prompt as the plan knows them, salt included.
    pub(crate) fn input(&self, index: usize) -> TokenCount {
        let request = &self.requests[index];
        let salt = self.salt.as_ref().map_or(0, |salt| salt.length.tokens);
        TokenCount {
            tokens: request.input.tokens + salt * request.prompt.inputs(),
            ..request.input
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn salt() -> Salt {
        Salt::new("x7", &Tokenizer::none()).unwrap()
    }

    #[rstest]
    #[case::text(Prompt::Text("hi".into()), Prompt::Text("x7 hi".into()))]
    #[case::batch(
        Prompt::Batch(vec!["a".into(), "b".into()]),
        Prompt::Batch(vec!["x7 a".into(), "x7 b".into()])
    )]
    #[case::query(
        Prompt::Rerank { query: "q".into(), documents: vec!["d".into()] },
        Prompt::Rerank { query: "x7 q".into(), documents: vec!["d".into()] }
    )]
    #[case::media(
        Prompt::Media { text: "see".into(), media: vec![] },
        Prompt::Media { text: "x7 see".into(), media: vec![] }
    )]
    #[case::messages(
        Prompt::Messages(vec![json!({"role": "system", "content": "be brief"}), json!({"role": "user", "content": "hi"})]),
        Prompt::Messages(vec![json!({"role": "system", "content": "x7 be brief"}), json!({"role": "user", "content": "hi"})])
    )]
    #[case::parts(
        Prompt::Messages(vec![json!({"role": "user", "content": [{"type": "text", "text": "hi"}]})]),
        Prompt::Messages(vec![json!({"role": "user", "content": [{"type": "text", "text": "x7 "}, {"type": "text", "text": "hi"}]})])
    )]
    #[case::nothing(Prompt::Messages(vec![]), Prompt::Messages(vec![]))]
    fn every_prompt_begins_with_it(#[case] prompt: Prompt, #[case] salted: Prompt) {
        assert_eq!(salt().before(&prompt), salted);
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn token_ids_begin_with_its_ids() {
        use crate::tokenizer::TokenizerSpec;
        let tokenizer = Tokenizer::load(&TokenizerSpec::Embedded).unwrap();
        let salt = Salt::new("x7", &tokenizer).unwrap();
        let Prompt::Tokens(ids) = salt.before(&Prompt::Tokens(vec![5, 6])) else {
            panic!("token ids")
        };
        assert_eq!(ids[ids.len() - 2..], [5, 6]);
        assert_eq!(ids.len() as u64, 2 + salt.length.tokens);
        let codec = tokenizer.codec().unwrap();
        assert_eq!(codec.decode(&ids[..ids.len() - 2]).unwrap(), "x7 ");
    }
}
