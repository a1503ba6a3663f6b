//! Which part of a run is steady: what its ends that are cut off leave.

use super::{Basis, definition};
use crate::{
    clock::Nanos,
    run::{EndReason, Run, Steady},
    stats::settled,
};
use goodput_grammar::{cut::Cut, slo::Latency};

impl Run {
    /// Cuts the ends off. A request belongs to the time when it was to be sent, in a closed loop when it was sent; what is
    /// cut at the end counts from when nothing more was due.
    pub(crate) fn cut_off(&mut self, start: Option<Cut>, end: Option<Cut>) {
        if start.is_none() && end.is_none() {
            return;
        }
        let mut order: Vec<usize> = (0..self.records.len()).collect();
        order.sort_by_key(|at| (self.records[*at].intended, *at));
        let due = |place: usize| order.get(place).map(|at| self.records[*at].intended);
        let before = |time: Nanos| order.partition_point(|at| self.records[*at].intended < time);
        let all = order.len();
        let found = (start == Some(Cut::Auto)).then(|| self.settles(&order));
        let (first, from) = match start {
            None => (0, Nanos(0)),
            Some(Cut::Time(time)) => (before(Nanos(0).after(time)), Nanos(0).after(time)),
            Some(Cut::Requests(count)) => at(usize::try_from(count).unwrap_or(all), due),
            Some(Cut::Auto) => at(found.flatten().unwrap_or(0), due),
        };
        let over = match self.ending {
            Some(ending) if ending.why != EndReason::Plan => ending.at,
            _ => all.checked_sub(1).and_then(due).unwrap_or_default(),
        };
        let (last, to) = match end {
            None | Some(Cut::Auto) => (all, self.duration),
            Some(Cut::Time(time)) => {
                let to = Nanos(over.0.saturating_sub(Nanos(0).after(time).0));
                (before(to), to)
            }
            Some(Cut::Requests(count)) => {
                let kept = all.saturating_sub(usize::try_from(count).unwrap_or(all));
                (kept, due(kept).unwrap_or_default())
            }
        };
        let first = first.min(all);
        let last = last.clamp(first, all);
        for cut in order[..first].iter().chain(&order[last..]) {
            self.records[*cut].cut = true;
        }
        self.steady = Some(Steady {
            from,
            to: to.max(from),
            cut_start: first,
            cut_end: all - last,
            settled: found.map(|found| found.is_some()),
        });
    }

    /// The number of requests before the server has settled, by time to first token and end-to-end latency. `None` if it
    /// has not.
    fn settles(&self, order: &[usize]) -> Option<usize> {
        let basis = Basis::of_gate(self);
        let of = |latency: Latency| {
            let values = definition(latency).values;
            let ok = order
                .iter()
                .enumerate()
                .filter(|(_, at)| self.records[**at].ok());
            let each = ok.filter_map(|(place, at)| {
                Some((place, *values(&self.records[*at], basis).first()?))
            });
            let (places, series): (Vec<usize>, Vec<f64>) = each.unzip();
            (!series.is_empty()).then(|| Some(*places.get(settled(&series)?)?))
        };
        let found = [of(Latency::Ttft), of(Latency::E2el)];
        let found: Option<Vec<usize>> = found.into_iter().flatten().collect();
        found?.into_iter().max()
    }
}

/// A place in the order of the requests, with its time.
fn at(place: usize, due: impl Fn(usize) -> Option<Nanos>) -> (usize, Nanos) {
    match place {
        0 => (0, Nanos(0)),
        place => (place, due(place).unwrap_or(Nanos(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{
        measure,
        testing::{record, run_of},
    };
    use rstest::rstest;
    use std::time::Duration;

    /// A request every 100 ms for 10 s, the last with an answer that ends at 10.0 s; the first two seconds are slow.
    fn run() -> Run {
        let records = (0..100).map(|index| {
            let first = if index < 20 { 90 } else { 10 + index % 3 };
            let mut record = record(index * 100, &[index * 100 + first, index * 100 + 95], 4);
            record.index = index as usize;
            record
        });
        let mut run = run_of(records.collect());
        run.duration = Nanos(9_995_000_000);
        run
    }

    fn cut(text: &str) -> Option<Cut> {
        goodput_grammar::cut::parse(text).ok()
    }

    #[rstest]
    #[case("2s", "", (2_000, 9_995), (20, 0))]
    #[case("20 requests", "", (2_000, 9_995), (20, 0))]
    #[case("", "900ms", (0, 9_000), (0, 10))]
    #[case("", "10 requests", (0, 9_000), (0, 10))]
    #[case("2s", "1 request", (2_000, 9_900), (20, 1))]
    #[case("auto", "", (2_000, 9_995), (20, 0))]
    fn ends_are_cut_off(
        #[case] start: &str,
        #[case] end: &str,
        #[case] (from, to): (u64, u64),
        #[case] (cut_start, cut_end): (usize, usize),
    ) {
        let mut run = run();
        run.cut_off(cut(start), cut(end));
        let steady = run.steady.unwrap();
        let ms = |ms: u64| Nanos(ms * 1_000_000);
        assert_eq!((steady.from, steady.to), (ms(from), ms(to)));
        assert_eq!((steady.cut_start, steady.cut_end), (cut_start, cut_end));
        assert_eq!(
            run.records.iter().filter(|record| record.cut).count(),
            cut_start + cut_end
        );
        let metrics = measure(&run, &[]);
        let kept = 100 - cut_start - cut_end;
        assert_eq!(metrics.counts.completed, kept as u64);
        let seconds = (to - from) as f64 / 1e3;
        assert!((metrics.throughput.requests - kept as f64 / seconds).abs() < 1e-9);
        assert_eq!(metrics.gate.ttft.max > 50.0, cut_start == 0);
    }

    #[test]
    fn nothing_is_cut_off_unless_it_is_asked_for() {
        let mut run = run();
        run.cut_off(None, None);
        assert_eq!(run, self::tests::run());
    }

    #[test]
    fn what_never_settles_is_not_cut() {
        let mut run = run();
        for (index, record) in run.records.iter_mut().enumerate() {
            let first = record.sent.after(Duration::from_micros(index as u64 * 100));
            record.events.change(|events| events[0].at = first);
        }
        run.cut_off(cut("auto"), None);
        let steady = run.steady.unwrap();
        assert_eq!((steady.settled, steady.cut_start), (Some(false), 0));
    }

    #[test]
    fn a_run_shorter_than_its_cut_is_empty() {
        let mut run = run();
        run.cut_off(cut("1m"), None);
        assert_eq!(run.steady().records, []);
        assert_eq!(measure(&run, &[]).counts.completed, 0);
    }
}
