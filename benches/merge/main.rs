//! What it costs to merge the files of shards: `cargo bench --features cli --bench merge`.
//!
//! Four processes send 2,000 requests to `goodput sim`. Their files are made longer: the same requests come again and again,
//! each time later. Then `goodput merge` reads them as a process of its own. `-- --requests 1000000 --tokens 500` sets the sizes.

#![allow(clippy::unwrap_used, reason = "a bench that cannot run panics")]

#[cfg(unix)]
mod cost;
#[cfg(unix)]
mod shards;

#[cfg(unix)]
fn main() {
    cost::main();
}

#[cfg(not(unix))]
fn main() {
    println!("the bench of merges needs the resource usage of Unix; nothing was measured");
}
