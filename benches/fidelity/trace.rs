//! What one side of a run saw of each request, and its compact form on disk and in pipes.

use crate::machine::Fallible;
use std::io::{Read, Write};

/// Rises with every change of the form.
const MAGIC: &[u8; 16] = b"goodput-trace 01";

/// One request as one side saw it. The two sides' clocks need not have the same origin.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trace {
    /// `x-request-id`.
    pub(crate) id: String,
    /// The server: when the request had arrived. A client: when it began to send. Nanoseconds.
    pub(crate) start: u64,
    /// The server: when the write of each token returned. A client: when it says each arrived.
    pub(crate) tokens: Vec<u64>,
}

pub(crate) fn write_all(traces: &[Trace], to: &mut impl Write) -> Fallible<()> {
    to.write_all(MAGIC)?;
    put(to, traces.len() as u64)?;
    for trace in traces {
        put(to, trace.id.len() as u64)?;
        to.write_all(trace.id.as_bytes())?;
        put(to, trace.start)?;
        put(to, trace.tokens.len() as u64)?;
        for token in &trace.tokens {
            put(to, *token)?;
        }
    }
    Ok(())
}

pub(crate) fn read_all(from: &mut impl Read) -> Fallible<Vec<Trace>> {
    let mut magic = [0; MAGIC.len()];
    from.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err("not a trace of this version of the bench".into());
    }
    let mut traces = Vec::new();
    for _ in 0..get(from)? {
        let mut id = vec![0; usize::try_from(get(from)?)?];
        from.read_exact(&mut id)?;
        let start = get(from)?;
        let tokens = (0..get(from)?).map(|_| get(from));
        traces.push(Trace {
            id: String::from_utf8(id)?,
            start,
            tokens: tokens.collect::<Fallible<_>>()?,
        });
    }
    Ok(traces)
}

fn put(to: &mut impl Write, number: u64) -> Fallible<()> {
    Ok(to.write_all(&number.to_le_bytes())?)
}

fn get(from: &mut impl Read) -> Fallible<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
