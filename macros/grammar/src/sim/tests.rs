use super::*;
use proptest::prelude::*;
use rstest::rstest;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn reads_scripts() {
    assert_eq!(parse(""), Ok(Script::default()));
    let script = parse("ttft=normal(50ms, 5ms), itl = 7ms, seed=3, model = \"a, b\"").unwrap();
    assert_eq!(
        script,
        Script {
            ttft: Distribution::Normal(ms(50), ms(5)),
            itl: Distribution::Constant(ms(7)),
            seed: 3,
            model: "a, b".to_owned(),
            ..Script::default()
        }
    );
    let script = parse("itl = empirical('run.json'), prefill = 50us, slowdown = 1.5x@64").unwrap();
    assert_eq!(script.prefill, Duration::from_micros(50));
    assert_eq!(
        script.slowdown.unwrap().factor(127),
        (126_000_000, 63_000_000)
    );
    assert_eq!(parse(&script.to_string()), Ok(script));
    let text = r#"faults = "reset@5%, status(500, body = ""a, b"")@req:3""#;
    let script = parse(text).unwrap();
    assert_eq!(
        fault::format(&script.faults),
        r#"reset@5%, status(500, body = "a, b")@req:3"#
    );
    assert_eq!(parse(&script.to_string()), Ok(script));
}

#[test]
fn says_all_mistakes_at_once() {
    let mistakes =
        parse("tfft = 5ms, itl = 7, seed = x, seed = 1, model, faults = \"rest, crlf(1)\"")
            .unwrap_err();
    let said: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "unknown setting of the simulation `tfft`; did you mean `ttft`? Valid: ttft, itl, \
             prefill, slowdown, noise, aging, cold, leak, seed, model, engine, faults",
            "`seed` is given twice; keep one",
            "`itl`: `7` has no unit; write `7ms`, `7us` or `7s`",
            "`seed = x`: expected a whole number of at least 0",
            "`model` has no value; write `model = …`",
            "unknown fault `rest`; did you mean `reset`?",
            "`crlf` takes no value, `1` is given",
        ]
    );
}

#[test]
fn reads_an_engine() {
    let script = parse(
        "engine = \"llama-3-8b@h100\", max_num_seqs = 64, block_size = 32, seed = 2, \
         scheduling_policy = priority, tk = 48.9ns, enable_prefix_caching = false, \
         lora_modules = \"sql chat\"",
    )
    .unwrap();
    let engine = script.engine.unwrap();
    assert_eq!((engine.max_num_seqs, script.seed), (64, 2));
    // The space stays the same when the blocks grow.
    assert_eq!((engine.block_size, engine.num_blocks), (32, 13_337));
    assert_eq!(engine.cost.tk, 48_900);
    assert_eq!(engine.scheduling_policy, engine::Policy::Priority);
    assert!(!engine.enable_prefix_caching && engine.enable_chunked_prefill);
    assert_eq!(engine.lora_modules, ["sql", "chat"]);
}

#[rstest]
#[case(
    "max_num_seqs = 3",
    "`max_num_seqs` is a setting of an engine; add `engine = \"llama-3-8b@h100\"`"
)]
#[case(
    "engine = linear, ttft = 5ms",
    "`ttft` has no effect together with `engine`, whose times follow from its steps; keep one"
)]
#[case(
    "engine = linear, slowdown = 2%",
    "`slowdown` has no effect together with `engine`, whose times follow from its steps; keep one"
)]
#[case(
    "prefill = 50",
    "`prefill`: `50` has no unit; write `50ms`, `50us` or `50s`"
)]
#[case(
    "slowdown = 2",
    "`slowdown = 2`: expected a share, such as `2%` for each other request in flight, or a factor \
     at a concurrency, such as `1.5x@64`"
)]
#[case(
    "engine = linear, max_num_seq = 5",
    "unknown setting of the simulation `max_num_seq`; did you mean `max_num_seqs`?"
)]
#[case("engine", "`engine` has no value; write `engine = …`")]
#[case(
    "engine = linear, num_blocks = 0",
    "`num_blocks = 0`: expected a whole number of at least 1"
)]
#[case(
    "engine = linear, scheduling_policy = priorty",
    "unknown scheduling policy `priorty`; did you mean `priority`? Valid: fcfs, priority"
)]
#[case(
    "engine = linear, acceptance = 1.1",
    "`acceptance = 1.1`: expected a probability from 0 to 1, such as `0.7`"
)]
#[case(
    "engine = linear, tp = 5",
    "`tp = 5`: expected a time of at most 1000s with its unit (ps, ns, us, ms or s), such as \
     `5ms` or `48.9ns`"
)]
#[case(
    "engine = linear, t0 = 0ms",
    "`t0 = 0ns`: every step takes time; write `t0 = 5ms`"
)]
#[case(
    "engine = linear, lora_modules = \"a b a\"",
    "`lora_modules` has `a` twice; keep one"
)]
fn refuses_engines(#[case] text: &str, #[case] said: &str) {
    assert_eq!(parse(text).unwrap_err(), [Mistake::new(said)]);
}

