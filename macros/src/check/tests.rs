use super::*;
use crate::args;
use goodput_grammar::names::KEYS;
use rstest::rstest;

fn checked(text: &str) -> (String, Vec<String>) {
    let mut errors = Errors::default();
    let settings = args::parse(text.parse().unwrap(), &mut errors);
    let checked = check(&settings, &mut errors);
    (checked.calls.to_string(), errors.sentences())
}

#[test]
fn every_example_is_accepted() {
    for key in KEYS {
        // One that is about another.
        let other = match key.name {
            "require_baseline" => ", baseline",
            _ => "",
        };
        let (calls, errors) = checked(&(key_example(key) + other));
        assert!(errors.is_empty(), "{key:?}: {errors:?}");
        let call = format!(". {} (", key.name);
        assert_eq!(
            calls.starts_with(&call),
            !matches!(key.kind, Kind::Reason | Kind::Tolerance | Kind::Path),
            "{calls}"
        );
    }
}

#[rstest]
#[case("rate = 10", ". rate (10f64)")]
#[case("rate = 0.5", ". rate (0.5f64)")]
#[case("rate = 1_000u32", ". rate (1000f64)")]
#[case("rate = \"inf\"", ". rate (:: core :: primitive :: f64 :: INFINITY)")]
#[case("rate = RATE", ". rate (RATE)")]
#[case("rate = -x", ". rate (- x)")]
#[case("stream", ". stream (true)")]
#[case("stream = false", ". stream (false)")]
#[case("baseline", ". baseline (\"main\")")]
#[case("baseline = \"v1.2\"", ". baseline (\"v1.2\")")]
#[case(
    "backend = concat!(\"open\", \"ai\")",
    ". backend (concat ! (\"open\" , \"ai\"))"
)]
#[case("ready_timeout = \"30s\"", ". ready_timeout (\"30s\")")]
#[case("headers = [\"A: b\", line()]", ". headers ([\"A: b\" , line ()])")]
#[case("seed = 7, rate = 2", ". seed (7) . rate (2f64)")]
fn becomes_calls(#[case] text: &str, #[case] calls: &str) {
    assert_eq!(checked(text), (calls.to_owned(), vec![]));
}

#[rstest]
#[case("ignore", Some(""))]
#[case("ignore = true", Some(""))]
#[case("ignore = \"needs a GPU\"", Some("needs a GPU"))]
#[case("ignore = false", None)]
fn reads_ignore(#[case] text: &str, #[case] reason: Option<&str>) {
    let mut errors = Errors::default();
    let settings = args::parse(text.parse().unwrap(), &mut errors);
    let checked = check(&settings, &mut errors);
    assert_eq!(checked.ignore.map(|(_, reason)| reason).as_deref(), reason);
    assert!(errors.is_empty() && checked.calls.is_empty());
}

