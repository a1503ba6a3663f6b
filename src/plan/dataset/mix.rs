//! `mix(chat(…), batch(…))`: requests of several classes, each with a dataset of its own.
//!
//! Each class has its share of the requests, by its weight and exactly; the requests of a class are those of its dataset
//! alone, with a seed of the class's own, except that the first class has the plan's. The order of the classes is drawn
//! from the plan's seed, so that each class arrives at random among the others. Sessions stay whole.

use super::{Sample, Samples, is_about_lengths, sample as samples_of};
use crate::plan::{Arrivals, PlanError, PlanSpec, numpy::PyRandom, session};
use goodput_grammar::dataset::{Class, Mix};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(super) fn sample(mix: &Mix, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let counts = mix.requests(spec.requests as u64);
    let mut all = Samples::default();
    let mut sentences = Vec::new();
    let mut classes: Vec<std::vec::IntoIter<Session>> = Vec::new();
    for (number, (class, count)) in mix.classes.iter().zip(counts).enumerate() {
        let drawn = match count {
            0 => Ok(Samples::default()),
            count => of_class(class, number, count as usize, spec),
        };
        match drawn {
            Ok(drawn) => {
                for note in drawn.notes {
                    let general = is_about_lengths(&note);
                    if !general {
                        all.notes.push(format!("class `{}`: {note}", class.name));
                    } else if !all.notes.contains(&note) {
                        all.notes.push(note);
                    }
                }
                classes.push(sessions(drawn.rows, class).into_iter());
            }
            Err(why) => sentences.extend(
                why.sentences()
                    .iter()
                    .map(|sentence| format!("class `{}`: {sentence}", class.name)),
            ),
        }
    }
    PlanError::check(sentences)?;
    let mut order: Vec<usize> = Vec::new();
    for (class, sessions) in classes.iter().enumerate() {
        order.extend(std::iter::repeat_n(class, sessions.len()));
    }
    PyRandom::new(spec.seed).shuffle(&mut order);
    for (number, class) in order.into_iter().enumerate() {
        let Some(session) = classes[class].next() else {
            continue;
        };
        session.append(number, &mut all.rows);
    }
    Ok(all)
}

/// The requests of one class, as its dataset makes them.
fn of_class(
    class: &Class,
    number: usize,
    requests: usize,
    spec: &PlanSpec<'_>,
) -> Result<Samples, PlanError> {
    let arrivals = Arrivals {
        // It limits the sessions of all classes together.
        max_concurrency: None,
        ..*spec.arrivals
    };
    samples_of(&PlanSpec {
        dataset: &class.dataset,
        arrivals: &arrivals,
        requests,
        seed: seed_of(spec.seed, number),
        ..*spec
    })
}

/// A seed for each class, within the 32 bits that numpy's seeds have: two classes with the same dataset must not have
/// the same prompts.
fn seed_of(seed: u64, class: usize) -> u64 {
    match class {
        0 => seed,
        class => xxh3_64_with_seed(&(class as u64).to_le_bytes(), seed) >> 32,
    }
}

/// The requests of a session, which stand together.
struct Session {
    /// Where its first request stands among those of its class.
    start: usize,
    rows: Vec<Sample>,
}

fn sessions(rows: Vec<Sample>, class: &Class) -> Vec<Session> {
    let numbers = session::numbers(rows.iter().map(|row| row.turn.as_deref()));
    let mut sessions: Vec<Session> = Vec::new();
    for (index, (mut row, number)) in rows.into_iter().zip(numbers).enumerate() {
        row.class = Some(class.name.as_str().into());
        if sessions.len() == number {
            sessions.push(Session {
                start: index,
                rows: Vec::new(),
            });
        }
        sessions[number].rows.push(row);
    }
    sessions
}

