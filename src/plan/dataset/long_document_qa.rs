//! `long_document_qa(documents = 8, length = 20000, repeat = 2, output = 10)`: long documents, each asked about several
//! times.
//!
//! The texts and their order are those of vLLM's `benchmark_long_document_qa_throughput.py`: a document is its number and
//! then the word `hi` again and again; a document of the warm-up begins with a sentence of its own. `random` is CPython's
//! shuffle by the plan's seed.

use super::{Sample, Samples, estimate, exactly};
use crate::{
    plan::{PlanError, PlanSpec, Prompt, numpy::PyRandom},
    record::TokenCount,
};
use goodput_grammar::dataset::{LongDocumentQa, Repeat};

pub(super) fn sample(set: &LongDocumentQa, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let documents = set.documents;
    let mut order: Vec<usize> = match set.mode {
        Repeat::Interleave => (0..documents)
            .flat_map(|document| std::iter::repeat_n(document, set.repeat))
            .collect(),
        Repeat::Random | Repeat::Tile => std::iter::repeat_n(0..documents, set.repeat)
            .flatten()
            .collect(),
    };
    if set.mode == Repeat::Random {
        PyRandom::new(spec.seed).shuffle(&mut order);
    }
    let mut samples = Samples::default();
    if order.len() > spec.requests {
        samples.notes.push(format!(
            "{} requests are planned, not the {} of `long_document_qa(documents = {documents}, repeat = {})`. Ask for {}",
            spec.requests,
            order.len(),
            set.repeat,
            order.len()
        ));
        order.truncate(spec.requests);
    }
    let text = vec!["hi"; set.length].join(" ");
    let made = |start: String| {
        spec.go_on()?;
        let prompt = format!("{start}{text}");
        let input = counted(&prompt, spec);
        Ok::<Sample, PlanError>(Sample::new(Prompt::Text(prompt), input, set.output as u64))
    };
    let read: Vec<Sample> = (0..documents)
        .map(|document| made(document.to_string()))
        .collect::<Result<_, _>>()?;
    samples.rows = order
        .into_iter()
        .map(|document| read[document].clone())
        .collect();
    if set.warmup {
        samples.warmup = (0..documents)
            .map(|document| made(format!("This is warm up request {document}")))
            .collect::<Result<_, _>>()?;
    }
    match spec.tokenizer.codec() {
        Some(_) => samples.tell_tokenizer(spec),
        None => samples.tell_words(),
    }
    Ok(samples)
}

fn counted(text: &str, spec: &PlanSpec<'_>) -> TokenCount {
    let count = spec.tokenizer.count(text, true).tokens as usize;
    match spec.tokenizer.codec() {
        Some(_) => exactly(count),
        None => estimate(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::dataset::tests::draw, tokenizer::Tokenizer};
    use goodput_grammar::dataset::Dataset;
    use rstest::rstest;

    fn of(mode: Repeat, requests: usize) -> Samples {
        let set = LongDocumentQa {
            documents: 3,
            length: 4,
            repeat: 2,
            mode,
            ..LongDocumentQa::default()
        };
        draw(
            &Dataset::LongDocumentQa(set),
            requests,
            0,
            &Tokenizer::none(),
        )
        .unwrap()
    }

    fn texts(samples: &[Sample]) -> Vec<&str> {
        let mut texts = Vec::new();
        for sample in samples {
            if let Prompt::Text(text) = &sample.prompt {
                texts.push(text.as_str());
            }
        }
        texts
    }

    /// `random.seed(0)`, then `random.shuffle`, of CPython 3.12.
    #[rstest]
    #[case::random(Repeat::Random, SHUFFLED)]
    #[case::tile(Repeat::Tile, [0, 1, 2, 0, 1, 2])]
    #[case::interleave(Repeat::Interleave, [0, 0, 1, 1, 2, 2])]
    fn documents_come_in_the_order_of_vllms_script(
        #[case] mode: Repeat,
        #[case] order: [usize; 6],
    ) {
        let samples = of(mode, 100);
        let expected: Vec<String> = order.iter().map(|n| format!("{n}hi hi hi hi")).collect();
        assert_eq!(texts(&samples.rows), expected);
        assert_eq!(
            texts(&samples.warmup)[2],
            "This is warm up request 2hi hi hi hi"
        );
    }

    const SHUFFLED: [usize; 6] = [1, 2, 1, 0, 2, 0];

    #[test]
    fn fewer_requests_are_said() {
        let samples = of(Repeat::Tile, 4);
        assert_eq!(samples.rows.len(), 4);
        assert!(
            samples.notes[0].contains("4 requests are planned, not the 6"),
            "{:?}",
            samples.notes
        );
    }
}
