//! A project whose SLOs are kept as tests: see `tests/` and `benches/`.
