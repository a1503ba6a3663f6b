//! The file of a shard: a heading, then a line for each request that it took up.
//!
//! The heading is the run without its requests, with its demands and how its command would show the result. Lines are
//! read one after the other, so that a merge holds the requests and nothing else.

use super::{judged::Judged, line::Line, shown::Shown};
use crate::{
    files,
    grammar::cut::Cut,
    record::Record,
    report::Report,
    run::{Run, ShardStart},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// Version of the form. It rises when a reader of the older form would be misled.
const FORM: u32 = 1;

/// The longest line, in bytes.
const LONGEST: u64 = 256 << 20;

/// Size of the buffers.
const BUFFER: usize = 1 << 20;

/// First line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Heading {
    /// Version of the form, [`FORM`].
    pub(super) goodput_shard: u32,
    /// Version of goodput.
    pub(super) version: String,
    /// Number of lines that follow.
    pub(super) requests: usize,
    pub(super) judged: Judged,
    pub(super) shown: Shown,
    pub(super) notes: Vec<String>,
    /// The run without its requests.
    pub(super) run: Run,
}

impl Heading {
    /// How the shard started.
    pub(super) fn start(&self) -> Option<&ShardStart> {
        self.run.audit.shard.as_deref()
    }
}

/// Writes the file of a shard. Answers are left out unless `texts`.
///
/// # Errors
/// The error of the system; or the run is not one of a shard that started.
pub(crate) fn write(
    path: &Path,
    report: &Report,
    cuts: (Option<Cut>, Option<Cut>),
    shown: Shown,
    texts: bool,
) -> io::Result<()> {
    let run = report.run();
    let heading = Heading {
        goodput_shard: FORM,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        requests: run.records.len(),
        judged: Judged::of(report.criteria(), cuts),
        shown,
        notes: report.notes().to_vec(),
        run: run.clone_without_records(),
    };
    files::replace(path, |file| {
        let mut file = BufWriter::with_capacity(BUFFER, file);
        serde_json::to_writer(&mut file, &heading)?;
        for record in &run.records {
            file.write_all(b"\n")?;
            serde_json::to_writer(&mut file, &Line::of(record, texts))?;
        }
        file.write_all(b"\n")?;
        file.flush()
    })
}

/// The smallest size of a line, in bytes.
const SHORTEST: u64 = 20;

/// A shard's file that is being read.
pub(super) struct Reader {
    pub(super) path: PathBuf,
    pub(super) heading: Heading,
    lines: Box<dyn BufRead>,
    /// Size of the file.
    bytes: u64,
}

impl Reader {
    /// Opens a file and reads its heading.
    ///
    /// # Errors
    /// Why it cannot be read as the file of a shard.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let unreadable = |e| format!("cannot be read: {e}");
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let lines = BufReader::with_capacity(BUFFER, file);
        Self::of(path, Box::new(lines), bytes)
    }

    /// Reads the heading of a file of this size.
    ///
    /// # Errors
    /// Why it cannot be read as the file of a shard.
    pub(super) fn of(path: &Path, mut lines: Box<dyn BufRead>, bytes: u64) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Form {
            goodput_shard: u32,
        }
        let mut line = Vec::new();
        next_line(&mut lines, &mut line).map_err(|e| format!("cannot be read: {e}"))?;
        let form: Form = serde_json::from_slice(&line).map_err(|_| {
            "is not the file of a shard, as `goodput serve --shard` writes it".to_owned()
        })?;
        if form.goodput_shard != FORM {
            return Err(format!(
                "is of another version of goodput (`goodput_shard` is {}; this one reads {FORM}). Use that version",
                form.goodput_shard
            ));
        }
        let heading: Heading = serde_json::from_slice(&line)
            .map_err(|e| format!("is damaged: its heading cannot be read ({e}). Copy it again"))?;
        if heading.start().is_none() {
            return Err("is damaged: its heading does not say which shard it is".to_owned());
        }
        Ok(Reader {
            path: path.to_owned(),
            heading,
            lines,
            bytes,
        })
    }

    /// The largest number of requests that the file has room for, whatever its heading says.
    pub(super) fn room(&self) -> usize {
        usize::try_from(self.bytes / SHORTEST).unwrap_or(usize::MAX)
    }

    /// Hands each request on.
    ///
    /// # Errors
    /// Why the file ends early.
    pub(super) fn read(mut self, mut each: impl FnMut(Record)) -> Result<(), String> {
        let all = self.heading.requests;
        let mut line = Vec::new();
        for number in 0..all {
            let read = next_line(&mut self.lines, &mut line);
            read.map_err(|e| format!("has {number} of its {all} requests: {e}"))?;
            let record = serde_json::from_slice::<Line<'_>>(&line)
                .map_err(|e| e.to_string())
                .and_then(|line| {
                    line.record()
                        .ok_or_else(|| "it contradicts itself".to_owned())
                });
            each(record.map_err(|e| format!("has an unreadable line {}: {e}", number + 2))?);
        }
        Ok(())
    }
}

/// The next line, without its end.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    line.clear();
    lines.by_ref().take(LONGEST).read_until(b'\n', line)?;
    match line.pop() {
        Some(b'\n') => Ok(()),
        _ if line.len() as u64 + 1 >= LONGEST => Err(io::Error::other("a line is too long")),
        _ => Err(io::Error::other("the file was cut off")),
    }
}
