use super::*;
use crate::Mistake;
use proptest::prelude::*;
use rstest::rstest;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const REFUSAL: Kind = Kind::Status {
    code: 503,
    body: None,
    retry_after: None,
};

#[rstest]
#[case("reset@5%", Kind::Reset { after: 1 }.when(When::Percent(5.0)))]
#[case("stall(2s)@req:10", Kind::Stall { time: Some(ms(2000)), after: 1 }.when(When::Requests { from: 10, until: 11 }))]
#[case("stall", Kind::Stall { time: None, after: 1 }.always())]
#[case("stall(after = 3)", Kind::Stall { time: None, after: 3 }.always())]
#[case("status(503)@t:1s..2s", REFUSAL.when(When::Window { from: ms(1000), until: ms(2000) }))]
#[case("status(429, retry_after = 3)@1%", Kind::Status { code: 429, body: None, retry_after: Some(3) }.when(When::Percent(1.0)))]
#[case("status(500, body = \"a, (b) @ \"\"c\"\"\")", Kind::Status { code: 500, body: Some("a, (b) @ \"c\"".into()), retry_after: None }.always())]
#[case("tokens_per_chunk(4)@req:3..7", Kind::TokensPerChunk { tokens: 4 }.when(When::Requests { from: 3, until: 7 }))]
#[case("crlf@always", Kind::Crlf.always())]
#[case(" drip ( 1ms , bytes=3 ) @ 0.5 % ", Kind::Drip { every: ms(1), bytes: 3 }.when(When::Percent(0.5)))]
#[case("drip(1ms)", Kind::Drip { every: ms(1), bytes: 16 }.always())]
#[case("slow_headers(2s)", Kind::SlowHeaders { time: ms(2000) }.always())]
#[case("wrong_usage(0)", Kind::WrongUsage { tokens: 0 }.always())]
#[case("error_event(message = 'out, of memory', after = 0)", Kind::ErrorEvent { after: 0, message: Some("out, of memory".into()) }.always())]
fn reads(#[case] text: &str, #[case] fault: Fault) {
    assert_eq!(parse_one(text), Ok(fault.clone()));
    assert_eq!(parse(text), Ok(vec![fault]));
}

#[test]
fn reads_lists() {
    let text = "reset@5%, stall(2s)@req:10, status(503)@t:1s..2s, status(429, retry_after = 3)@1%, \
                tokens_per_chunk(4), crlf";
    let faults = parse(text).unwrap();
    assert_eq!(faults.len(), 6);
    assert_eq!(format(&faults), text);
}

#[rstest]
#[case("", "no fault is named; write such as `reset@5%`, or leave it out")]
#[case("crlf,,crlf", "a value is missing before a `,` in `crlf,,crlf`")]
#[case(
    "reset@",
    "a condition is missing after the `@` in `reset@`; write such as `@5%`, or leave it out for every request"
)]
#[case("@5%", "a value is missing before a `@` in `@5%`")]
#[case(
    "reset@5%@req:1",
    "`reset@5%@req:1` has an `@` too many; write one fault for each time"
)]
#[case(
    "reset(5)",
    "`reset(5)`: give the value a name; write `reset(after = 5)`"
)]
#[case("reset(after)", "`after` has no value; write `reset(after = …)`")]
#[case(
    "reset(aftr = 5)",
    "unknown setting of `reset` `aftr`; did you mean `after`? Valid: after"
)]
#[case(
    "stall(2s, 3)",
    "`stall` takes one value without a name, `3` is a second one"
)]
#[case("stall(2)", "`stall`: `2` has no unit; write `2ms`, `2us` or `2s`")]
#[case("crlf(1)", "`crlf` takes no value, `1` is given")]
#[case("crlf(a = 1)", "`crlf` has no settings with a name, `a` is given")]
#[case(
    "slow_headers",
    "`slow_headers` needs a time; write such as `slow_headers(2s)`"
)]
#[case(
    "status",
    "`status`: expected an HTTP status from 400 to 599, such as `status(503)`"
)]
#[case(
    "status(200)",
    "`status(200)`: expected an HTTP status from 400 to 599, such as `status(503)`"
)]
#[case(
    "tokens_per_chunk(0)",
    "`tokens_per_chunk(0)`: expected a whole number of at least 1, such as `tokens_per_chunk(4)`"
)]
#[case(
    "drip(1ms, bytes = 0)",
    "`bytes = 0`: expected a whole number of at least 1"
)]
#[case(
    "status(429, retry_after = soon)",
    "`retry_after = soon`: expected a whole number of at least 0"
)]
#[case(
    "crlf@0%",
    "`@0%`: expected a share above 0% and up to 100%, such as `@5%`"
)]
#[case(
    "crlf@101%",
    "`@101%`: expected a share above 0% and up to 100%, such as `@5%`"
)]
#[case(
    "crlf@0.05",
    "`@0.05` does not say when; write `5%`, `req:10`, `req:3..7`, `t:5s..10s` or `always`"
)]
#[case(
    "crlf@rq:5",
    "`@rq:5` does not say when; did you mean `req`? Write `5%`, `req:10`, `req:3..7`, `t:5s..10s` or `always`"
)]
#[case(
    "crlf@req:x",
    "`@req:x`: `x` is not the number of a request; write `@req:10` or `@req:3..7`, counted from 0"
)]
#[case(
    "crlf@req:7..7",
    "`@req:7..7` never comes: its end, which it does not include, must be above its start"
)]
#[case("crlf@t:5s", "`@t:5s`: a window has two ends; write `@t:5s..10s`")]
#[case(
    "crlf@t:5..10",
    "`@t:5..10`: `5` has no unit; write `5ms`, `5us` or `5s`"
)]
#[case(
    "crlf@t:2s..1s",
    "`@t:2s..1s` never comes: its end, which it does not include, must be above its start"
)]
fn refuses(#[case] text: &str, #[case] said: &str) {
    assert_eq!(parse(text).unwrap_err(), [Mistake::new(said)]);
}

