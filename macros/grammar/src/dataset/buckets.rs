//! Sizes of pictures and videos, and how likely each is: `256x256 = 0.5, 720x1280x16 = 0.1`.

use super::settings::Write;
use crate::{
    Mistake, bounds,
    call::{self, Arg},
};
use std::fmt;

/// A size and how likely it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// 1 for a picture, more for a video.
    pub frames: usize,
    /// The bucket's share among all; shares need not add up to 1.
    pub weight: f64,
}

impl Bucket {
    /// Pixels of all frames.
    pub fn pixels(&self) -> f64 {
        self.height as f64 * self.width as f64 * self.frames as f64
    }

    /// Whether this is a video rather than a picture.
    pub fn is_video(&self) -> bool {
        self.frames > 1
    }
}

/// Sizes to draw from.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets(pub Vec<Bucket>);

impl Default for Buckets {
    /// vLLM's buckets: pictures of 256 × 256 and of 720 × 1280, as many of these as of those.
    fn default() -> Self {
        let bucket = |height, width, frames, weight| Bucket {
            height,
            width,
            frames,
            weight,
        };
        Buckets(vec![
            bucket(256, 256, 1, 0.5),
            bucket(720, 1280, 1, 0.5),
            bucket(720, 1280, 16, 0.0),
        ])
    }
}

impl Buckets {
    pub(super) fn argument(arg: &Arg<'_>) -> Result<Self, Mistake> {
        Buckets::parse(&call::unquote(arg.text()?))
    }

    /// Reads `height x width [x frames] = weight`, comma-separated.
    ///
    /// # Errors
    /// A piece that is not of that form, a size of 0, a size that comes twice, or no weight above
    /// 0.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let buckets = call::args(text)?
            .iter()
            .map(bucket)
            .collect::<Result<Vec<_>, _>>()?;
        let buckets = Buckets(buckets);
        match buckets.mistake() {
            Some(mistake) => Err(mistake),
            None => Ok(buckets),
        }
    }

    /// What is wrong with them, if anything.
    pub fn mistake(&self) -> Option<Mistake> {
        for (index, bucket) in self.0.iter().enumerate() {
            let size = |bucket: &Bucket| (bucket.height, bucket.width, bucket.frames);
            let shown = Shown(bucket);
            if bucket.height == 0 || bucket.width == 0 || bucket.frames == 0 {
                return Some(Mistake::new(format!(
                    "bucket `{shown}`: height, width and frames must be 1 at least"
                )));
            }
            if bucket.height.max(bucket.width) > bounds::SIDE
                || bucket.frames > bounds::FRAMES
                || bucket.pixels() > bounds::PIXELS as f64
            {
                return Some(Mistake::new(format!(
                    "bucket `{shown}` is too large: a side has {} pixels at most, a video {} frames, \
                     and either {} pixels in all",
                    bounds::SIDE,
                    bounds::FRAMES,
                    bounds::PIXELS
                )));
            }
            if !(bucket.weight >= 0.0 && bucket.weight.is_finite()) {
                return Some(Mistake::new(format!(
                    "bucket `{shown}`: a weight must be 0 or more"
                )));
            }
            if self.0[..index]
                .iter()
                .any(|before| size(before) == size(bucket))
            {
                return Some(Mistake::new(format!(
                    "bucket `{shown}`: its size is given twice; keep one"
                )));
            }
        }
        let some = self.0.iter().any(|bucket| bucket.weight > 0.0);
        (!some).then(|| {
            Mistake::new(
                "no bucket has a weight above 0, so there is nothing to draw; write it like \
                 `256x256 = 1`",
            )
        })
    }
}

fn bucket(arg: &Arg<'_>) -> Result<Bucket, Mistake> {
    let wrong = || {
        Mistake::new(format!(
            "bucket `{}`: expected height x width, then x frames for a video, and a weight, as in \
             `256x256 = 0.5` or `720x1280x16 = 0.1`",
            arg.word
        ))
    };
    let sides = arg
        .word
        .split('x')
        .map(|side| side.trim().parse::<usize>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| wrong())?;
    let weight = arg.value.and_then(call::number).ok_or_else(wrong)?;
    let (height, width, frames) = match sides[..] {
        [height, width] => (height, width, 1),
        [height, width, frames] => (height, width, frames),
        _ => return Err(wrong()),
    };
    Ok(Bucket {
        height,
        width,
        frames,
        weight,
    })
}

struct Shown<'a>(&'a Bucket);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bucket {
            height,
            width,
            frames,
            weight,
        } = self.0;
        write!(f, "{height}x{width}")?;
        if *frames != 1 {
            write!(f, "x{frames}")?;
        }
        write!(f, " = {weight}")
    }
}

/// Written so that [`Buckets::parse`] reads the same back.
impl fmt::Display for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, bucket) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", Shown(bucket))?;
        }
        Ok(())
    }
}

impl Write for Buckets {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_string().write(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_default_is_written_and_read_back() {
        let text = "256x256 = 0.5, 720x1280 = 0.5, 720x1280x16 = 0";
        assert_eq!(Buckets::default().to_string(), text);
        assert_eq!(Buckets::parse(text), Ok(Buckets::default()));
    }

    #[rstest]
    #[case("256 = 1", "bucket `256`: expected height x width")]
    #[case("256x256", "bucket `256x256`: expected height x width")]
    #[case("256x256 = -1", "bucket `256x256`: expected height x width")]
    #[case("0x256 = 1", "bucket `0x256 = 1`: height, width and frames must be 1")]
    #[case("8x8 = 1, 8x8x1 = 2", "bucket `8x8 = 2`: its size is given twice")]
    #[case("8x8 = 0", "no bucket has a weight above 0")]
    #[case("", "no bucket has a weight above 0")]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        let mistake = Buckets::parse(text).unwrap_err().to_string();
        assert!(mistake.starts_with(said), "{mistake}");
    }
}
