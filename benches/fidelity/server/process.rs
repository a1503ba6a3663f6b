//! The truth server as a process of its own, seen from the bench.

use super::Pace;
use crate::{
    machine::Fallible,
    trace::{self, Trace},
};
use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

/// A running truth server. It ends with its standard input, so it does not outlive the bench.
pub(crate) struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(pace: Pace, core: usize) -> Fallible<Self> {
        let numbers = [pace.ttft, pace.itl, core as u64].map(|n| n.to_string());
        let mut process = Command::new(std::env::current_exe()?)
            .arg("truth-server")
            .args(numbers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().ok_or("the server has no stdout")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let port = line.trim().parse()?;
        Ok(Server {
            process,
            stdout,
            port,
        })
    }

    /// Ends the server and takes its log.
    pub(crate) fn stop(mut self) -> Fallible<Vec<Trace>> {
        drop(self.process.stdin.take());
        let log = trace::read_all(&mut self.stdout)?;
        self.process.wait()?;
        Ok(log)
    }
}