#[test]
fn says_all_mistakes_at_once() {
    let mistakes = parse("rest@5%, stall(2, afer = 1)@200%, crlf").unwrap_err();
    let said: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 4, "{said:#?}");
    assert_eq!(said[0], "unknown fault `rest`; did you mean `reset`?");
    assert_eq!(
        said[1],
        "unknown setting of `stall` `afer`; did you mean `after`? Valid: after"
    );
    assert_eq!(
        said[2],
        "`stall`: `2` has no unit; write `2ms`, `2us` or `2s`"
    );
    assert!(said[3].starts_with("`@200%`: expected a share"));
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let span = || (0..31_536_000_000_000_000_u64).prop_map(Duration::from_nanos);
    // An empty text could not be distinguished from a value that is missing.
    let text = || proptest::option::of(".+");
    prop_oneof![
        Just(Kind::Refuse),
        span().prop_map(|time| Kind::SlowHeaders { time }),
        (proptest::option::of(span()), any::<u64>())
            .prop_map(|(time, after)| Kind::Stall { time, after }),
        any::<u64>().prop_map(|after| Kind::Reset { after }),
        any::<u64>().prop_map(|after| Kind::Cut { after }),
        any::<u64>().prop_map(|after| Kind::EndEarly { after }),
        any::<u64>().prop_map(|after| Kind::TruncatedUtf8 { after }),
        (any::<u64>(), text()).prop_map(|(after, message)| Kind::ErrorEvent { after, message }),
        (400..600_u16, text(), proptest::option::of(any::<u64>())).prop_map(
            |(code, body, retry_after)| Kind::Status {
                code,
                body,
                retry_after
            }
        ),
        Just(Kind::NoUsage),
        any::<u64>().prop_map(|tokens| Kind::WrongUsage { tokens }),
        Just(Kind::NoDone),
        any::<u64>().prop_map(|after| Kind::Duplicate { after }),
        any::<u64>().prop_map(|after| Kind::RoleOnly { after }),
        any::<u64>().prop_map(|after| Kind::Empty { after }),
        any::<u64>().prop_map(|after| Kind::UsageOnly { after }),
        (1..u64::MAX).prop_map(|tokens| Kind::TokensPerChunk { tokens }),
        Just(Kind::Crlf),
        (span(), 1..u64::MAX).prop_map(|(every, bytes)| Kind::Drip { every, bytes }),
        Just(Kind::NoTokens),
    ]
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        Just(When::Always),
        (1..=100_000_u32).prop_map(|share| When::Percent(f64::from(share) / 1_000.0)),
        (any::<u64>(), any::<u64>()).prop_filter_map("empty", |(from, until)| {
            (from < until).then_some(When::Requests { from, until })
        }),
        (0..31_536_000_000_000_000_u64, 0..31_536_000_000_000_000_u64).prop_filter_map(
            "empty",
            |(from, until)| {
                (from < until).then(|| When::Window {
                    from: Duration::from_nanos(from),
                    until: Duration::from_nanos(until),
                })
            }
        ),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(faults in proptest::collection::vec((any_kind(), any_when()), 1..5)) {
        let faults: Vec<Fault> = faults.into_iter().map(|(kind, when)| kind.when(when)).collect();
        prop_assert_eq!(parse(&format(&faults)), Ok(faults));
    }

    #[test]
    fn every_kind_has_a_word(kind in any_kind()) {
        prop_assert!(KINDS.contains(&kind.name()));
    }

    #[test]
    fn nothing_panics(text in any::<String>(), close in "(reset|stall|status|drip)?[(@%:., =0-9a-z\"]*\\)?") {
        let _ = parse(&text);
        let _ = parse(&close);
    }
}