#[rstest]
#[case(
    "rate = \"10\"",
    "expected a number, found a string; write `rate = 10`"
)]
#[case(
    "rate = \"fast\"",
    "expected a number or `\"inf\"`, found a string; write such as `rate = 10`"
)]
#[case("rate = 0", "`rate` must be above 0")]
#[case("burstiness = -0.5", "`burstiness` must be above 0")]
#[case(
    "rate = true",
    "expected a number or `\"inf\"`, found a flag; write such as `rate = 10`"
)]
#[case("rate", "`rate` needs a value; write `rate = 10`")]
#[case("requests = 0", "`requests` must be at least 1")]
#[case("max_extend = 0", "`max_extend` must be at least 1")]
#[case(
    "noise_threshold = 1",
    "`noise_threshold` must be below 1; write such as `noise_threshold = 0.05`"
)]
#[case(
    "versus = \"sim(itl = 5)\"",
    "`itl`: `5` has no unit; write `5ms`, `5us` or `5s`"
)]
#[case(
    "confidence = 95",
    "`confidence` must be above 0.5 and below 1; write such as `confidence = 0.95`"
)]
#[case(
    "confidence = \"high\"",
    "expected a number, found a string; write such as `confidence = 0.95`"
)]
#[case(
    "on_inconclusive = \"wran\"",
    "unknown answer `wran`; did you mean `warn`? Valid: fail, pass, warn"
)]
#[case(
    "requests = 10.5",
    "expected a whole number, found a decimal number; write such as `requests = 200`"
)]
#[case(
    "seed = -1",
    "expected a whole number, found a negative number; write such as `seed = 7`"
)]
#[case(
    "stream = \"yes\"",
    "expected `true`, `false` or `stream` alone, found a string; write such as `stream = false`"
)]
#[case(
    "total_timeout = 30",
    "`30` has no unit; write `total_timeout = \"30s\"`"
)]
#[case(
    "total_timeout = \"30\"",
    "`30` has no unit; write `30ms`, `30us` or `30s`"
)]
#[case(
    "backend = 5",
    "expected a string, found a number; write such as `backend = \"openai-chat\"`"
)]
#[case(
    "backend = \"openai_chat\"",
    "unknown backend `openai_chat`; did you mean `openai-chat`?"
)]
#[case("endpoint = \"v1/x\"", "`v1/x` is not a path; write `/v1/x`")]
#[case("model = \"\"", "`model` is empty; leave it out for the default")]
#[case(
    "target = \"localhost:80\"",
    "`localhost:80` has no scheme; write `http://localhost:80`"
)]
#[case(
    "target = \"sim(slowdown = 2)\"",
    "`slowdown = 2`: expected a share, such as `2%` for each other request in flight, or a factor \
     at a concurrency, such as `1.5x@64`"
)]
#[case(
    "target = \"sim(ttft = empirical(run.json))\"",
    "`ttft`: `run.json` is neither a time nor a file in quotes; write `empirical(\"run.json\")`"
)]
#[case(
    "target = 80",
    "expected a string, found a number; write such as `target = \"env:LLM_URL\"`"
)]
#[case(
    "ramp = \"linear 2..1\"",
    "a ramp rises, but 2 is above 1; write `linear 1..2`"
)]
#[case(
    "headers = \"X-Team\"",
    "a header needs a colon; write `Name: value`, such as `X-Team: search`"
)]
#[case(
    "headers = [\"X Team: a\"]",
    "`X Team` is not the name of a header; write letters, digits and hyphens"
)]
#[case(
    "headers = [5]",
    "expected a string, found a number; write such as `headers = \"X-Team: search\"`"
)]
#[case(
    "headers = \"A: secret\\n\"",
    "the value of `A` has a control character in it"
)]
#[case(
    "ignore = REASON",
    "expected a reason in quotes, or `ignore` alone, found an expression; write such as `ignore \
     = \"needs a GPU\"`"
)]
#[case(
    "require_baseline",
    "`require_baseline` names no baseline; add the one that must exist: `baseline = \"main\"`"
)]
fn refuses(#[case] text: &str, #[case] said: &str) {
    assert_eq!(checked(text).1, [said]);
}

#[rstest]
#[case("rate = 1, rate = 2", &["`rate` is given twice; keep one", "`rate` is given here first"])]
#[case(
    "rate = 1, ramp = \"linear 1..2\"",
    &[
        "`ramp` sets the rate from first to last request; keep `rate` or `ramp`",
        "`rate` contradicts `ramp`",
    ]
)]
#[case(
    "goodput = \"ttfb:1 itl:2\", requests = 0",
    &[
        "unknown limit `ttfb`; did you mean `ttft`? Valid: ttft, tpot, e2el",
        "`itl` has no value per request (a request has many gaps), so it cannot limit one; use \
         `tpot` here, or limit the run with slo = \"p99(itl) < …\"",
        "`requests` must be at least 1",
    ]
)]
fn says_all_at_once(#[case] text: &str, #[case] said: &[&str]) {
    assert_eq!(checked(text).1, said);
}

#[test]
fn literals_that_a_macro_hands_on_are_checked() {
    let zero = proc_macro2::Group::new(proc_macro2::Delimiter::None, quote!(0));
    let mut errors = Errors::default();
    let settings = args::parse(quote!(requests = #zero), &mut errors);
    check(&settings, &mut errors);
    assert_eq!(errors.sentences(), ["`requests` must be at least 1"]);
}
