//! CPython's `random`: MT19937 seeded by array, `shuffle`, `choice` and `choices`; its `hash`.

use rand_mt::Mt;
use siphasher::sip::SipHasher13;
use std::{collections::HashSet, hash::Hasher, ops::Div};

/// Lower half of `hash(text)` in CPython with `PYTHONHASHSEED=0`: SipHash-1-3 without a key. Without that
/// variable every process has a different key.
pub(crate) fn py_hash(text: &str) -> u32 {
    if text.is_empty() {
        return 0;
    }
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    match hasher.finish() as i64 {
        // CPython uses -1 for errors, so no hash has this value.
        -1 => -2_i64 as u32,
        hash => hash as u32,
    }
}

/// `random.Random(seed)` for a non-negative integer seed.
#[derive(Debug, Clone)]
pub(crate) struct PyRandom(Mt);

impl PyRandom {
    /// `random.seed(seed)`: the seed's 32-bit words are the key, at least one.
    pub(crate) fn new(seed: u64) -> Self {
        let words = [seed as u32, (seed >> 32) as u32];
        let used = if words[1] == 0 { 1 } else { 2 };
        PyRandom(Mt::new_with_key(words[..used].iter().copied()))
    }

    /// `random.shuffle(items)`.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Index that `random.choice` would pick from a sequence of this length, which must not be 0.
    pub(crate) fn below(&mut self, length: usize) -> usize {
        let bits = usize::BITS - length.leading_zeros();
        loop {
            let drawn = self.bits(bits);
            if drawn < length as u64 {
                return drawn as usize;
            }
        }
    }

    /// Indices that `random.sample(range(of), count)` would give, in its order; at most `of`.
    pub(crate) fn sample(&mut self, of: usize, count: usize) -> Vec<usize> {
        let count = count.min(of);
        // CPython's choice between a list and a set, by the memory that they take.
        let set_size = 21
            + match count {
                0..=5 => 0,
                _ => 4_usize.pow((3.0 * count as f64).ln().div(4_f64.ln()).ceil() as u32),
            };
        if of <= set_size {
            let mut pool: Vec<usize> = (0..of).collect();
            return (0..count)
                .map(|_| pool.swap_remove(self.below(pool.len())))
                .collect();
        }
        let mut chosen = HashSet::new();
        let mut indices = Vec::with_capacity(count);
        while indices.len() < count {
            let drawn = self.below(of);
            if chosen.insert(drawn) {
                indices.push(drawn);
            }
        }
        indices
    }

    /// `random.random()`: uniform in [0, 1) with 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        let high = f64::from(self.0.next_u32() >> 5);
        let low = f64::from(self.0.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// Indices that `random.choices` would pick from a sequence of this length, which must not be 0.
    pub(crate) fn choices(&mut self, length: usize, count: usize) -> Vec<usize> {
        (0..count)
            .map(|_| (self.uniform() * length as f64) as usize)
            .collect()
    }

    /// `random.getrandbits(bits)` for 1 to 64 bits; the first draw gives the lower word.
    fn bits(&mut self, bits: u32) -> u64 {
        if bits <= 32 {
            return u64::from(self.0.next_u32() >> (32 - bits));
        }
        let low = u64::from(self.0.next_u32());
        low | u64::from(self.0.next_u32() >> (64 - bits)) << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::golden;

    #[test]
    fn shuffles_and_choices_agree_with_cpython() {
        for case in golden("numpy.json")["cpython"].as_array().unwrap() {
            let seed = case["seed"].as_u64().unwrap();
            let shuffled: Vec<usize> = serde_json::from_value(case["shuffle"].clone()).unwrap();
            let mut items: Vec<usize> = (0..shuffled.len()).collect();
            PyRandom::new(seed).shuffle(&mut items);
            assert_eq!(items, shuffled, "shuffle, seed {seed}");

            let of = case["choice_of"].as_u64().unwrap() as usize;
            let choices: Vec<usize> = serde_json::from_value(case["choice"].clone()).unwrap();
            let mut random = PyRandom::new(seed);
            let drawn: Vec<usize> = choices.iter().map(|_| random.below(of)).collect();
            assert_eq!(drawn, choices, "choice, seed {seed}");

            let mut random = PyRandom::new(seed);
            for wide in case["getrandbits"].as_array().unwrap() {
                let [bits, expected]: [u64; 2] = serde_json::from_value(wide.clone()).unwrap();
                assert_eq!(
                    random.bits(bits as u32),
                    expected,
                    "seed {seed}, {bits} bits"
                );
            }
        }
    }

    #[test]
    fn repeated_choices_agree_with_cpython() {
        for case in golden("draws.json")["cpython"].as_array().unwrap() {
            let mut random = PyRandom::new(case["seed"].as_u64().unwrap());
            for expected in case["random"].as_array().unwrap() {
                assert_eq!(random.uniform(), expected.as_f64().unwrap());
            }
            let choices: Vec<usize> = serde_json::from_value(case["choices"].clone()).unwrap();
            assert_eq!(random.choices(4095, choices.len()), choices);
        }
    }

    /// `random.seed(seed)`, then `random.sample(range(of), count)`, of CPython 3.12.
    #[test]
    fn samples_agree_with_cpython() {
        let cases: [(u64, usize, &[usize]); 7] = [
            (0, 10, &[6, 9, 0, 2, 4]),
            (7, 10, &[5, 2, 6, 9, 0, 7, 4, 1, 3, 8]),
            (3, 30, &[7, 18, 17, 4]),
            (0, 100, &[49, 97, 53, 5, 33, 65]),
            (1, 1000, &[137, 582, 867, 821, 782, 64, 261]),
            (42, 85, &[81, 14, 3, 35, 31, 28]),
            (0, 3, &[]),
        ];
        for (seed, of, expected) in cases {
            let drawn = PyRandom::new(seed).sample(of, expected.len());
            assert_eq!(drawn, expected, "seed {seed}, of {of}");
        }
        let most = PyRandom::new(0).sample(2, 5).len();
        assert_eq!(most, 2);
    }

    #[test]
    fn hashes_agree_with_cpython() {
        for case in golden("draws.json")["hashes"].as_array().unwrap() {
            let expected = case[1].as_u64().unwrap();
            assert_eq!(
                u64::from(py_hash(case[0].as_str().unwrap())),
                expected,
                "{case}"
            );
        }
    }

    #[test]
    fn the_published_vectors_hold() {
        let mut items: Vec<usize> = (0..8).collect();
        PyRandom::new(0).shuffle(&mut items);
        assert_eq!(items, [4, 1, 5, 2, 0, 3, 7, 6]);
        let mut random = PyRandom::new(0);
        assert_eq!([0; 6].map(|_| random.below(5)), [3, 3, 0, 2, 4, 3]);
    }
}
