//! Entry point of benchmark targets.

/// Defines the `main` of a benchmark target with `harness = false`: it runs the `#[llm_bench]` functions of
/// the file. For `benches/gates.rs`, Cargo.toml needs:
///
/// ```toml
/// [[bench]]
/// name = "gates"
/// harness = false
/// ```
///
/// Without `harness = false` the file does not compile.
///
/// ```no_run
/// use goodput::llm_bench;
///
/// #[llm_bench(rate = 10)]
/// fn completions() {}
///
/// goodput::main!();
/// ```
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::process::ExitCode {
            $crate::harness::main()
        }

        // libtest's harness replaces `main`, and then this function does not exist. A constant, because
        // editors, which do not know the difference, would always show `compile_error!`.
        #[test]
        fn __goodput_needs_harness_false() {
            const _: () = ::core::panic!(
                "goodput::main!() needs `harness = false`: write it below `name = …` in the table of \
                 this file in Cargo.toml, which is [[bench]], [[test]] or [[example]]"
            );
        }
    };
}
