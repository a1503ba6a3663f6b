//! A recorded answer, read by read.

use serde_json::Value;

/// The body bytes of each read with the read's time, chunked framing taken off.
pub(crate) fn reads(http: &[u8], recv: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let payload = payload(http);
    let recv = std::str::from_utf8(recv).unwrap();
    recv.lines()
        .map(|line| {
            let mut numbers = line.split('\t').map(|n| n.parse::<usize>().unwrap());
            let mut next = || numbers.next().unwrap();
            let (at, offset, length) = (next(), next(), next());
            let read = offset..offset + length;
            let bytes = payload.iter().filter(|range| range.start < read.end);
            let bytes = bytes.flat_map(|range| {
                let end = range.end.min(read.end);
                &http[range.start.max(read.start).min(end)..end]
            });
            (at as u64, bytes.copied().collect())
        })
        .collect()
}

/// Where the chunks' contents lie.
fn payload(http: &[u8]) -> Vec<std::ops::Range<usize>> {
    let find = |from: usize, what: &[u8]| {
        let found = http[from..].windows(what.len()).position(|w| w == what);
        from + found.expect("framing")
    };
    let mut chunks = Vec::new();
    let mut at = find(0, b"\r\n\r\n") + 4;
    loop {
        let start = find(at, b"\r\n") + 2;
        let size = std::str::from_utf8(&http[at..start - 2]).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            return chunks;
        }
        chunks.push(start..start + size);
        at = start + size + 2;
    }
}

/// The recorded times of the lines that hold a token.
pub(crate) fn token_times(lines: &str) -> Vec<u64> {
    let token = |line: &str| {
        let (at, text) = line.split_once('\t')?;
        let json: Value = serde_json::from_str(text.strip_prefix("data: ")?).ok()?;
        let choice = json["choices"].get(0)?;
        let content = choice["delta"]["content"]
            .as_str()
            .or(choice["text"].as_str())?;
        (!content.is_empty()).then(|| at.parse().unwrap())
    };
    lines.lines().filter_map(token).collect()
}
