//! CPython's `random`: MT19937 seeded by array, `shuffle` and `choice`.

use rand_mt::Mt;

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

    /// The index that `random.choice` would take of a sequence of this length, which must not
    /// be 0.
    pub(crate) fn below(&mut self, length: usize) -> usize {
        let bits = usize::BITS - length.leading_zeros();
        loop {
            let drawn = self.bits(bits);
            if drawn < length as u64 {
                return drawn as usize;
            }
        }
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
    fn the_published_vectors_hold() {
        let mut items: Vec<usize> = (0..8).collect();
        PyRandom::new(0).shuffle(&mut items);
        assert_eq!(items, [4, 1, 5, 2, 0, 3, 7, 6]);
        let mut random = PyRandom::new(0);
        assert_eq!([0; 6].map(|_| random.below(5)), [3, 3, 0, 2, 4, 3]);
    }
}
