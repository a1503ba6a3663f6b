//! How long a recording plays, from the head of its file.

/// Seconds of a WAV or FLAC file; `None` for other files and broken ones.
pub(super) fn seconds(bytes: &[u8]) -> Option<f64> {
    let seconds = match bytes.get(..4)? {
        b"RIFF" if bytes.get(8..12)? == b"WAVE" => wav(bytes.get(12..)?)?,
        b"fLaC" => flac(bytes.get(8..)?)?,
        _ => return None,
    };
    seconds.is_finite().then_some(seconds)
}

/// Chunks behind the head: `fmt ` has the bytes of a second, `data` has the sound.
fn wav(mut chunks: &[u8]) -> Option<f64> {
    let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
    let mut bytes_a_second = None;
    loop {
        let (name, size) = (chunks.get(..4)?, number(chunks.get(4..8)?)? as usize);
        let body = &chunks[8..];
        match name {
            b"fmt " => bytes_a_second = Some(number(body.get(8..12)?)?),
            // A recorder that streams does not know the size; then all the rest is sound.
            b"data" => return Some(size.min(body.len()) as f64 / f64::from(bytes_a_second?)),
            _ => {}
        }
        chunks = body.get(size + size % 2..)?;
    }
}

/// The first block: 20 bits of sample rate 10 bytes in, and 36 bits of samples that end 18 in.
fn flac(block: &[u8]) -> Option<f64> {
    let packed: [u8; 8] = block.get(10..18)?.try_into().ok()?;
    let packed = u64::from_be_bytes(packed);
    let (rate, samples) = (packed >> 44, packed & 0xF_FFFF_FFFF);
    (rate > 0 && samples > 0).then(|| samples as f64 / rate as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::fixture;
    use proptest::prelude::*;

    #[test]
    fn files_of_libsndfile_are_as_long_as_they_were_made() {
        for (name, expected) in [("low.wav", 0.05), ("high.wav", 0.1), ("high.flac", 0.1)] {
            let bytes = std::fs::read(fixture("datasets/sounds").join(name)).unwrap();
            assert_eq!(seconds(&bytes), Some(expected), "{name}");
        }
    }

    proptest! {
        #[test]
        fn broken_files_have_no_length(mut bytes: Vec<u8>, cut in 0usize..60) {
            let _ = seconds(&bytes);
            let whole = std::fs::read(fixture("datasets/sounds/low.wav")).unwrap();
            prop_assert!(seconds(&whole[..cut.min(40)]).is_none());
            bytes.splice(..0, *b"RIFF0000WAVE");
            let _ = seconds(&bytes);
        }
    }
}
