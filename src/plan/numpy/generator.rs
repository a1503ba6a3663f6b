//! `numpy.random.default_rng(seed)`: `SeedSequence`, PCG64, bounded integers, shuffles, choices.

use rand::Rng;
use rand_pcg::Lcg128Xsl64;

/// numpy's `Generator` over PCG64, with the methods that datasets need.
#[derive(Debug, Clone)]
pub(crate) struct Generator {
    bits: Lcg128Xsl64,
    /// The upper half of a 64-bit output whose lower half was used for a 32-bit draw.
    spare: Option<u32>,
}

impl Generator {
    /// `np.random.default_rng(seed)`.
    pub(crate) fn new(seed: u64) -> Self {
        let [a, b, c, d] = seed_sequence(seed);
        let wide = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        Generator {
            bits: Lcg128Xsl64::new(wide(a, b), wide(c, d)),
            spare: None,
        }
    }

    /// `integers(low, low + span, endpoint=True)` with numpy's default `int64` type.
    ///
    /// Lemire's method on 32-bit draws when the span fits, on 64-bit draws otherwise. A span of
    /// 0 consumes nothing of the stream.
    pub(crate) fn integer(&mut self, low: u64, span: u64) -> u64 {
        let drawn = match u32::try_from(span) {
            Ok(0) => 0,
            Ok(u32::MAX) => u64::from(self.next_u32()),
            Ok(span) => u64::from(self.lemire_u32(span)),
            Err(_) if span == u64::MAX => self.bits.next_u64(),
            Err(_) => self.lemire_u64(span),
        };
        low.wrapping_add(drawn)
    }

