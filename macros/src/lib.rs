//! The `#[llm_bench]` attribute of `goodput`. Use it as `goodput::llm_bench`.
