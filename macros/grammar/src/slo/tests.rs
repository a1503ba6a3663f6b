use super::*;
use crate::{Mistake, class::ClassName};
use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;

#[rstest]
#[case("p99(ttft) < 300ms", "p99(ttft) < 300ms")]
#[case("p99.9(ttfat)<=300", "p99.9(ttfat) <= 300ms")]
#[case(" median( tpot ) < 0.05s ", "median(tpot) < 50ms")]
#[case("std(itl) < 250us", "std(itl) < 0.25ms")]
#[case("p50(e2el) < 2m", "p50(e2el) < 120000ms")]
#[case(
    "min(ttft) < 1h, max(ttft) < 2h",
    "min(ttft) < 3600000ms, max(ttft) < 7200000ms"
)]
#[case("goodput >= 95%", "goodput >= 95%")]
#[case("goodput > 0.7", "goodput > 70%")]
#[case("p99(ttft,chat) < 200", "p99(ttft, chat) < 200ms")]
#[case(
    "goodput( batch-2 ) >= 90%, worst_class(goodput) >= 0.9",
    "goodput(batch-2) >= 90%, worst_class(goodput) >= 90%"
)]
#[case(
    "p50(ttft, turn 2+, chat) < 1s, worst_class(errors(turn 1)) < 1%",
    "p50(ttft, turn 2+, chat) < 1000ms, worst_class(errors(turn 1)) < 1%"
)]
#[case(
    "worst_class( p99( e2el ) ) < 2s, jain(tokens) >= .9, jain(tokens, chat) > 0.5",
    "worst_class(p99(e2el)) < 2000ms, jain(tokens) >= 0.9, jain(tokens, chat) > 0.5"
)]
#[case("p50(session_e2el, chat) < 9s", "p50(session_e2el, chat) < 9000ms")]
#[case("goodput >= 1.0", "goodput >= 100%")]
#[case("errors <= 0", "errors <= 0%")]
#[case("errors < 0.1 %", "errors < 0.1%")]
#[case("throughput(output) > 1000", "throughput(output) > 1000")]
#[case(
    "throughput(requests) >= 9.5, throughput(input) > 1, throughput(total) > 2,",
    "throughput(requests) >= 9.5, throughput(input) > 1, throughput(total) > 2"
)]
#[case("p99(ttft, turn 1) < 1s", "p99(ttft, turn 1) < 1000ms")]
#[case(
    "p99( ttft ,turn  2+ )<1, cached(turn 2+) >= 40%, errors(round 1) < 1%",
    "p99(ttft, turn 2+) < 1ms, cached(turn 2+) >= 40%, errors(round 1) < 1%"
)]
#[case(
    "p99(ttft, turn 1) < 1, p99(ttft, turn 2) < 1, p99(ttft) < 1",
    "p99(ttft, turn 1) < 1ms, p99(ttft, turn 2) < 1ms, p99(ttft) < 1ms"
)]
#[case("throughput(output, round 2) > 5", "throughput(output, round 2) > 5")]
#[case(
    "warm(ttft) < 120%, warm(e2el) <= 0.5",
    "warm(ttft) < 120%, warm(e2el) <= 50%"
)]
#[case(
    "drift( p50( ttft ) ) < 5%/h, drift(memory) <= 0.1%/min, drift(p99(e2el), turn 2+) < 24%/day",
    "drift(p50(ttft)) < 5%/h, drift(memory) <= 6%/h, drift(p99(e2el), turn 2+) < 1%/h"
)]
fn reads(#[case] text: &str, #[case] plain: &str) {
    let slos = parse(text).unwrap();
    let shown: Vec<_> = slos.iter().map(ToString::to_string).collect();
    assert_eq!(shown.join(", "), plain);
}

