//! Pixels as files that servers read: JPEG, and rows of JPEGs in MP4.

#[cfg(feature = "media")]
mod mp4;

use crate::plan::{File, PlanError};
use goodput_grammar::dataset::Bucket;

/// PIL's default, which is vLLM's.
#[cfg(feature = "media")]
const QUALITY: u8 = 75;

/// A picture, or a video of 30 frames a second. Pixels are rows of RGB, frame by frame.
#[cfg(feature = "media")]
pub(super) fn file(bucket: &Bucket, pixels: &[u8]) -> Result<File, PlanError> {
    use crate::plan::Base64;
    let frame = (bucket.height * bucket.width * 3).max(1);
    let frames = pixels
        .chunks(frame)
        .map(|pixels| jpeg(bucket, pixels))
        .collect::<Result<Vec<_>, _>>()?;
    let (name, mime, content) = match (&frames[..], bucket.is_video()) {
        ([picture], false) => ("noise.jpg", "image/jpeg", Base64::encode(picture)),
        _ => {
            let size = side(bucket.width).zip(side(bucket.height));
            let video = mp4::video(size.unwrap_or_default(), &frames);
            ("noise.mp4", "video/mp4", Base64::encode(&video))
        }
    };
    Ok(File {
        name: name.into(),
        mime: mime.into(),
        content,
    })
}

#[cfg(feature = "media")]
fn jpeg(bucket: &Bucket, pixels: &[u8]) -> Result<Vec<u8>, PlanError> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    let too_large = || {
        PlanError::new(format!(
            "random-mm has a picture of {} x {} pixels; a side of a JPEG has 65535 at most",
            bucket.height, bucket.width
        ))
    };
    let (width, height) = side(bucket.width)
        .zip(side(bucket.height))
        .ok_or_else(too_large)?;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    // PIL's default as well: colours at half the resolution.
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder
        .encode(pixels, width, height, ColorType::Rgb)
        .map_err(|error| PlanError::new(format!("a picture cannot be encoded: {error}")))?;
    Ok(bytes)
}

#[cfg(feature = "media")]
fn side(pixels: usize) -> Option<u16> {
    u16::try_from(pixels).ok()
}

#[cfg(not(feature = "media"))]
pub(super) fn file(_: &Bucket, _: &[u8]) -> Result<File, PlanError> {
    Err(PlanError::new(concat!(
        "random-mm makes pictures, which ",
        crate::feature::needed!("media")
    )))
}

#[cfg(test)]
#[cfg(feature = "media")]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_no_jpeg_has_is_refused() {
        let bucket = Bucket {
            height: 1,
            width: 70_000,
            frames: 1,
            weight: 1.0,
        };
        let error = file(&bucket, &[0; 210_000]).unwrap_err().to_string();
        assert!(error.contains("1 x 70000 pixels"), "{error}");
    }
}
