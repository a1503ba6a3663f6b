//! The servers that a sweep starts, one at a time.

use crate::{
    address::Endpoint,
    error::Error,
    inspect::Inspector,
    observer::Observer,
    problem::Problem,
    redact, screen,
    stop::Stop,
    targets::{AnyTarget, Guard, Opened, Place, ServerProcess, TargetError},
};
use reqwest::header::HeaderMap;
use std::{net::TcpListener, path::PathBuf, process, time::Duration};

/// The paths that empty the caches of a vLLM server, which has them with `VLLM_SERVER_DEV_MODE=1`.
const RESETS: [&str; 3] = [
    "/reset_prefix_cache",
    "/reset_mm_cache",
    "/reset_encoder_cache",
];

/// How long an answer to one of them may take.
const RESET_LIMIT: Duration = Duration::from_secs(60);

/// The port of a command that names none, as of `vllm serve`.
const PORT: u16 = 8000;

/// A command that starts a server.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) words: Vec<String>,
    /// Where it writes what it prints.
    pub(super) log: PathBuf,
}

/// All servers of a sweep, of which at most one runs.
pub(super) struct Servers {
    pub(super) starts: Vec<Start>,
    pub(super) ready_timeout: Duration,
    /// The command after each case, instead of emptying vLLM's caches.
    pub(super) after: Vec<String>,
    pub(super) running: Option<Running>,
}

/// The server that was started last, or why it could not be started: the cases that need it have the same reason.
pub(super) struct Running {
    place: usize,
    started: Result<(Endpoint, Option<Box<dyn Guard>>), String>,
}

/// Says on stderr what a starting server waits for.
struct Said;

impl Observer for Said {
    fn says(&self, line: &str) {
        screen::tell(format_args!("goodput {line}"));
    }
}

impl Servers {
    /// The address of a server, which is started if it does not run. Another one is stopped before.
    ///
    /// # Errors
    /// It did not start.
    pub(super) fn address(&mut self, place: usize, stop: &Stop) -> Result<String, Error> {
        if self
            .running
            .as_ref()
            .is_none_or(|running| running.place != place)
        {
            self.stop();
            let started = self.start(place, stop);
            if let Err(TargetError::Ended) = started {
                return Err(Error::ended("started a server"));
            }
            let started = started.map_err(|e| redact::text(&e.to_string()));
            self.running = Some(Running { place, started });
        }
        match self.running.as_ref().map(|running| &running.started) {
            Some(Ok((endpoint, _))) => Ok(endpoint.to_string()),
            Some(Err(why)) => Err(Error::Target(why.clone())),
            None => Err(Error::Target("no server was started".to_owned())),
        }
    }

    fn start(
        &self,
        place: usize,
        stop: &Stop,
    ) -> Result<(Endpoint, Option<Box<dyn Guard>>), TargetError> {
        let start = &self.starts[place];
        let mut server = ServerProcess::new(shell_words::join(&start.words))
            .ready_timeout(self.ready_timeout)
            .env("VLLM_SERVER_DEV_MODE", "1")
            .log(&start.log);
        if let Some(folder) = start.log.parent() {
            // The server's own message follows if this fails.
            let _ = std::fs::create_dir_all(folder);
        }
        if let Some(port) = port(&start.words).map_err(TargetError::Unreadable)? {
            // Whatever has the port would answer for the server.
            TcpListener::bind(("127.0.0.1", port)).map_err(|e| {
                TargetError::Failed(format!(
                    "port {port} of the server to start is not free: {e}. End what listens there, or write {{port}}"
                ))
            })?;
            server = server.port(port);
        }
        let Opened { place, guard } = AnyTarget::from(server).open_until(stop, &Said)?;
        match place {
            Place::Endpoint(endpoint) => Ok((endpoint, guard)),
            _ => Err(TargetError::Failed("the server has no address".to_owned())),
        }
    }

