//! Runs in several processes as the engines of clusters start them, against a simulated server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(target_os = "linux", feature = "cli"))]

#[path = "../support/folder.rs"]
mod folder;

mod clocks;
mod kubelet;
mod kubernetes;
mod mpi;
mod netns;
mod relay;
mod skew;
mod slurm;
mod slurmd;
mod world;
