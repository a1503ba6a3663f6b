//! `random-mm(input = 1024, items = 1, buckets = "256x256 = 0.5, …")`: random text with pictures
//! and videos of noise.
//!
//! Texts are those of `random`, without any special token that the model has added. The draws of a
//! request come in vLLM's order: what its text needs, the number of items, then for each a bucket
//! and its pixels. A kind that has reached its most is left out and the rest is weighed again.
//! Pixels are vLLM's as well; what is made of them is not, byte for byte: JPEG is written by
//! another encoder (of the same quality), and a video is a row of JPEGs in MP4 where vLLM's is
//! MPEG-4.

use super::{
    Sample, Samples, counted,
    fit::on_all_cores,
    lengths::{Draws, Lengths},
    random::Beginning,
    words::{self, WORDS},
};
use crate::{
    plan::{Media, MediaKind, MediaSource, PlanError, PlanSpec, Prompt, numpy::Generator},
    tokenizer::Memo,
};
use goodput_grammar::dataset::{Bucket, RandomMm};
use std::mem;

/// Pixels are encoded whenever this many bytes of them are there.
const PENDING: usize = 64 << 20;

pub(super) fn sample(set: &RandomMm, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let lengths = Lengths {
        input: set.input,
        output: set.output,
        input_range_ratio: set.input_range_ratio,
        output_range_ratio: set.output_range_ratio,
    };
    let mut mistakes = lengths.mistakes();
    mistakes.extend(set.buckets.mistake().map(|mistake| mistake.to_string()));
    let items = Items::new(set).map_err(|mistake| mistakes.push(mistake));
    PlanError::check(mistakes)?;
    let Ok(items) = items else {
        return Ok(Samples::default());
    };

    let mut generator = Generator::new(spec.seed);
    let codec = spec.tokenizer.codec();
    let around = codec.map_or(0, |codec| codec.special_tokens_to_add());
    let vocabulary = codec.map_or(WORDS.len(), |codec| codec.vocab_size());
    lengths.check(set.prefix, around)?;
    let draws = Draws::new(lengths, spec.requests, around, vocabulary, &mut generator);

    let mut samples = Samples::default();
    let mut pending = Pending::default();
    let mut surplus = 0;
    let mut texts = match codec {
        Some(codec) => {
            let special = codec.special_added_ids();
            let begin = Beginning::new(set.prefix, codec, &special, &mut generator)?;
            Texts::Tokens(begin, Memo::new(codec))
        }
        None => Texts::Words(words::draw(set.prefix, &mut generator)),
    };
    for (index, &output) in draws.outputs.iter().enumerate() {
        spec.go_on()?;
        let (text, length) = match &mut texts {
            Texts::Tokens(begin, memo) => {
                let start = begin.fit(index, &draws);
                let fitted: super::fit::Fitted = start.finish(memo, &mut generator)?.into();
                surplus += fitted.surplus;
                (fitted.text, fitted.tokens)
            }
            Texts::Words(prefix) => {
                let mut text = prefix.clone();
                text.extend(words::draw(draws.inputs[index], &mut generator));
                (text.join(" "), text.len())
            }
        };
        let mut shown = items.draw(&mut generator);
        while let Some(bucket) = shown.next(&mut generator) {
            let pixels = bucket.height * bucket.width * bucket.frames * 3;
            pending.add(index, bucket, generator.bytes(pixels));
        }
        let prompt = Prompt::Media {
            text,
            media: Vec::new(),
        };
        let input = counted(length, spec);
        samples.rows.push(Sample::new(prompt, input, output));
        if pending.bytes >= PENDING {
            pending.encode(&mut samples)?;
        }
    }
    pending.encode(&mut samples)?;
    samples.tell_surplus(surplus);
    match codec {
        Some(_) => samples.tell_tokenizer(spec),
        None => samples.tell_words(),
    }
    Ok(samples)
}

