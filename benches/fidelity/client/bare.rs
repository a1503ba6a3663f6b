//! The bare reader as a process of its own.

use super::{Order, Seen, launch};
use crate::{launch::Launch, machine::Fallible, trace};
use std::{fs::File, io::BufReader};

pub(super) fn run(order: &Order<'_>) -> Fallible<(Seen, Launch)> {
    let result = order.folder.join("bare.trace");
    let command = [
        std::env::current_exe()?.display().to_string(),
        "bare".to_owned(),
        order.port.to_string(),
        order.dataset.display().to_string(),
        order.point.requests.to_string(),
        order.point.rate.to_string(),
        result.display().to_string(),
    ];
    let launch = launch(order.folder, order.cores(), &[0], &command)?;
    let traces = trace::read_all(&mut BufReader::new(File::open(result)?))?;
    Ok((Seen::Tokens(traces), launch))
}