#[test]
fn limits_are_in_the_units_of_their_subject() {
    let limits: Vec<_> = parse("mean(ttft) < 1.5s, errors < 1%, throughput(total) > 7")
        .unwrap()
        .iter()
        .map(|slo| slo.limit)
        .collect();
    assert_eq!(limits, [1500.0, 0.01, 7.0]);
}

#[rstest]
#[case(
    "",
    "no limits are given; write such as `p99(ttft) < 300ms, errors < 1%`"
)]
#[case(
    "p99(ttft) < 300ms && errors < 1%",
    "separate SLOs by commas: write `p99(ttft) < 300ms, errors < 1%`"
)]
#[case(
    "p99(ttft) < 300ms; errors < 1%",
    "separate SLOs by commas: write `p99(ttft) < 300ms, errors < 1%`"
)]
#[case(
    "p99(ttft) < 300ms and errors < 1%",
    "separate SLOs by commas: write `p99(ttft) < 300ms, errors < 1%`"
)]
#[case(
    "errors < 1% || goodput > 9%",
    "`errors < 1% || goodput > 9%`: every limit must hold, so there is no `||`"
)]
#[case(
    "p99(ttft) <= 0.3",
    "`p99(ttft) <= 0.3`: a number alone is in milliseconds, so `0.3` is less than one; write `0.3s` or `0.3ms`"
)]
#[case(
    "p101(ttft) < 1s",
    "there is no `p101`; percentiles go from `p0` to `p100`"
)]
#[case(
    "men(ttft) < 1s",
    "unknown statistic `men`; did you mean `mean`? Valid: mean, median, std, min, max, p50, p99, \
     p99.9"
)]
#[case(
    "p99(ttfb) < 1s",
    "unknown metric `ttfb`; did you mean `ttft`? Valid: ttft, ttfat, tpot, itl, e2el, session_e2el, round_e2el"
)]
#[case(
    "throughput(out) > 5",
    "unknown throughput `out`. Valid: requests, input, output, total"
)]
#[case(
    "throughput(outputs) > 5",
    "unknown throughput `outputs`; did you mean `output`? Valid: requests, input, output, total"
)]
#[case(
    "throughput > 5",
    "`throughput` of what? Write `throughput(output)`, or requests, input, total"
)]
#[case(
    "drift < 5%/h",
    "`drift` of what? Write `drift(p50(ttft))`, another statistic of a latency, or `drift(memory)`"
)]
#[case(
    "drift(ttft) < 5%/h",
    "`drift(ttft)`: expected a statistic of a latency, or memory, as in `drift(p50(ttft))` and `drift(memory)`"
)]
#[case(
    "drift(max(ttft)) < 5%/h",
    "`drift(max(ttft))`: the first or last value of a run says nothing about how it changes; write such as \
     `drift(p99(ttft))`"
)]
#[case(
    "drift(p50(session_e2el)) < 5%/h",
    "`drift(p50(session_e2el))`: `session_e2el` is the time of many requests; write such as `drift(p50(e2el))`"
)]
#[case(
    "drift(memory, turn 1) < 5%/h",
    "`drift(memory, turn 1)` is about the server, so it cannot be limited to a part; write `drift(memory)`"
)]
#[case(
    "drift(memory) < 5%",
    "`drift(memory) < 5%`: `5%`: expected a share for each unit of time, such as `5%/h` or `0.1%/min`"
)]
#[case(
    "drift(memory) < 0%/h",
    "`drift(memory) < 0%/h` asks for something that shrinks; write a share above 0, such as `5%/h`"
)]
#[case(
    "drift(memory) > 5%/h",
    "`drift(memory) > 5%/h` points the wrong way: an SLO limits a drift from above; write `drift(memory) < 5%/h`"
)]
#[case("godput >= 95%", "unknown subject `godput`; did you mean `goodput`?")]
#[case(
    "goodput() >= 95%",
    "`goodput` is one number; write it without parentheses, or with a part of the run, as in `goodput(turn 1)`"
)]
#[case(
    "goodput(ttft) >= 95%",
    "`goodput` is one number; write it without parentheses, or with a part of the run, as in `goodput(turn 1)`"
)]
#[case(
    "ttft < 300",
    "`ttft` has many values in a run; say which, as in `p99(ttft)` or `mean(ttft)`"
)]
#[case(
    "p99_ttft_ms < 300",
    "unknown subject `p99_ttft_ms`; did you mean `p99(ttft)`?"
)]
#[case(
    "ttft_p99 < 300",
    "unknown subject `ttft_p99`; did you mean `p99(ttft)`?"
)]
#[case(
    "ttft(p99) < 300",
    "`ttft(p99)` is the wrong way round; write `p99(ttft)`"
)]
#[case("p99(ttft)", "`p99(ttft)` has no limit; write `p99(ttft) < 300ms`")]
#[case("goodput", "`goodput` has no limit; write `goodput >= 95%`")]
#[case("p99(ttft) <", "`p99(ttft) <` has no limit; write `p99(ttft) < 300ms`")]
#[case(
    "p99(ttft) = 300",
    "`p99(ttft) = 300`: a limit is `<`, `<=`, `>` or `>=`, not `=`; write `p99(ttft) <= 300`"
)]
#[case(
    "goodput == 95%",
    "`goodput == 95%`: a limit is `<`, `<=`, `>` or `>=`, not `==`; write `goodput >= 95%`"
)]
#[case(
    "goodput => 95%",
    "`goodput => 95%`: a limit is `<`, `<=`, `>` or `>=`, not `=>`; write `goodput >= 95%`"
)]
#[case(
    "errors > 1%",
    "`errors > 1%` points the wrong way: an SLO limits errors from above; write `errors < 1%`"
)]
#[case(
    "p99(ttft) >= 300ms",
    "`p99(ttft) >= 300ms` points the wrong way: an SLO limits a latency from above; write \
     `p99(ttft) <= 300ms`"
)]
#[case(
    "goodput <= 95%",
    "`goodput <= 95%` points the wrong way: an SLO limits goodput from below; write `goodput >= \
     95%`"
)]
#[case(
    "throughput(output) < 5",
    "`throughput(output) < 5` points the wrong way: an SLO limits throughput from below; write \
     `throughput(output) > 5`"
)]
#[case(
    "goodput >= 95",
    "`goodput >= 95`: `95` is above 1, the whole; did you mean `95%`?"
)]
#[case(
    "errors < 1",
    "`errors < 1`: `1` could be 1 % or all; write `1%` or `100%`"
)]
#[case(
    "goodput >= 101%",
    "`goodput >= 101%`: `101%` is more than all, `100%`"
)]
#[case(
    "errors < few",
    "`errors < few`: `few` is not a share; write a percentage, such as `1%`, or a ratio from 0 to 1"
)]
#[case(
    "p99(ttft) < 5%",
    "`p99(ttft) < 5%`: a percentage limits `goodput` or `errors`; `p99(ttft)` takes a time, such \
     as `300ms`"
)]
#[case(
    "p99(ttft) < 5 sec",
    "`p99(ttft) < 5 sec`: unknown unit of time `sec`. Valid: ns, us, µs, ms, s, m, h"
)]
#[case(
    "throughput(output) > 1k",
    "`throughput(output) > 1k`: `1k` is not a number; throughput is per second already, so write \
     a plain number, such as `1000`"
)]
#[case(
    "goodput > 100%",
    "`goodput > 100%` can never hold; write `goodput >= 100%`"
)]
#[case("errors < 0%", "`errors < 0%` can never hold; write `errors <= 0%`")]
#[case(
    "p99(ttft) < 0",
    "`p99(ttft) < 0` can never hold; write a time above 0"
)]
#[case(
    "p99(ttft) < 300, p99.0(ttft) <= 200",
    "`p99(ttft)` is limited twice; keep the stricter limit"
)]
#[case(
    "p99(ttft, turn 0) < 1s",
    "`turn 0`: expected a number from 1 on, such as `turn 1`, or `turn 2+` for all from there on"
)]
#[case(
    "goodput(turn) >= 95%",
    "`turn`: expected a number from 1 on, such as `turn 1`, or `turn 2+` for all from there on"
)]
#[case(
    "goodput(the chat) >= 95%",
    "unknown part of a run `the chat`. Valid: turn 1, turn 2+, round 1, round 2+, the name of a class"
)]
#[case(
    "goodput(chat, turn 1) >= 95%",
    "unknown part of a run `chat`. Valid: turn 1, turn 2+, round 1, round 2+"
)]
#[case(
    "p99(ttft, turn 1, chat, batch) < 1s",
    "`batch` is one name too many; a number has a turn or round and a class at most, as in `p99(ttft, turn 1, chat)`"
)]
#[case(
    "worst_class(goodput(chat)) >= 95%",
    "`worst_class(goodput(chat))` is about all classes, so it cannot be limited to one; write `worst_class(goodput)`"
)]
#[case(
    "worst_class(goodput, errors) >= 95%",
    "`worst_class(goodput, errors)`: `worst_class` takes one number in its parentheses, as in `worst_class(goodput)` or \
     `worst_class(p99(ttft))`"
)]
#[case(
    "worst_class >= 95%",
    "`worst_class` of what? Write `worst_class(goodput)`, or another number"
)]
#[case(
    "worst_class(warm(ttft)) < 50%",
    "`worst_class(warm(ttft))` compares rounds, so it cannot be limited to a part; write `warm(ttft)`"
)]
#[case("jain >= 0.9", "`jain` of what? Write `jain(tokens)`")]
#[case(
    "jain(token) >= 0.9",
    "unknown measure of fairness `token`; did you mean `tokens`? Valid: tokens"
)]
#[case(
    "jain(tokens) >= 2",
    "`jain(tokens) >= 2`: `2` is not an index of fairness; write a number from 0 to 1, such as `0.9`"
)]
#[case(
    "jain(tokens) > 1",
    "`jain(tokens) > 1` can never hold; write `jain(tokens) >= 1`"
)]
#[case(
    "errors(turn 1, turn 2) < 1%",
    "`turn 1` and `turn 2` are two parts of the run; keep one"
)]
#[case(
    "p99(ttft, turn 1) < 300, p99(ttft,turn 1) <= 200",
    "`p99(ttft, turn 1)` is limited twice; keep the stricter limit"
)]
#[case("warm < 50%", "`warm` of what? Write `warm(ttft)`, or another latency")]
#[case(
    "warm(ttft, round 2) < 50%",
    "`warm(ttft, round 2)` compares rounds, so it cannot be limited to a part; write `warm(ttft)`"
)]
#[case(
    "p50(session_e2el, turn 2) < 1s",
    "`p50(session_e2el, turn 2)` is the time of a whole session or round, so it cannot be limited to a part; write \
     `p50(session_e2el)`"
)]
#[case(
    "cached > 100%",
    "`cached > 100%` can never hold; write `cached >= 100%`"
)]
fn refuses(#[case] text: &str, #[case] said: &str) {
    assert_eq!(parse(text).unwrap_err(), [Mistake::new(said)]);
}

