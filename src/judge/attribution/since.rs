//! The moment in the run since which a phase takes longer.
//!
//! Pettitt's test (1979) on the log ratios of the blocks: of all places to cut the run in two, the one where the
//! blocks before and after differ most in rank, K = max |U|, with p ≈ 2 exp(−6 K² / (n³ + n²)). It assumes nothing
//! about the distribution, and a single bad block cannot trigger it. It cannot find a change in the first or last
//! eighth of a run.

use crate::{
    judge::{
        breakdown::{Breakdown, Part},
        number,
    },
    stats::compare::Rule,
};

/// Blocks below which nothing can be said.
const FEWEST: usize = 8;

pub(super) fn sentence(
    part: Part,
    old: &Breakdown,
    new: &Breakdown,
    rule: &Rule,
) -> Option<String> {
    let before = old.blocks.of_phase(part);
    let after = new.blocks.of_phase(part);
    // Blocks of equal numbers are of the same requests.
    if before.len() != after.len() {
        return None;
    }
    let ratios: Vec<(usize, f64)> = before
        .iter()
        .zip(&after)
        .enumerate()
        .filter_map(|(block, (a, b))| {
            let (a, b) = ((*a)?.max(0.01), (*b)?.max(0.01));
            Some((block, libm::log(b / a)))
        })
        .collect();
    let values: Vec<f64> = ratios.iter().map(|(_, ratio)| *ratio).collect();
    let (place, p) = pettitt(&values)?;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (early, late) = (mean(&values[..place]), mean(&values[place..]));
    let matters = (late - early).abs() >= libm::log1p(rule.noise_threshold);
    if p > rule.error || !matters {
        return None;
    }
    let block = ratios[place].0;
    let added = |blocks: &[(usize, f64)]| {
        let each = blocks
            .iter()
            .map(|(block, _)| match (before[*block], after[*block]) {
                (Some(a), Some(b)) => b - a,
                _ => 0.0,
            });
        let mean = each.sum::<f64>() / blocks.len() as f64;
        let sign = if mean < 0.0 { "-" } else { "+" };
        format!("{sign}{} ms", number(mean.abs()))
    };
    let unit = match part {
        Part::Decode => " a token",
        _ => " a request",
    };
    Some(format!(
        "since about {} s into the run (part {} of {}): {}{unit} from there on, {} before",
        number(*new.blocks.start_s.get(block)?),
        block + 1,
        after.len(),
        added(&ratios[place..]),
        added(&ratios[..place]),
    ))
}

/// Where a series changes, as the number of values before that, and how likely it looks this way by chance.
fn pettitt(values: &[f64]) -> Option<(usize, f64)> {
    if values.len() < FEWEST {
        return None;
    }
    let sign = |a: f64, b: f64| match a.total_cmp(&b) {
        std::cmp::Ordering::Less => 1.0,
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => -1.0,
    };
    let mut statistic = 0.0;
    let (mut largest, mut place) = (0.0_f64, 0);
    for cut in 1..values.len() {
        statistic += values
            .iter()
            .map(|other| sign(values[cut - 1], *other))
            .sum::<f64>();
        if statistic.abs() > largest {
            (largest, place) = (statistic.abs(), cut);
        }
    }
    let n = values.len() as f64;
    let p = 2.0 * libm::exp(-6.0 * largest * largest / (n * n * n + n * n));
    (place > 0).then_some((place, p.min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Nile at Aswan, 1871–1970, the classic example: it changed after 1898, the 28th value.
    #[test]
    fn the_nile() {
        const NILE: [u16; 100] = [
            1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020,
            960, 1180, 799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840,
            874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120,
            1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845,
            944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
            744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919,
            718, 714, 740,
        ];
        let (place, p) = pettitt(&NILE.map(f64::from)).unwrap();
        assert_eq!(place, 28);
        assert!((p / 3.59e-7 - 1.0).abs() < 0.01, "{p}");
    }

    #[test]
    fn nothing_changes_in_a_constant() {
        assert_eq!(pettitt(&[0.0; 32]), None);
        assert_eq!(pettitt(&[0.0, 1.0]), None);
    }
}
