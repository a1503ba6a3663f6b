//! What the blocks of a prompt hold, for an engine's prefix cache.

use super::dialect::Input;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes of text that count as one token in the prefix cache. Cutting by bytes keeps blocks of equal beginnings
/// equal, which cutting by a prompt's own ratio of bytes to tokens would not.
const BYTES_PER_TOKEN: usize = 4;

/// The hashes of the full blocks of a prompt, each over its block and all before it. Token ids are cut
/// exactly; text is cut every four bytes a token. An adapter has keys and values of its own, so it
/// is part of the hash.
pub(super) fn block_hashes(input: &Input, block_size: u64, lora: Option<usize>) -> Vec<u64> {
    let size = usize::try_from(block_size).unwrap_or(usize::MAX).max(1);
    let start = lora.map_or(0, |adapter| adapter as u64 + 1);
    match input {
        Input::Text(text) => {
            let blocks = text.as_bytes();
            chain(
                start,
                blocks.chunks_exact(size.saturating_mul(BYTES_PER_TOKEN)),
            )
        }
        Input::Tokens(ids) => chain(
            start,
            ids.chunks_exact(size).map(|block| {
                block
                    .iter()
                    .flat_map(|id| id.to_le_bytes())
                    .collect::<Vec<u8>>()
            }),
        ),
    }
}

fn chain(start: u64, blocks: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<u64> {
    blocks
        .scan(start, |before, block| {
            *before = xxh3_64_with_seed(block.as_ref(), *before);
            Some(*before)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn common(a: &Input, b: &Input) -> usize {
        let (a, b) = (block_hashes(a, 16, None), block_hashes(b, 16, None));
        a.iter().zip(&b).take_while(|(a, b)| a == b).count()
    }

    fn text(shared: usize, last: &str) -> Input {
        Input::Text("x".repeat(shared) + last)
    }

    fn ids(shared: u64, rest: u64) -> Input {
        Input::Tokens((0..shared).chain([rest; 40]).collect())
    }

    #[rstest]
    #[case::text(
        text(200, "a question about cats and a long one, so that it fills a block"),
        text(
            200,
            "another one, about dogs, which is also not short, as questions go"
        ),
        3
    )]
    #[case::text_within_the_first_block(
        text(63, "one of 64 bytes"),
        text(63, "and of 64 bytes"),
        0
    )]
    #[case::ids(ids(33, 100), ids(33, 101), 2)]
    #[case::equal_blocks_in_other_places(ids(16, 7), ids(32, 7), 1)]
    fn equal_beginnings_have_equal_blocks(
        #[case] a: Input,
        #[case] b: Input,
        #[case] blocks: usize,
    ) {
        assert_eq!(common(&a, &b), blocks);
    }

    #[test]
    fn an_adapter_has_blocks_of_its_own() {
        let input = ids(16, 7);
        let [base, first, second] =
            [None, Some(0), Some(1)].map(|lora| block_hashes(&input, 16, lora)[0]);
        assert!(base != first && first != second);
    }
}