#[rstest]
#[case("ttft")]
#[case("requests")]
#[case("goodput")]
#[case("p99")]
#[case("median")]
#[case("turn")]
#[case("round")]
#[case("tokens")]
#[case("worst_class")]
fn words_of_slos_cannot_name_classes(#[case] text: &str) {
    let mistake = class_name(text).unwrap_err().to_string();
    let said = format!("has a meaning in SLOs; take another name, such as `{text}-users`");
    assert!(mistake.contains(&said), "{mistake}");
}

#[test]
fn says_all_mistakes_at_once() {
    let mistakes = parse("p101(ttft) < 1s, goodput >= 95, errors > 1%").unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let latencies: Vec<_> = LATENCIES.iter().map(|(_, latency)| *latency).collect();
    let throughputs: Vec<_> = THROUGHPUTS.iter().map(|(_, kind)| *kind).collect();
    let stats: Vec<_> = STATS.iter().map(|(_, stat)| *stat).collect();
    let stat = prop_oneof![
        select(stats),
        (0.0..=100.0_f64).prop_map(Stat::Percentile),
        (0..=100_u32).prop_map(|whole| Stat::Percentile(f64::from(whole))),
    ];
    prop_oneof![
        (stat, select(latencies)).prop_map(|(stat, latency)| Subject::Latency(stat, latency)),
        Just(Subject::Goodput),
        Just(Subject::Errors),
        Just(Subject::Cached),
        Just(Subject::Jain),
        select(throughputs).prop_map(Subject::Throughput),
        select(LATENCIES).prop_map(|(_, latency)| Subject::Warm(latency)),
    ]
}

