//! The ground-truth bench: how far are a client's numbers from what the server did, and what does
//! an event cost it? `docs/fidelity.md` says how it measures and how to read its table.

#[cfg(target_os = "linux")]
mod args;
#[cfg(target_os = "linux")]
mod bare;
#[cfg(target_os = "linux")]
mod client;
#[cfg(target_os = "linux")]
mod compare;
#[cfg(target_os = "linux")]
mod edge;
#[cfg(target_os = "linux")]
mod launch;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod measured;
#[cfg(target_os = "linux")]
mod pairs;
#[cfg(target_os = "linux")]
mod points;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod spread;
#[cfg(target_os = "linux")]
mod startup;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod trace;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the fidelity bench needs Linux (epoll, CPU affinity); nothing was measured");
}
