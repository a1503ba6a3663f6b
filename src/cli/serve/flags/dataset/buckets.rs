//! Sizes of pictures and videos as vLLM's flags have them: a Python literal, or JSON.

use crate::grammar::dataset::{Bucket, Buckets};

/// Reads `{(256, 256, 1): 0.5, (720, 1280, 16): 0.1}`, the same with keys in quotes, or goodput's
/// own `256x256 = 0.5, 720x1280x16 = 0.1`.
pub(super) fn read(text: &str) -> Result<Buckets, String> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\''))
        .collect();
    let Some(inside) = plain
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
    else {
        return Buckets::parse(text).map_err(|mistake| mistake.to_string());
    };
    let mut buckets = Vec::new();
    let mut rest = inside;
    while !rest.is_empty() {
        let (bucket, after) = bucket(rest).ok_or_else(|| {
            "must map (height, width, frames) to a share, like {(256, 256, 1): 0.5}".to_owned()
        })?;
        buckets.push(bucket);
        rest = after;
    }
    let buckets = Buckets(buckets);
    match buckets.mistake() {
        Some(mistake) => Err(mistake.to_string()),
        None => Ok(buckets),
    }
}

/// The first entry, and what comes behind it.
fn bucket(text: &str) -> Option<(Bucket, &str)> {
    let (size, rest) = text.strip_prefix('(')?.split_once("):")?;
    let mut size = size.split(',').map(|side| side.parse::<usize>().ok());
    let (height, width, frames) = (size.next()??, size.next()??, size.next()??);
    let (weight, rest) = rest.split_once(',').unwrap_or((rest, ""));
    let bucket = Bucket {
        height,
        width,
        frames,
        weight: weight.parse().ok()?,
    };
    size.next().is_none().then_some((bucket, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("{(256, 256, 1): 0.5, (720, 1280, 16): 0.1}")]
    #[case(r#"{"(256, 256, 1)": 0.5, "(720, 1280, 16)": 0.1}"#)]
    #[case("{(256,256,1):0.5,(720,1280,16):1e-1,}")]
    #[case("256x256 = 0.5, 720x1280x16 = 0.1")]
    fn vllms_spellings_are_read(#[case] text: &str) {
        let text = read(text).unwrap().to_string();
        assert_eq!(text, "256x256 = 0.5, 720x1280x16 = 0.1");
    }

    #[rstest]
    #[case("{(256, 256): 0.5}", "must map (height, width, frames)")]
    #[case("{(256, 256, 1, 1): 0.5}", "must map (height, width, frames)")]
    #[case("{(256, 256, 1): -1}", "a weight must be 0 or more")]
    #[case("{}", "no bucket has a weight above 0")]
    #[case("256", "expected height x width")]
    fn others_are_refused(#[case] text: &str, #[case] said: &str) {
        let error = read(text).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