fn any_part() -> impl Strategy<Value = Part> {
    let span =
        (1..=u32::MAX, any::<bool>()).prop_map(|(first, and_later)| Span { first, and_later });
    let place = prop_oneof![
        Just(Place::All),
        span.clone().prop_map(Place::Turn),
        span.prop_map(Place::Round),
    ];
    let class = prop_oneof![
        Just(Class::All),
        Just(Class::Worst),
        "c[a-z0-9_-]{0,31}".prop_map(|name| Class::One(ClassName::parse(&name).unwrap())),
    ];
    (place, class).prop_map(|(place, class)| Part { place, class })
}

prop_compose! {
    fn any_slo()(
        subject in any_subject(),
        part in any_part(),
        inclusive: bool,
        ratio in prop_oneof![1e-9..1.0_f64, (1..1000_u32).prop_map(|n| f64::from(n) / 1000.0)],
        nanos in 1..1_u64 << 52,
    ) -> Slo {
        let op = match (subject.from_above(), inclusive) {
            (true, true) => Op::Le,
            (true, false) => Op::Lt,
            (false, true) => Op::Ge,
            (false, false) => Op::Gt,
        };
        let limit = match subject {
            Subject::Goodput | Subject::Errors | Subject::Cached | Subject::Warm(_) | Subject::Jain => ratio,
            _ => nanos as f64 / 1e6,
        };
        let part = match subject {
            Subject::Warm(_)
            | Subject::Latency(_, Latency::SessionE2el | Latency::RoundE2el) => Part::ALL,
            _ => part,
        };
        Slo {
            subject,
            part,
            op,
            limit,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(slo in any_slo()) {
        prop_assert_eq!(parse_subject(&slo.number()), Ok((slo.subject, slo.part)));
        prop_assert_eq!(parse(&slo.to_string()), Ok(vec![slo]));
    }

    #[test]
    fn nothing_panics(text in "[a-z0-9()<>=%,. ≤µ]{0,40}") {
        let _ = parse(&text);
    }
}

/// A capacity is short for the SLOs inside its parentheses, and a limit on the whole search.
#[rstest]
#[case("max_rate(goodput >= 90%) >= 12", "goodput >= 90%, max_rate >= 12")]
#[case(
    "max_concurrency(p99(ttft, chat) < 1s, errors < 1%) > 8, valid >= 99%",
    "p99(ttft, chat) < 1000ms, errors < 1%, max_concurrency > 8, valid >= 99%"
)]
#[case("queue_stable", "queue_growth < 2%")]
fn is_short_for(#[case] short: &str, #[case] long: &str) {
    let slos = parse(short).unwrap();
    assert_eq!(slos, parse(long).unwrap());
    let written: Vec<String> = slos.iter().map(ToString::to_string).collect();
    assert_eq!(written.join(", "), long);
}