    /// `integers(0, below)`, one draw; `below` must not be 0.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.integer(0, (below as u64).saturating_sub(1)) as usize
    }

    /// `shuffle(items)`; numpy draws a permutation of numbers in the same way. Unlike `integers`, it masks
    /// bits and rejects draws that are too large.
    #[cfg(feature = "hf")]
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let mask = usize::MAX >> last.leading_zeros();
            let other = loop {
                let drawn = self.next_u32() as usize & mask;
                if drawn <= last {
                    break drawn;
                }
            };
            items.swap(last, other);
        }
    }

    /// `random()`: uniform in [0, 1) with 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.bits.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// `choice(…, p = shares)`: an index. Shares add up to 1.
    pub(crate) fn choice(&mut self, shares: &[f64]) -> usize {
        let mut sum = 0.0;
        let sums: Vec<f64> = shares
            .iter()
            .map(|share| {
                sum += share;
                sum
            })
            .collect();
        let drawn = self.uniform();
        let index = sums.partition_point(|upper| upper / sum <= drawn);
        index.min(shares.len().saturating_sub(1))
    }

    /// `integers(0, 256, count, dtype = uint8)`: four per 32-bit draw, the lowest first.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count.next_multiple_of(4));
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next_u32().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    fn next_u32(&mut self) -> u32 {
        self.spare.take().unwrap_or_else(|| {
            let both = self.bits.next_u64();
            self.spare = Some((both >> 32) as u32);
            both as u32
        })
    }

    fn lemire_u32(&mut self, span: u32) -> u32 {
        let size = span + 1;
        let threshold = (u32::MAX - span) % size;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(size);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    fn lemire_u64(&mut self, span: u64) -> u64 {
        let size = span + 1;
        let threshold = (u64::MAX - span) % size;
        loop {
            let product = u128::from(self.bits.next_u64()) * u128::from(size);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }
}

/// `np.random.SeedSequence(seed).generate_state(4, np.uint64)`.
fn seed_sequence(seed: u64) -> [u64; 4] {
    const INIT_A: u32 = 0x43b0_d7e5;
    const MULTIPLY_A: u32 = 0x931e_8875;
    const INIT_B: u32 = 0x8b51_f9dd;
    const MULTIPLY_B: u32 = 0x58f3_8ded;
    const MIX_LEFT: u32 = 0xca01_f9dd;
    const MIX_RIGHT: u32 = 0x4973_f715;

    let mut constant = INIT_A;
    let mut scramble = |value: u32| {
        let mut value = value ^ constant;
        constant = constant.wrapping_mul(MULTIPLY_A);
        value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    // A seed below 2^32 is one word of entropy; numpy fills the pool with scrambled zeros, which
    // is what a zero upper word gives as well.
    let entropy = [seed as u32, (seed >> 32) as u32, 0, 0];
    let mut pool = entropy.map(&mut scramble);
    for from in 0..pool.len() {
        for to in 0..pool.len() {
            if from != to {
                let mixed = MIX_LEFT
                    .wrapping_mul(pool[to])
                    .wrapping_sub(MIX_RIGHT.wrapping_mul(scramble(pool[from])));
                pool[to] = mixed ^ mixed >> 16;
            }
        }
    }

    let mut constant = INIT_B;
    let mut word = |index: usize| {
        let mut value = pool[index % pool.len()] ^ constant;
        constant = constant.wrapping_mul(MULTIPLY_B);
        value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    std::array::from_fn(|index| {
        let low = u64::from(word(2 * index));
        low | u64::from(word(2 * index + 1)) << 32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::golden;
    use proptest::prelude::*;

    #[test]
    fn integers_agree_with_numpy() {
        for case in golden("numpy.json")["integers"].as_array().unwrap() {
            let number = |key: &str| case[key].as_u64().unwrap();
            let mut generator = Generator::new(number("seed"));
            let expected: Vec<u64> = serde_json::from_value(case["drawn"].clone()).unwrap();
            let (low, high) = (number("low"), number("high"));
            let drawn: Vec<u64> = expected
                .iter()
                .map(|_| generator.integer(low, high - low))
                .collect();
            assert_eq!(drawn, expected, "seed {} in {low}..={high}", number("seed"));
        }
    }

    #[test]
    fn mixed_ranges_share_the_buffered_half_word() {
        let case = &golden("numpy.json")["mixed"];
        let mut generator = Generator::new(case["seed"].as_u64().unwrap());
        for draw in case["draws"].as_array().unwrap() {
            let [low, high, expected]: [u64; 3] = serde_json::from_value(draw.clone()).unwrap();
            assert_eq!(generator.integer(low, high - low), expected);
        }
    }

    #[cfg(feature = "hf")]
    #[test]
    fn shuffles_choices_and_pixels_agree_with_numpy() {
        for case in golden("draws.json")["generator"].as_array().unwrap() {
            let mut generator = Generator::new(case["seed"].as_u64().unwrap());
            let numbers =
                |key: &str| -> Vec<usize> { serde_json::from_value(case[key].clone()).unwrap() };
            let mut shuffled: Vec<usize> = (0..12).collect();
            generator.shuffle(&mut shuffled);
            assert_eq!(shuffled, numbers("shuffle"));
            for expected in case["random"].as_array().unwrap() {
                assert_eq!(generator.uniform(), expected.as_f64().unwrap());
            }
            let pixels: Vec<usize> = generator.bytes(9).into_iter().map(usize::from).collect();
            assert_eq!(pixels, numbers("pixels"));
            assert_eq!(generator.below(1000) as u64, case["half"].as_u64().unwrap());
            let mut permuted: Vec<usize> = (0..10).collect();
            generator.shuffle(&mut permuted);
            assert_eq!(permuted, numbers("permutation"));
            let choices = numbers("choices");
            let drawn: Vec<usize> = choices
                .iter()
                .map(|_| generator.choice(&[0.2, 0.5, 0.3]))
                .collect();
            assert_eq!(drawn, choices);
        }
    }

    #[test]
    fn a_range_of_one_value_consumes_nothing() {
        let (mut plain, mut mixed) = (Generator::new(3), Generator::new(3));
        for _ in 0..5 {
            assert_eq!(mixed.integer(9, 0), 9);
            assert_eq!(plain.integer(0, 1000), mixed.integer(0, 1000));
        }
    }

    proptest! {
        #[test]
        fn draws_stay_in_their_range(seed: u64, low in 0..u64::MAX / 2, span in 0..u64::MAX / 2) {
            let drawn = Generator::new(seed).integer(low, span);
            prop_assert!((low..=low + span).contains(&drawn));
        }
    }
}
