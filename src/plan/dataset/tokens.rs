//! Prompts that are made of tokens by hash ids, as traces have them.
//!
//! An id stands for a block of tokens: the same id is the same block, so that prompts share prefixes as they did. As in
//! vLLM, the tokens of a block are CPython's `choices` of all ordinary ids, seeded by its `hash` of `id:size`; vLLM gives
//! these tokens with `PYTHONHASHSEED=0`, and others in every process without it. Without a tokenizer, words stand for
//! tokens.

use super::words;
use crate::{
    plan::{
        PlanError, PlanSpec, Prompt, Shape,
        numpy::{PyRandom, py_hash},
    },
    tokenizer::Codec,
};
use std::{collections::HashMap, fmt::Display};

/// Hash ids of a prompt.
pub(super) struct Blocks<'a, Id> {
    /// Tokens of each but the last.
    pub(super) size: usize,
    pub(super) ids: &'a [Id],
    /// Where an id means the same block; empty for everywhere.
    pub(super) scope: &'a str,
    /// Seeds the tokens behind the last block. Without it, a prompt ends with its last block.
    pub(super) rest: Option<&'a str>,
}

/// What prompts are made of.
pub(super) struct Tokens {
    ordinary: Vec<u32>,
    made: HashMap<String, Vec<usize>>,
    /// Draws prompts of which only the length is known.
    random: PyRandom,
}

impl Tokens {
    pub(super) fn new(spec: &PlanSpec<'_>) -> Self {
        let ordinary = spec.tokenizer.codec().map_or_else(Vec::new, |codec| {
            let special = codec.special_ids();
            let mut ids = codec.all_ids();
            ids.retain(|id| special.binary_search(id).is_err());
            ids
        });
        Tokens {
            ordinary,
            made: HashMap::new(),
            random: PyRandom::new(spec.seed),
        }
    }

    /// Indices among ordinary ids, or among words.
    fn indices<Id: Display>(&mut self, length: u64, blocks: Option<Blocks<'_, Id>>) -> Vec<usize> {
        let size = match self.ordinary.len() {
            0 => words::WORDS.len(),
            size => size,
        };
        let Some(blocks) = blocks else {
            return self.random.choices(size, length as usize);
        };
        let mut left = length as usize;
        let mut indices = Vec::with_capacity(left);
        for id in blocks.ids {
            if left == 0 {
                break;
            }
            let length = left.min(blocks.size);
            let key = format!("{}{id}:{length}", blocks.scope);
            let seed = u64::from(py_hash(&key));
            let made = self
                .made
                .entry(key)
                .or_insert_with(|| PyRandom::new(seed).choices(size, length));
            indices.extend_from_slice(made);
            left -= length;
        }
        if let Some(rest) = blocks.rest {
            let seed = u64::from(py_hash(rest));
            indices.extend(PyRandom::new(seed).choices(size, left));
        }
        indices
    }

    /// A prompt and its length in tokens. A backend that takes no token ids gets their text.
    pub(super) fn prompt<Id: Display>(
        &mut self,
        length: u64,
        blocks: Option<Blocks<'_, Id>>,
        spec: &PlanSpec<'_>,
    ) -> Result<(Prompt, usize), PlanError> {
        let indices = self.indices(length, blocks);
        let prompt = match spec.tokenizer.codec() {
            Some(_) if spec.takes.contains(&Shape::Tokens) => Prompt::Tokens(self.ids(&indices)),
            codec => Prompt::Text(self.words(&indices, codec)?),
        };
        Ok((prompt, indices.len()))
    }

    /// The text of a prompt, and its length in tokens.
    pub(super) fn text<Id: Display>(
        &mut self,
        length: u64,
        blocks: Option<Blocks<'_, Id>>,
        spec: &PlanSpec<'_>,
    ) -> Result<(String, usize), PlanError> {
        let indices = self.indices(length, blocks);
        let text = self.words(&indices, spec.tokenizer.codec())?;
        Ok((text, indices.len()))
    }

    fn ids(&self, indices: &[usize]) -> Vec<u32> {
        indices.iter().map(|&index| self.ordinary[index]).collect()
    }

    fn words(&self, indices: &[usize], codec: Option<&Codec>) -> Result<String, PlanError> {
        Ok(match codec {
            Some(codec) => codec.decode(&self.ids(indices))?,
            None => {
                let words: Vec<&str> = indices.iter().map(|&index| words::WORDS[index]).collect();
                words.join(" ")
            }
        })
    }
}
