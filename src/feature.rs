//! What goodput says where a build lacks a feature: how to get it, in a crate and for the command.

/// Hint of a feature, to follow what needs it.
#[allow(
    unused_macros,
    reason = "a build may have every feature that it is asked for"
)]
macro_rules! needed {
    ($feature:literal) => {
        concat!(
            "needs goodput's feature `",
            $feature,
            "`. Write `goodput = { version = \"",
            env!("CARGO_PKG_VERSION"),
            "\", features = [\"",
            $feature,
            "\"] }` in Cargo.toml, or install the command with `cargo install goodput --features cli,",
            $feature,
            "`"
        )
    };
}

#[allow(
    unused_imports,
    reason = "a build may have every feature that it is asked for"
)]
pub(crate) use needed;
