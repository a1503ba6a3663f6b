//! Trains the tokenizer that goodput embeds: a small byte-level BPE.
//!
//! `cargo run --example train_tokenizer -- OUT.json TEXT…`

use std::{env, error::Error, fs};
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    SplitDelimiterBehavior, TokenizerImpl,
    models::bpe::{BPE, BpeTrainerBuilder},
    pre_tokenizers::{
        byte_level::ByteLevel,
        sequence::Sequence,
        split::{Split, SplitPattern},
    },
};

/// Small enough to embed, large enough that common English words are one token.
const VOCABULARY: usize = 4096;

/// Words with the space before them, numbers, punctuation, white space.
const WORDS: &str = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = env::args().skip(1);
    let (Some(out), texts) = (arguments.next(), arguments.collect::<Vec<_>>()) else {
        return Err("usage: train_tokenizer OUT.json TEXT…".into());
    };
    if texts.is_empty() {
        return Err("usage: train_tokenizer OUT.json TEXT…".into());
    }
    let lines = texts
        .iter()
        .map(fs::read_to_string)
        .collect::<Result<Vec<_>, _>>()?;
    let words = Split::new(
        SplitPattern::Regex(WORDS.into()),
        SplitDelimiterBehavior::Isolated,
        false,
    )?;
    let bytes = ByteLevel::new(false, true, false);
    let mut tokenizer: TokenizerImpl<
        BPE,
        NormalizerWrapper,
        PreTokenizerWrapper,
        PostProcessorWrapper,
        DecoderWrapper,
    > = TokenizerImpl::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![words.into(), bytes.into()])));
    tokenizer.with_decoder(Some(bytes));
    let mut trainer = BpeTrainerBuilder::new()
        .vocab_size(VOCABULARY)
        .show_progress(false)
        // All 256 bytes, so that every text can be encoded.
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(vec![AddedToken::from("<|endoftext|>", true)])
        .build();
    tokenizer.train(&mut trainer, lines.iter())?;
    tokenizer.save(&out, false)?;
    println!("{out}: {} tokens", tokenizer.get_vocab_size(true));
    Ok(())
}
