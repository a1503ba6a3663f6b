//! Pages about goodput: verdicts, datasets, targets, CI and more. They are the files of the folder `docs`.

/// The links from page to page, as rustdoc needs them. A page has the same links for readers of the file, at its
/// end; of two definitions of a link the first counts. `tests/docs/links.rs` fails if one is missing here.
macro_rules! links {
    () => {
        concat!(
            "[../CONTRIBUTING.md#how-to-add-something]: https://docs.rs/crate/goodput/latest/source/CONTRIBUTING.md\n",
            "[../macros/src/llm_bench.md]: crate::llm_bench\n",
            "[audit.md]: crate::docs::audit\n",
            "[backends.md]: crate::docs::backends\n",
            "[baselines.md]: crate::docs::baselines\n",
            "[ci.md]: crate::docs::ci\n",
            "[ci.md#exit-codes]: crate::docs::ci#exit-codes\n",
            "[capacity.md]: crate::docs::capacity\n",
            "[ci.md#outputs]: crate::docs::ci#outputs\n",
            "[ci.md#the-last-results]: crate::docs::ci#the-last-results\n",
            "[ci.md#what-is-not-a-plain-pass]: crate::docs::ci#what-is-not-a-plain-pass\n",
            "[ci.md#when-a-run-is-ended]: crate::docs::ci#when-a-run-is-ended\n",
            "[classes.md]: crate::docs::classes\n",
            "[curve.md]: crate::docs::curve\n",
            "[datasets.md]: crate::docs::datasets\n",
            "[datasets.md#shared-prefixes]: crate::docs::datasets#shared-prefixes\n",
            "[environment.md]: crate::docs::environment\n",
            "[fidelity.md]: crate::docs::fidelity\n",
            "[live.md]: crate::docs::live\n",
            "[long_runs.md]: crate::docs::long_runs\n",
            "[long_runs.md#what-is-cut-off]: crate::docs::long_runs#what-is-cut-off\n",
            "[long_runs.md#memory]: crate::docs::long_runs#memory\n",
            "[long_runs.md#when-it-stops]: crate::docs::long_runs#when-it-stops\n",
            "[long_runs.md#drift]: crate::docs::long_runs#drift\n",
            "[multi_turn.md]: crate::docs::multi_turn\n",
            "[performance.md]: crate::docs::performance\n",
            "[ports.md]: crate::docs::ports\n",
            "[report.md]: crate::docs::report\n",
            "[results.md]: crate::docs::results\n",
            "[results.md#journals-of-live-runs]: crate::docs::results#journals-of-live-runs\n",
            "[results.md#records-for-pytorch]: crate::docs::results#records-for-pytorch\n",
            "[results.md#requests]: crate::docs::results#requests\n",
            "[scale.md]: crate::docs::scale\n",
            "[server.md]: crate::docs::server\n",
            "[server.md#probes]: crate::docs::server#probes\n",
            "[servers.md]: crate::docs::servers\n",
            "[servers.md#connections]: crate::docs::servers#connections\n",
            "[servers.md#how-much-is-believed]: crate::docs::servers#how-much-is-believed\n",
            "[servers.md#http]: crate::docs::servers#http\n",
            "[shards.md]: crate::docs::shards\n",
            "[simulation.md]: crate::docs::simulation\n",
            "[simulation.md#the-script]: crate::docs::simulation#the-script\n",
            "[snapshots.md]: crate::docs::snapshots\n",
            "[structured.md]: crate::docs::structured\n",
            "[suites.md]: crate::docs::suites\n",
            "[suites.md#bounds]: crate::docs::suites#bounds\n",
            "[sweeps.md]: crate::docs::sweeps\n",
            "[trend.md]: crate::docs::trend\n",
            "[verdicts.md]: crate::docs::verdicts\n",
            "[verdicts.md#drift-over-a-run]: crate::docs::verdicts#drift-over-a-run\n",
            "[verdicts.md#measured-coverage]: crate::docs::verdicts#measured-coverage\n",
            "[verdicts.md#method]: crate::docs::verdicts#method\n",
            "[verdicts.md#comparing-with-a-baseline]: crate::docs::verdicts#comparing-with-a-baseline\n",
            "[vllm.md]: crate::docs::vllm\n",
            "[vllm.md#differences-on-purpose]: crate::docs::vllm#differences-on-purpose\n",
            "\n"
        )
    };
}

macro_rules! pages {
    ($($(#[$condition:meta])* $page:ident,)*) => {$(
        $(#[$condition])*
        #[doc = concat!(links!(), include_str!(concat!("../docs/", stringify!($page), ".md")))]
        pub mod $page {}
    )*};
}

pages! {
    architecture,
    audit,
    backends,
    baselines,
    capacity,
    curve,
    ci,
    classes,
    cluster,
    datasets,
    environment,
    fidelity,
    live,
    long_runs,
    multi_turn,
    performance,
    ports,
    report,
    results,
    scale,
    server,
    servers,
    shards,
    simulation,
    #[cfg(any(feature = "insta", not(doctest)))]
    snapshots,
    structured,
    suites,
    sweeps,
    trend,
    verdicts,
    vllm,
}