enum Texts<'a> {
    Tokens(Beginning, Memo<'a>),
    /// The prefix.
    Words(Vec<&'static str>),
}

/// How many items a request has, and which.
#[derive(Debug)]
struct Items {
    least: usize,
    most: usize,
    /// The buckets, with weights that add up to 1.
    buckets: Vec<Bucket>,
    max_images: usize,
    max_videos: usize,
}

impl Items {
    fn new(set: &RandomMm) -> Result<Self, String> {
        let ratio = set.items_range_ratio;
        if !(0.0..=1.0).contains(&ratio) {
            return Err(format!(
                "`random-mm(items_range_ratio = {ratio})` must be in [0, 1]"
            ));
        }
        let buckets = normal(set.buckets.0.clone());
        let has = |video: bool| buckets.iter().any(|bucket| bucket.is_video() == video);
        let allowed = if has(false) { set.max_images } else { 0 }.saturating_add(if has(true) {
            set.max_videos
        } else {
            0
        });
        let count = set.items as f64;
        let least = (count * (1.0 - ratio)).floor() as usize;
        let most = allowed.min((count * (1.0 + ratio)).ceil() as usize);
        if least > most {
            return Err(format!(
                "random-mm asks for {least} items a request at least, and allows {most}; raise \
                 `random-mm(max_images)` or `random-mm(max_videos)`, or lower `random-mm(items)`"
            ));
        }
        Ok(Items {
            least,
            most,
            buckets,
            max_images: set.max_images,
            max_videos: set.max_videos,
        })
    }

    /// The items of a request one by one, as pixels are drawn in between.
    fn draw<'a>(&'a self, generator: &mut Generator) -> Draw<'a> {
        Draw {
            items: self,
            left: generator.integer(self.least as u64, (self.most - self.least) as u64) as usize,
            buckets: self.buckets.clone(),
            images: 0,
            videos: 0,
        }
    }
}

/// Buckets without those that never come, with weights that add up to 1.
fn normal(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    buckets.retain(|bucket| bucket.weight > 0.0);
    let sum: f64 = buckets.iter().map(|bucket| bucket.weight).sum();
    for bucket in &mut buckets {
        bucket.weight /= sum;
    }
    buckets
}

/// The items of one request.
struct Draw<'a> {
    items: &'a Items,
    left: usize,
    buckets: Vec<Bucket>,
    images: usize,
    videos: usize,
}

impl Draw<'_> {
    fn next(&mut self, generator: &mut Generator) -> Option<Bucket> {
        while self.left > 0 && !self.buckets.is_empty() {
            let weights: Vec<f64> = self.buckets.iter().map(|bucket| bucket.weight).collect();
            let bucket = self.buckets[generator.choice(&weights)];
            let (count, most) = if bucket.is_video() {
                (&mut self.videos, self.items.max_videos)
            } else {
                (&mut self.images, self.items.max_images)
            };
            if *count < most {
                *count += 1;
                self.left -= 1;
                return Some(bucket);
            }
            let kind = bucket.is_video();
            self.buckets.retain(|bucket| bucket.is_video() != kind);
            self.buckets = normal(mem::take(&mut self.buckets));
        }
        None
    }
}

/// Pixels that wait to be encoded, with the requests that they belong to.
#[derive(Default)]
struct Pending {
    items: Vec<(usize, Bucket, Vec<u8>)>,
    bytes: usize,
}

impl Pending {
    fn add(&mut self, request: usize, bucket: Bucket, pixels: Vec<u8>) {
        self.bytes += pixels.len();
        self.items.push((request, bucket, pixels));
    }

