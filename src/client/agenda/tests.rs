use super::*;
use crate::{
    plan::{PlannedRequest, Prompt, Turn},
    record::{CountSource, TokenCount, TurnId},
    shard::Shard,
};
use proptest::prelude::*;
use rstest::rstest;
use std::collections::BTreeMap;

fn request(session: usize, number: usize, at: u64, after: &[usize], pause: u64) -> PlannedRequest {
    PlannedRequest {
        at: Nanos(at),
        prompt: Prompt::Messages(Vec::new()),
        input: TokenCount {
            tokens: 1,
            source: CountSource::Estimate,
        },
        output_tokens: 1,
        id: String::new(),
        overrides: serde_json::Map::new(),
        structure: None,
        turn: Some(Box::new(Turn {
            id: TurnId {
                session,
                name: session.to_string(),
                number,
            },
            after: after.to_vec(),
            pause: Nanos(pause),
            earliest: Nanos(0),
            history: after.first().copied(),
            answered: !after.is_empty(),
        })),
        class: None,
        client: None,
    }
}

fn plan(requests: Vec<PlannedRequest>) -> Plan {
    Plan {
        requests,
        notes: Vec::new(),
        timed: false,
        salt: None,
        warmup: Vec::new(),
    }
}

/// Three steps that fork and join: 1 and 2 wait for 0, and 3 for both.
fn diamond() -> Plan {
    plan(vec![
        request(0, 0, 5, &[], 0),
        request(0, 1, 5, &[0], 10),
        request(0, 2, 5, &[0], 20),
        request(0, 3, 5, &[1, 2], 1),
    ])
}

fn agenda(plan: &Plan, most: Option<usize>) -> Agenda {
    Agenda::of(plan, Share::alone(Shard::WHOLE), Nanos(100), most)
}

#[test]
fn a_join_waits_for_the_last_and_its_pause() {
    let plan = diamond();
    let mut agenda = agenda(&plan, None);
    assert_eq!(agenda.take(Nanos(105)), Some((Nanos(105), 0)));
    assert_eq!(agenda.next_at(), None);
    let released = agenda.end(0, (Nanos(105), Nanos(200)), true);
    assert_eq!(released.requests, [1, 2]);
    assert_eq!(agenda.take(Nanos(210)), Some((Nanos(210), 1)));
    assert_eq!(agenda.take(Nanos(220)), Some((Nanos(220), 2)));
    assert!(
        agenda
            .end(2, (Nanos(220), Nanos(230)), true)
            .requests
            .is_empty()
    );
    assert_eq!(agenda.end(1, (Nanos(210), Nanos(300)), true).requests, [3]);
    assert_eq!(agenda.take(Nanos(301)), Some((Nanos(301), 3)));
    let over = agenda.end(3, (Nanos(301), Nanos(311)), true);
    // 95 for the first, 90 for both branches, of which one lies within the other, and 10 for the last.
    assert_eq!(over.session_e2el, Some(Nanos(195)));
    assert!(agenda.into_abandoned().is_empty());
}

#[test]
fn a_failure_abandons_what_is_not_under_way() {
    let plan = diamond();
    let mut agenda = agenda(&plan, None);
    agenda.take(Nanos(105));
    agenda.end(0, (Nanos(105), Nanos(200)), true);
    agenda.take(Nanos(105));
    // The other branch is due, but not sent.
    let released = agenda.end(1, (Nanos(210), Nanos(215)), false);
    let over = Released {
        over: vec![0, 1, 2, 3],
        ..Released::default()
    };
    assert_eq!(released, over);
    assert_eq!(agenda.take(Nanos(103)), None);
    assert_eq!(agenda.into_abandoned(), [2, 3]);
}

#[test]
fn sessions_beyond_the_limit_wait_for_the_end_of_others() {
    let plan = plan(vec![
        request(0, 0, 0, &[], 0),
        request(0, 1, 0, &[0], 7),
        request(1, 0, 3, &[], 0),
    ]);
    let mut agenda = agenda(&plan, Some(1));
    assert_eq!(agenda.take(Nanos(100)), Some((Nanos(100), 0)));
    assert_eq!(agenda.take(Nanos(103)), None);
    agenda.end(0, (Nanos(100), Nanos(110)), true);
    assert_eq!(agenda.take(Nanos(117)), Some((Nanos(117), 1)));
    agenda.end(1, (Nanos(117), Nanos(120)), true);
    // Its intended time stays that of its arrival.
    assert_eq!(agenda.take(Nanos(103)), Some((Nanos(103), 2)));
}

