//! Flags of a process that sends one shard of a run.

use crate::{
    bench::{Sharding, Together},
    files,
    grammar::{Mistake, duration},
    problem::Problem,
    redact,
    shard::{Shard, auto},
};
use jiff::Timestamp;
use std::{env, path::PathBuf, time::SystemTime};

/// Environment variable for `--shard`.
const SHARD: &str = "GOODPUT_SHARD";

/// Environment variable with the token of the rendezvous.
const TOKEN: &str = "GOODPUT_RENDEZVOUS_TOKEN";

/// What Slurm sets for a job that it started again.
const RESTARTS: &str = "SLURM_RESTART_COUNT";

/// Which part of the plan this process sends, and how it starts with the others.
#[derive(Debug, clap::Args)]
pub(in crate::cli::serve) struct ShardFlags {
    /// Send one part of the plan: 0/4 is the first of four. auto or auto/4 takes the number from Slurm, Kubernetes, MPI and
    /// others. `goodput merge` makes one result of the files. Also read from GOODPUT_SHARD; see docs/shards.md.
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    /// Where shard 0 listens and the others come to, so that all send the same plan from the same moment.
    #[arg(long, value_name = "HOST:PORT")]
    rendezvous: Option<String>,
    /// How long to wait there for the others, and for shard 0, which comes once the server is ready.
    #[arg(long, value_name = "TIME", default_value = "10m")]
    rendezvous_timeout: String,
    /// File with a text that only the shards of this run have. Also read from GOODPUT_RENDEZVOUS_TOKEN.
    #[arg(long, value_name = "FILE")]
    rendezvous_token_file: Option<PathBuf>,
    /// When all shards start, by the clocks of their machines, without a rendezvous: 2026-12-01T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    start_at: Option<String>,
}

impl ShardFlags {
    /// How this process takes part in a run of several; `None` if it sends the whole plan.
    pub(in crate::cli::serve) fn read(&self, problems: &mut Vec<Problem>) -> Option<Sharding> {
        let (field, text) = match &self.shard {
            Some(text) => ("--shard", text.clone()),
            None => match env::var(SHARD) {
                Ok(text) if !text.is_empty() => (SHARD, text),
                _ => {
                    self.alone(problems);
                    return None;
                }
            },
        };
        let shard = match which(field, &text) {
            Ok(shard) => Some(shard),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let start = self.start(shard, problems);
        Some(Sharding {
            shard: shard?,
            start: start?,
            restarted: env::var(RESTARTS)
                .ok()
                .filter(|count| !["", "0"].contains(&count.trim()))
                .map(|count| format!("{RESTARTS} = {count}")),
            host: crate::baseline::host_name(),
        })
    }

    /// Complains of flags that need `--shard`.
    fn alone(&self, problems: &mut Vec<Problem>) {
        let given = [
            ("--rendezvous", self.rendezvous.is_some()),
            ("--start-at", self.start_at.is_some()),
            (
                "--rendezvous-token-file",
                self.rendezvous_token_file.is_some(),
            ),
        ];
        for (flag, _) in given.into_iter().filter(|(_, given)| *given) {
            let fix = "is for a process that sends one of several shards. Add --shard, such as --shard 0/4";
            problems.push(Problem::new(flag, "(set)", fix));
        }
    }

    fn start(&self, shard: Option<Shard>, problems: &mut Vec<Problem>) -> Option<Together> {
        let at = self.start_at.as_deref().map(|text| {
            text.trim()
                .parse::<Timestamp>()
                .map(SystemTime::from)
                .map_err(|_| {
                    Problem::new(
                        "--start-at",
                        text,
                        "is not a time with its zone. Write it like 2026-12-01T12:00:00Z",
                    )
                })
        });
        let at = at
            .transpose()
            .map_err(|problem| problems.push(problem))
            .ok()?;
        match (&self.rendezvous, at) {
            (Some(_), Some(_)) => {
                let fix = "cannot be given together with --rendezvous, which agrees on the start. Remove one";
                problems.push(Problem::new("--start-at", "(set)", fix));
                None
            }
            (Some(place), None) => self.appointment(place, problems),
            (None, Some(at)) => Some(Together::At(at)),
            (None, None) if shard.is_some_and(|shard| !shard.is_whole()) => {
                let fix = "needs --rendezvous HOST:PORT or --start-at TIME, so that all shards start together. Add one";
                problems.push(Problem::new("--shard", shard?, fix));
                None
            }
            (None, None) => Some(Together::Alone),
        }
    }

    fn appointment(&self, place: &str, problems: &mut Vec<Problem>) -> Option<Together> {
        let before = problems.len();
        let port = place.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port
            .and_then(|(_, port)| port.parse::<u16>().ok())
            .is_none_or(|port| port == 0)
        {
            let fix = "is not HOST:PORT. Write the machine of shard 0 and a free port, such as node1:5555";
            problems.push(Problem::new("--rendezvous", place, fix));
        }
        let timeout = duration::parse(&self.rendezvous_timeout);
        let timeout = timeout.map_err(|Mistake(fix)| {
            problems.push(Problem::new(
                "--rendezvous-timeout",
                &self.rendezvous_timeout,
                fix,
            ));
        });
        let token = self.token().map_err(|problem| problems.push(problem));
        let (timeout, token) = (timeout.ok()?, token.ok()?);
        (problems.len() == before).then(|| Together::rendezvous(place.to_owned(), token, timeout))
    }

    fn token(&self) -> Result<Option<String>, Problem> {
        let token = match &self.rendezvous_token_file {
            Some(path) => {
                let flag = "--rendezvous-token-file";
                let text = files::text::read(path).map_err(|e| {
                    Problem::new(flag, path.display(), format!("cannot be read: {e}"))
                })?;
                let text = text.trim().to_owned();
                if text.is_empty() {
                    let fix = "is empty. Write a text into it that all shards have";
                    return Err(Problem::new(flag, path.display(), fix));
                }
                Some(text)
            }
            None => env::var(TOKEN).ok().filter(|token| !token.is_empty()),
        };
        if let Some(token) = &token {
            redact::learn(token);
        }
        Ok(token)
    }
}

/// The shard that a text names.
fn which(field: &str, text: &str) -> Result<Shard, Problem> {
    let text = text.trim();
    let given = match text.strip_prefix("auto") {
        Some("") => None,
        Some(rest) => {
            let count = rest
                .strip_prefix('/')
                .and_then(|count| count.trim().parse().ok());
            let count: usize = count.ok_or_else(|| {
                Problem::new(
                    field,
                    text,
                    "is not a shard. Write auto, auto/4, or a number and a count such as 0/4",
                )
            })?;
            Some(count)
        }
        None => {
            return text
                .parse()
                .map_err(|Mistake(fix)| Problem::new(field, text, fix));
        }
    };
    auto::detect(|name| env::var(name).ok(), given)
}