    /// Puts them into their requests, in order.
    fn encode(&mut self, samples: &mut Samples) -> Result<(), PlanError> {
        let Pending { items, .. } = mem::take(self);
        let encode = |(): &mut (), index: usize| {
            let (_, bucket, pixels) = &items[index];
            super::noise::file(bucket, pixels)
        };
        let files = on_all_cores(items.len(), || (), &encode);
        for ((request, bucket, _), file) in items.iter().zip(files) {
            let kind = if bucket.is_video() {
                MediaKind::Video
            } else {
                MediaKind::Image
            };
            let source = MediaSource::Inline(file?);
            if let Prompt::Media { media, .. } = &mut samples.rows[*request].prompt {
                media.push(Media { kind, source });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::dataset::tests::draw, tokenizer::Tokenizer};
    use goodput_grammar::dataset::{Buckets, Dataset};
    use rstest::rstest;

    fn small() -> RandomMm {
        RandomMm {
            input: 6,
            output: 2,
            buckets: Buckets::parse("8x16 = 0.5, 8x8x2 = 0.5").unwrap(),
            ..RandomMm::default()
        }
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn texts_and_items_agree_with_vllm() {
        use crate::plan::dataset::testing;
        for (case, samples) in testing::check("random-mm") {
            let items = case["items"].as_array().unwrap();
            assert_eq!(items.len(), samples.rows.len());
            let set = case["dataset"].as_str().unwrap();
            let Ok(Dataset::RandomMm(set)) = goodput_grammar::dataset::parse(set) else {
                panic!("{set}");
            };
            assert!(
                items
                    .iter()
                    .any(|items| items.as_array().unwrap().len() > 1)
            );
            // Sizes are in the files.
            for (row, items) in samples.rows.iter().zip(items) {
                let Prompt::Media { media, .. } = &row.prompt else {
                    panic!("{row:?}");
                };
                let sizes: Vec<[u64; 3]> = media.iter().map(size).collect();
                let expected: Vec<[u64; 3]> = items
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| [0, 1, 2].map(|index| item[index].as_u64().unwrap()))
                    .collect();
                assert_eq!(sizes, expected, "{set}");
            }
        }
    }

    /// Height, width and frames as the JPEGs in a file say.
    fn size(media: &Media) -> [u64; 3] {
        let MediaSource::Inline(file) = &media.source else {
            panic!("{media:?}");
        };
        let bytes = file.content.decode();
        let starts: Vec<usize> = bytes
            .windows(3)
            .enumerate()
            .filter(|(_, bytes)| *bytes == [0xFF, 0xD8, 0xFF])
            .map(|(at, _)| at)
            .collect();
        // The head of the frame: its marker, length, precision, height and width.
        let head = bytes[starts[0]..]
            .windows(9)
            .find(|bytes| bytes[0] == 0xFF && matches!(bytes[1], 0xC0..=0xC2))
            .unwrap();
        let number = |at: usize| u64::from(u16::from_be_bytes([head[at], head[at + 1]]));
        [number(5), number(7), starts.len() as u64]
    }

    #[test]
    fn a_kind_that_has_reached_its_most_is_left_out() {
        let set = RandomMm {
            items: 6,
            max_videos: 1,
            ..small()
        };
        let samples = draw(&Dataset::RandomMm(set), 4, 0, &Tokenizer::none()).unwrap();
        for row in &samples.rows {
            let Prompt::Media { media, text } = &row.prompt else {
                panic!("{row:?}");
            };
            assert_eq!(text.split(' ').count(), 6);
            assert_eq!(media.len(), 6);
            let videos = media.iter().filter(|media| media.kind == MediaKind::Video);
            assert!(videos.count() <= 1);
        }
    }

    #[rstest]
    #[case(RandomMm { items_range_ratio: 1.5, ..small() }, "`random-mm(items_range_ratio = 1.5)`")]
    #[case(RandomMm { items: 9, max_images: 2, ..small() }, "9 items a request at least, and allows 3")]
    #[case(RandomMm { buckets: Buckets(Vec::new()), ..small() }, "no bucket has a weight above 0")]
    #[case(RandomMm { input_range_ratio: 2.0, ..small() }, "input length is 2")]
    fn what_cannot_be_drawn_is_refused(#[case] set: RandomMm, #[case] part: &str) {
        let error = draw(&Dataset::RandomMm(set), 3, 0, &Tokenizer::none()).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}
