//! Trains the tokenizer that goodput embeds: a small byte-level BPE.
//!
//! `cargo run --example train_tokenizer -- OUT.json TEXT…`

use std::{env, error::Error, fs};
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    TokenizerImpl,
    models::bpe::{BPE, BpeTrainerBuilder},
    pre_tokenizers::byte_level::ByteLevel,
};

/// Small enough to embed, large enough that common English words are one token.
const VOCABULARY: usize = 4096;

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
    let byte_level = ByteLevel::new(false, true, true);
    let mut tokenizer: TokenizerImpl<
        BPE,
        NormalizerWrapper,
        PreTokenizerWrapper,
        PostProcessorWrapper,
        DecoderWrapper,
    > = TokenizerImpl::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(byte_level));
    tokenizer.with_decoder(Some(byte_level));
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
