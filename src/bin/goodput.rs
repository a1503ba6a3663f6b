//! The `goodput` command.

fn main() -> std::process::ExitCode {
    goodput::cli::main()
}