fn any_engine() -> impl Strategy<Value = EngineConfig> {
    let preset = prop_oneof![
        Just("linear"),
        Just("llama-3-8b@h100"),
        Just("llama-3-70b@a100x4")
    ];
    let number = || prop_oneof![Just(16), 1..1_000_000_u64];
    let picos = || 1..1_000_000_000_000_000_u64;
    (
        (
            preset,
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            0.0..=1.0_f64,
        ),
        (number(), number(), number(), number(), number(), 0..9_u64),
        prop::option::of((picos(), picos(), picos(), picos())),
        prop::collection::btree_set("[a-z0-9\"/-]+", 0..3),
    )
        .prop_map(|(flags, numbers, cost, modules)| {
            let (preset, enable_prefix_caching, enable_chunked_prefill, priority, acceptance) =
                flags;
            let base = EngineConfig::preset(preset).unwrap();
            EngineConfig {
                cost: cost.map_or(base.cost, |(t0, tp, td, tk)| engine::StepCost {
                    t0,
                    tp,
                    td,
                    tk,
                }),
                max_num_seqs: numbers.0,
                max_num_batched_tokens: numbers.1,
                block_size: numbers.2,
                num_blocks: numbers.3,
                max_loras: numbers.4,
                num_speculative_tokens: numbers.5,
                enable_prefix_caching,
                enable_chunked_prefill,
                scheduling_policy: if priority {
                    engine::Policy::Priority
                } else {
                    engine::Policy::Fcfs
                },
                acceptance,
                lora_modules: modules.into_iter().collect(),
                ..base
            }
        })
}

fn any_distribution() -> impl Strategy<Value = Distribution> {
    let time = || (1..31_536_000_000_000_000_u64).prop_map(Duration::from_nanos);
    prop_oneof![
        time().prop_map(Distribution::Constant),
        (time(), time()).prop_map(|(mean, std)| Distribution::Normal(mean, std)),
        (time(), time()).prop_map(|(mean, std)| Distribution::LogNormal(mean, std)),
        (time(), time()).prop_map(|(mean, std)| Distribution::Gamma(mean, std)),
        (0..1_000_u64, 1_000..31_536_000_000_000_000_u64).prop_map(|(low, high)| {
            Distribution::Uniform(Duration::from_nanos(low), Duration::from_nanos(high))
        }),
        time().prop_map(Distribution::Exponential),
        ".*[a-z].*".prop_map(|path| Distribution::Empirical(Recording::File(path))),
        prop::collection::vec(time(), 1..5).prop_map(|times| Distribution::empirical(&times)),
    ]
}

#[rstest]
#[case("4")]
#[case("-1%")]
#[case("101%")]
#[case("NaN%")]
fn noise_is_a_share(#[case] text: &str) {
    let mistake = parse_noise(text).unwrap_err().to_string();
    assert_eq!(
        mistake,
        format!("`noise = {text}`: expected a share from 0% to 100%, such as `4%`")
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        ttft in any_distribution(),
        itl in any_distribution(),
        prefill in (0..31_536_000_000_000_000_u64).prop_map(Duration::from_nanos),
        slowdown in prop::option::of((0..100_000_u32).prop_map(|share| {
            parse_slowdown(&format!("{}%", f64::from(share) / 100.0)).unwrap()
        })),
        noise in (0..10_000_u32).prop_map(|share| {
            parse_noise(&format!("{}%", f64::from(share) / 100.0)).unwrap()
        }),
        aging in 0..100_000_u32,
        leak in 0..100_000_u32,
        seed: u64,
        model in ".+",
    ) {
        let grows = |share| crate::growth::parse(&format!("{}%/h", f64::from(share) / 100.0)).unwrap();
        let (aging, leak) = (grows(aging), grows(leak));
        let script = Script { ttft, itl, prefill, slowdown, noise, aging, leak, seed, model, ..Script::default() };
        prop_assert_eq!(parse(&script.to_string()), Ok(script));
    }

    #[test]
    fn an_engine_that_is_written_is_read_back(engine in any_engine(), seed: u64) {
        let script = Script { engine: Some(Box::new(engine)), seed, ..Script::default() };
        prop_assert_eq!(parse(&script.to_string()), Ok(script));
    }
}