impl Session {
    /// Adds the requests to those of all classes, where the session has this number.
    fn append(self, number: usize, all: &mut Vec<Sample>) {
        let start = all.len();
        let moved = |place: usize| place - self.start + start;
        for mut row in self.rows {
            if let Some(turn) = &mut row.turn {
                turn.id.session = number;
                turn.after
                    .iter_mut()
                    .for_each(|place| *place = moved(*place));
                turn.history = turn.history.map(moved);
            }
            all.push(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Prompt, dataset::tests::draw, testing::scratch},
        tokenizer::Tokenizer,
    };
    use goodput_grammar::dataset::{self, Dataset};

    fn drawn(text: &str, requests: usize) -> Samples {
        draw(
            &dataset::parse(text).unwrap(),
            requests,
            3,
            &Tokenizer::none(),
        )
        .unwrap()
    }

    fn of<'a>(samples: &'a Samples, class: &str) -> Vec<&'a Sample> {
        let rows = samples.rows.iter();
        rows.filter(|row| row.class.as_deref() == Some(class))
            .collect()
    }

    #[test]
    fn each_class_has_its_share_at_random_places() {
        let samples = drawn(
            "mix(chat(random(output = 3), weight = 3), batch(random(output = 9)))",
            40,
        );
        let (chat, batch) = (of(&samples, "chat"), of(&samples, "batch"));
        assert_eq!((chat.len(), batch.len()), (30, 10));
        assert!(chat.iter().all(|row| row.output_tokens == 3));
        assert!(batch.iter().all(|row| row.output_tokens == 9));
        let first = |class| {
            let place = |row: &Sample| row.class.as_deref() == Some(class);
            samples.rows.iter().position(place).unwrap()
        };
        assert!(first("batch") < 20 && first("chat") < 20);
        assert_ne!(chat[0].prompt, batch[0].prompt);
    }

    #[test]
    fn a_class_alone_is_its_dataset() {
        let (alone, mixed) = (drawn("random", 5), drawn("mix(a(random))", 5));
        let prompts = |samples: &Samples| -> Vec<Prompt> {
            samples.rows.iter().map(|row| row.prompt.clone()).collect()
        };
        assert_eq!(prompts(&alone), prompts(&mixed));
        assert_eq!(alone.notes, mixed.notes);
    }

    #[test]
    fn sessions_stay_whole() {
        let folder = scratch();
        let turn = r#"{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}"#;
        let lines: Vec<String> = (0..4)
            .map(|id| format!(r#"{{"id": "{id}", "messages": [{turn}, {turn}, {turn}]}}"#))
            .collect();
        let path = folder.file("chats.jsonl", &lines.join("\n"));
        let samples = drawn(
            &format!(
                "mix(one(random), chats(conversations('{}')))",
                path.display()
            ),
            24,
        );
        assert_eq!(of(&samples, "chats").len(), 12);
        let mut sessions = 0;
        for (place, row) in samples.rows.iter().enumerate() {
            let Some(turn) = row.turn.as_deref() else {
                continue;
            };
            sessions += usize::from(turn.id.number == 0);
            let before: Vec<usize> = (turn.id.number > 0)
                .then(|| place - 1)
                .into_iter()
                .collect();
            assert_eq!(turn.after, before);
            assert_eq!(turn.history, before.first().copied());
            if let Some(before) = before.first() {
                let before = samples.rows[*before].turn.as_deref().unwrap();
                assert_eq!(before.id.session, turn.id.session);
                assert_eq!(before.id.number + 1, turn.id.number);
            }
        }
        assert_eq!(sessions, 4);
    }

    #[test]
    fn what_is_wrong_with_every_class_is_told_at_once() {
        let text = "mix(a(custom(none.jsonl)), b(sonnet(none.txt)))";
        let dataset: Dataset = dataset::parse(text).unwrap();
        let error = draw(&dataset, 5, 3, &Tokenizer::none()).unwrap_err();
        assert_eq!(error.sentences().len(), 2);
        assert!(error.sentences()[1].starts_with("class `b`: "), "{error}");
    }
}
