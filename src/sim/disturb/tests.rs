use super::*;
use crate::sim::dialect::{Dialect, UsageEvents};
use goodput_grammar::fault;
use proptest::prelude::*;
use rstest::rstest;

fn disturbed(tokens: u64, faults: &str) -> Disturbed {
    let asked = Dialect::Completions.read(br#"{"prompt":"x"}"#).unwrap();
    let answer = Answer::new(asked.form, "1", 0, "m", tokens, 3);
    let faults = fault::parse(faults).unwrap();
    let kinds = faults.into_iter().map(|fault| fault.kind).collect();
    Disturbed::new(answer.usage(UsageEvents::Last), kinds)
}

/// The texts that tokens are sent with, each with the millisecond of its write.
fn texts(disturbed: &mut Disturbed, bursts: &[(u64, u64)]) -> Vec<(u64, String)> {
    let mut texts = Vec::new();
    for &(tokens, at) in bursts {
        for (at, events) in disturbed.take(tokens, Nanos(at * 1_000_000)) {
            let joined = String::from_utf8_lossy(&events.concat()).into_owned();
            let text = joined.split("\"text\":\"").nth(1);
            let text = text.map_or("", |text| text.split('"').next().unwrap());
            texts.push((at.0 / 1_000_000, text.to_owned()));
        }
    }
    texts
}

/// Seven tokens in bursts of 1, 3, 2 and 1.
#[rstest]
#[case::as_they_come("crlf", &[(10, " the"), (20, " of and to"), (30, " in for"), (40, " is")])]
#[case::in_pairs("tokens_per_chunk(2)", &[(20, " the of"), (20, " and to"), (30, " in for"), (40, " is")])]
#[case::in_fives("tokens_per_chunk(5)", &[(30, " the of and to in"), (40, " for is")])]
#[case::reset("reset(after = 2)", &[(10, " the"), (20, "")])]
#[case::first_of_two_ends("reset(after = 4), end_early(after = 1)", &[(10, " the"), (20, "")])]
fn bursts_keep_together(#[case] faults: &str, #[case] expected: &[(u64, &str)]) {
    let mut disturbed = disturbed(7, faults);
    let found = texts(&mut disturbed, &[(1, 10), (3, 20), (2, 30), (1, 40)]);
    let found: Vec<_> = found.iter().map(|(at, text)| (*at, &**text)).collect();
    assert_eq!(found, expected);
    assert!(disturbed.is_over());
}

#[rstest]
#[case("reset", Some(Ending::Reset))]
#[case("cut", Some(Ending::Close))]
#[case("stall", Some(Ending::Silence))]
#[case("stall(1s)", None)]
#[case("error_event", None)]
#[case("reset(after = 3), error_event(after = 2)", None)]
#[case("error_event(after = 3), reset(after = 2)", Some(Ending::Reset))]
#[case("cut(after = 2), reset(after = 2)", Some(Ending::Close))]
fn the_first_end_counts(#[case] faults: &str, #[case] ending: Option<Ending>) {
    assert_eq!(disturbed(8, faults).ending(), ending);
}

proptest! {
    #[test]
    fn form_changes_nothing_that_is_said(
        bursts in prop::collection::vec(1..5_u64, 1..20),
        group in 1..9_u64,
        bytes in 1..200_u64,
    ) {
        let tokens = bursts.iter().sum();
        let said = |faults: &str| {
            let mut disturbed = disturbed(tokens, faults);
            let mut last = Nanos(0);
            let mut said = String::new();
            for (&burst, at) in bursts.iter().zip(1..) {
                for (at, chunks) in disturbed.take(burst, Nanos(at * 1_000_000)) {
                    assert!(at >= last, "a write before the one before it");
                    last = at;
                    said += &String::from_utf8(chunks.concat()).unwrap();
                }
            }
            assert!(disturbed.is_over());
            said
        };
        let plain = said("slow_headers(1s)");
        prop_assert_eq!(&said(&format!("drip(300us, bytes = {bytes})")), &plain);
        prop_assert_eq!(&said("crlf").replace("\r\n", "\n"), &plain);
        let text = |said: &str| -> String {
            let texts = said.split("\"text\":\"").skip(1);
            texts.map(|rest| rest.split('"').next().unwrap()).collect()
        };
        prop_assert_eq!(text(&said(&format!("tokens_per_chunk({group})"))), text(&plain));
    }
}
