//! How large a load of a dataset may be.

use super::Dataset;
use crate::{
    Mistake,
    bounds::{ALL_PIXELS, TOKENS, WHOLE},
};

/// Checks that memory can hold this number of requests of a dataset.
///
/// # Errors
/// A number is too large, their prompts are too long together, or their pictures too large.
pub fn fits(dataset: &Dataset, requests: u64) -> Result<(), Mistake> {
    if let Some((name, number)) = dataset.wholes().iter().find(|(_, number)| *number > WHOLE) {
        return Err(Mistake::new(format!(
            "`{name} = {number}` is too large; the most is {WHOLE}"
        )));
    }
    if let Dataset::Mix(mix) = dataset {
        let mut each = mix.classes.iter().zip(mix.requests(requests));
        each.try_for_each(|(class, requests)| {
            let of_class =
                |mistake: Mistake| Mistake::new(format!("class `{}` {}", class.name, mistake.0));
            fits(&class.dataset, requests).map_err(of_class)
        })?;
    }
    if let Dataset::RandomMm(set) = dataset
        && let Some(mistake) = set.buckets.mistake()
    {
        return Err(mistake);
    }
    let requests = dataset
        .requests()
        .map_or(requests, |most| most.min(requests));
    let tokens = dataset.most_input().unwrap_or_default() * requests as f64;
    if tokens > TOKENS {
        return Err(Mistake::new(format!(
            "asks for {tokens:.3e} tokens in {requests} prompts; a run may have {TOKENS:.0e}. Ask for fewer \
             requests or shorter prompts"
        )));
    }
    let pixels = dataset.most_pixels() * requests as f64;
    if pixels > ALL_PIXELS {
        return Err(Mistake::new(format!(
            "asks for {pixels:.3e} pixels in {requests} requests; a run may have {ALL_PIXELS:.1e}. Ask for fewer \
             requests, fewer items or smaller buckets"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::dataset;
    use rstest::rstest;

    #[rstest]
    #[case("random(input = 10000000)", 101, false)]
    #[case("random(input = 1024)", 900_000, true)]
    #[case("random-rerank(input = 1000, batch = 10000000)", 1, false)]
    #[case("prefix_repetition(prefix = 10000000)", 200, false)]
    #[case(
        "random-mm(input = 1, items = 2, max_images = 2, buckets = '4096x4096 = 1')",
        127,
        true
    )]
    #[case(
        "random-mm(input = 1, items = 2, max_images = 2, buckets = '4096x4096 = 1')",
        129,
        false
    )]
    fn whole_runs(#[case] text: &str, #[case] requests: u64, #[case] fits: bool) {
        let dataset = dataset::parse(text).unwrap();
        assert_eq!(super::fits(&dataset, requests).is_ok(), fits);
    }
}