/// Two of three requests wait for none; their times count from the moment at which the session began.
#[rstest]
#[case::at_its_time(None, 103)]
#[case::after_another_session(Some(1), 120)]
fn times_of_a_session_count_from_its_begin(#[case] most: Option<usize>, #[case] begin: u64) {
    let mut requests = vec![
        request(0, 0, 0, &[], 0),
        request(1, 0, 3, &[], 0),
        request(1, 1, 3, &[], 0),
        request(1, 2, 3, &[1], 5),
    ];
    for (index, earliest) in [(2, 40), (3, 10)] {
        requests[index].turn.as_deref_mut().unwrap().earliest = Nanos(earliest);
    }
    let plan = plan(requests);
    let mut agenda = agenda(&plan, most);
    assert_eq!(agenda.take(Nanos(100)), Some((Nanos(100), 0)));
    if most.is_some() {
        assert_eq!(agenda.take(Nanos(103)), None);
        assert_eq!(agenda.next_at(), None);
        agenda.end(0, (Nanos(100), Nanos(120)), true);
    }
    assert_eq!(agenda.take(Nanos(begin)), Some((Nanos(103), 1)));
    assert_eq!(agenda.next_at(), Some(Nanos(begin + 40)));
    agenda.end(1, (Nanos(103), Nanos(begin + 2)), true);
    // Its pause ends before its time.
    assert_eq!(agenda.take(Nanos(0)), Some((Nanos(begin + 10), 3)));
    assert_eq!(agenda.take(Nanos(0)), Some((Nanos(begin + 40), 2)));
}

#[rstest]
#[case(&[(1, 3), (2, 5), (7, 8)], 5)]
#[case(&[(1, 9), (2, 5)], 8)]
#[case(&[], 0)]
fn overlaps_count_once(#[case] spans: &[(u64, u64)], #[case] expected: u64) {
    let spans = spans.iter().map(|(from, to)| (Nanos(*from), Nanos(*to)));
    assert_eq!(length(spans.collect()), Nanos(expected));
}

proptest! {
    /// Whatever fails and however long answers take: each request is sent once or abandoned once, none before those
    /// that it follows have succeeded, and no more sessions go on than may.
    #[test]
    fn each_request_is_accounted_for_once(
        links in prop::collection::vec((0_usize..4, any::<u64>(), 0_u64..50, 0_u64..30), 1..40),
        fails in prop::collection::vec(prop::bool::weighted(0.15), 40),
        took in prop::collection::vec(1_u64..100, 40),
        most in prop::option::of(1_usize..4),
        workers in 1_usize..4,
    ) {
        let mut requests: Vec<PlannedRequest> = Vec::new();
        let (mut session, mut from) = (0, 0);
        for (index, (kind, pick, at, pause)) in links.iter().enumerate() {
            if *kind == 0 || index == 0 {
                session += usize::from(index > 0);
                from = index;
            }
            let span = (index - from) as u64;
            let after: Vec<usize> = match span {
                0 => Vec::new(),
                // Waits for none, like the first of its session.
                _ if *kind == 1 && pick % 4 == 0 => Vec::new(),
                span => {
                    let one = from + (pick % span) as usize;
                    let other = from + (pick / 7 % span) as usize;
                    if one == other { vec![one] } else { vec![one, other] }
                }
            };
            let mut request = request(session, index - from, *at, &after, *pause);
            if let Some(turn) = request.turn.as_deref_mut().filter(|turn| turn.id.number > 0) {
                turn.earliest = Nanos(pick % 3 * 40);
            }
            requests.push(request);
        }
        let plan = plan(requests);
        let mut outcomes = vec![0; plan.requests.len()];
        for worker in 0..workers {
            let share = Share { shard: Shard::WHOLE, worker, workers };
            let mut agenda = Agenda::of(&plan, share, Nanos(0), most);
            let mut under_way: BTreeSet<(Nanos, usize, Nanos)> = BTreeSet::new();
            let mut ended: Vec<Option<Nanos>> = vec![None; plan.requests.len()];
            let mut now = Nanos(0);
            let mut begun: BTreeMap<usize, Nanos> = BTreeMap::new();
            loop {
                let (next, end) = (agenda.next_at(), under_way.first().copied());
                match (next, end) {
                    (Some(at), end) if end.is_none_or(|(end, ..)| at <= end) => {
                        now = now.max(at);
                        let Some((intended, index)) = agenda.take(now) else { continue };
                        outcomes[index] += 1;
                        let turn = plan.requests[index].turn.as_deref().unwrap();
                        let begun = *begun.entry(turn.id.session).or_insert(intended);
                        prop_assert!(begun.0 + turn.earliest.0 <= intended.0);
                        for before in &turn.after {
                            let before = ended[*before];
                            prop_assert!(before.is_some_and(|end| end.0 + turn.pause.0 <= intended.0));
                        }
                        under_way.insert((Nanos(now.0 + took[index]), index, intended));
                        let going: BTreeSet<usize> = under_way
                            .iter()
                            .map(|(_, index, _)| plan.requests[*index].turn.as_deref().unwrap().id.session)
                            .collect();
                        prop_assert!(most.is_none_or(|most| going.len() <= most));
                    }
                    (_, Some((end, index, intended))) => {
                        under_way.pop_first();
                        now = now.max(end);
                        ended[index] = Some(end).filter(|_| !fails[index]);
                        agenda.end(index, (intended, end), !fails[index]);
                    }
                    (_, None) => break,
                }
            }
            for index in agenda.into_abandoned() {
                outcomes[index] += 1;
            }
        }
        prop_assert!(outcomes.iter().all(|count| *count == 1), "{outcomes:?}");
    }
}