    /// Stops the server that runs; says what it complains of.
    pub(super) fn stop(&mut self) {
        let running = self.running.take().and_then(|running| running.started.ok());
        if let Some((_, Some(guard))) = running
            && let Err(why) = guard.close()
        {
            screen::error(redact::text(&why));
        }
    }

    /// Prepares the server for the next case, as vLLM does.
    ///
    /// # Errors
    /// The command failed, or the caches could not be emptied.
    pub(super) fn after_case(&self, stop: &Stop) -> Result<(), String> {
        let Some(Running {
            place,
            started: Ok((endpoint, _)),
        }) = &self.running
        else {
            return Ok(());
        };
        if let [program, arguments @ ..] = self.after.as_slice() {
            let ended = process::Command::new(program)
                .args(arguments)
                .stdout(process::Stdio::null())
                .status()
                .map_err(|e| format!("cannot start `{program}` of --after-bench-cmd: {e}"))?;
            if !ended.success() {
                return Err(format!("`{program}` of --after-bench-cmd failed ({ended})"));
            }
            return Ok(());
        }
        if !has_resets(&self.starts[*place].words) {
            return Ok(());
        }
        let inspector = Inspector::new(endpoint, false)?;
        let headers = HeaderMap::new();
        RESETS
            .iter()
            .try_for_each(|path| inspector.post(path, &headers, RESET_LIMIT, stop))
            .map_err(|why| format!("the server's caches were not emptied: {why}"))
    }
}

/// Whether the command is vLLM's, by the end of its first word.
fn has_resets(words: &[String]) -> bool {
    words
        .first()
        .is_some_and(|program| program.ends_with("vllm"))
}

/// The port that a command names; `None` if goodput chooses one for `{port}`.
fn port(words: &[String]) -> Result<Option<u16>, String> {
    if words.iter().any(|word| word.contains("{port}")) {
        return Ok(None);
    }
    match value(words, &["--port", "-p"]) {
        None => Ok(Some(PORT)),
        Some(text) => match text.parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(format!("`--port {text}` is not a port from 1 to 65535")),
        },
    }
}

fn value<'a>(words: &'a [String], names: &[&str]) -> Option<&'a str> {
    let place = words.iter().position(|word| {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        names.contains(&name)
    })?;
    match words[place].split_once('=') {
        Some((_, value)) => Some(value),
        None => words.get(place + 1).map(String::as_str),
    }
}

/// What goodput cannot do with a command that starts a server.
pub(super) fn problems(words: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if words.is_empty() {
        let message = "is empty. Write it like \"vllm serve MODEL --port {port}\"";
        problems.push(Problem::new("--serve-cmd", "", message));
    }
    if let Err(message) = port(words) {
        problems.push(Problem::new("--serve-cmd", "", message));
    }
    if let Some(host) = value(words, &["--host"])
        && !["localhost", "127.0.0.1", "0.0.0.0", "::"].contains(&host)
    {
        let message = "lets the server listen elsewhere, but goodput asks it at 127.0.0.1. Write --host 127.0.0.1";
        problems.push(Problem::new(
            "--serve-cmd",
            format!("--host {host}"),
            message,
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("vllm serve m", Ok(Some(8000)))]
    #[case("vllm serve m --port 9", Ok(Some(9)))]
    #[case("vllm serve m --port=9", Ok(Some(9)))]
    #[case("server -p 9", Ok(Some(9)))]
    #[case("server --port {port}", Ok(None))]
    #[case("server --port many", Err(()))]
    fn the_port_is_the_commands(#[case] line: &str, #[case] expected: Result<Option<u16>, ()>) {
        let words = shell_words::split(line).unwrap();
        assert_eq!(port(&words).map_err(drop), expected);
    }

    #[rstest]
    #[case("", 1)]
    #[case("vllm serve m --host 0.0.0.0", 0)]
    #[case("vllm serve m --host 10.0.0.1 --port x", 2)]
    fn a_command_that_cannot_be_used_is_refused(#[case] line: &str, #[case] count: usize) {
        let words = shell_words::split(line).unwrap();
        assert_eq!(problems(&words).len(), count);
    }
}
