//! What vLLM's table and its JSON have in common.

use crate::{
    metrics::{Metrics, Summary},
    run::{Run, Task},
};
use goodput_grammar::ramp::{Ramp, RampKind};

/// A latency that `--percentile-metrics` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VllmMetric {
    /// `ttft`
    Ttft,
    /// `tpot`
    Tpot,
    /// `itl`
    Itl,
    /// `e2el`
    E2el,
    /// `client_queue_time`; shown only with a maximal concurrency.
    ClientQueueTime,
    /// `e2el_including_client_queue`; shown only with a maximal concurrency and a finite rate.
    E2elIncludingClientQueue,
}

impl VllmMetric {
    /// All metrics in the order in which they are shown, whatever the order asked for.
    pub const ALL: [VllmMetric; 6] = [
        VllmMetric::Ttft,
        VllmMetric::Tpot,
        VllmMetric::Itl,
        VllmMetric::E2el,
        VllmMetric::ClientQueueTime,
        VllmMetric::E2elIncludingClientQueue,
    ];

    /// The metric of this name.
    pub fn named(name: &str) -> Option<Self> {
        VllmMetric::ALL
            .into_iter()
            .find(|metric| metric.name() == name)
    }

    /// The metric's name, as in flags and JSON keys.
    pub fn name(self) -> &'static str {
        match self {
            VllmMetric::Ttft => "ttft",
            VllmMetric::Tpot => "tpot",
            VllmMetric::Itl => "itl",
            VllmMetric::E2el => "e2el",
            VllmMetric::ClientQueueTime => "client_queue_time",
            VllmMetric::E2elIncludingClientQueue => "e2el_including_client_queue",
        }
    }

    /// The metric's name in the table's lines.
    pub(super) fn label(self) -> &'static str {
        match self {
            VllmMetric::Ttft => "TTFT",
            VllmMetric::Tpot => "TPOT",
            VllmMetric::Itl => "ITL",
            VllmMetric::E2el => "E2EL",
            VllmMetric::ClientQueueTime => "Client Queue Time",
            VllmMetric::E2elIncludingClientQueue => "E2EL incl. Client Queue",
        }
    }

    /// The title of the metric's section in the table.
    pub(super) fn title(self) -> &'static str {
        match self {
            VllmMetric::Ttft => "Time to First Token",
            VllmMetric::Tpot => "Time per Output Token (excl. 1st token)",
            VllmMetric::Itl => "Inter-token Latency",
            VllmMetric::E2el => "End-to-end Latency",
            VllmMetric::ClientQueueTime => "Client-side Queueing",
            VllmMetric::E2elIncludingClientQueue => "Queue-inclusive End-to-end Latency",
        }
    }

    pub(super) fn of(self, metrics: &Metrics) -> &Summary {
        let latency = &metrics.latency;
        match self {
            VllmMetric::Ttft => &latency.ttft,
            VllmMetric::Tpot => &latency.tpot,
            VllmMetric::Itl => &latency.itl,
            VllmMetric::E2el => &latency.e2el,
            VllmMetric::ClientQueueTime => &latency.client_queue,
            VllmMetric::E2elIncludingClientQueue => &latency.e2el_with_client_queue,
        }
    }

    fn exists(self, run: &Run, options: &VllmOptions) -> bool {
        let queues = run.setup.max_concurrency.is_some();
        match self {
            VllmMetric::Ttft | VllmMetric::Tpot | VllmMetric::Itl => {
                options.tokenizer_known && run.setup.task == Task::Generate
            }
            VllmMetric::E2el => true,
            VllmMetric::ClientQueueTime => queues,
            VllmMetric::E2elIncludingClientQueue => queues && run.setup.rate.is_some(),
        }
    }
}

/// What vLLM's flags select.
#[derive(Debug, Clone, PartialEq)]
pub struct VllmOptions {
    /// `--percentile-metrics`. Default TTFT, TPOT and ITL; of answers without tokens E2EL.
    pub percentile_metrics: Option<Vec<VllmMetric>>,
    /// `--metric-percentiles`. Default 99.
    pub metric_percentiles: Vec<f64>,
    /// `--goodput` was given. Default false.
    pub goodput_given: bool,
    /// There is a tokenizer (no `--skip-tokenizer-init`): without one vLLM shows neither output
    /// tokens nor TTFT, TPOT and ITL. Default true.
    pub tokenizer_known: bool,
}

impl Default for VllmOptions {
    fn default() -> Self {
        VllmOptions {
            percentile_metrics: None,
            metric_percentiles: vec![99.0],
            goodput_given: false,
            tokenizer_known: true,
        }
    }
}

impl VllmOptions {
    /// The selected metrics that the run has, in vLLM's order.
    pub(super) fn metrics<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = VllmMetric> + 'a {
        const GENERATING: &[VllmMetric] = &[VllmMetric::Ttft, VllmMetric::Tpot, VllmMetric::Itl];
        let selected = match (&self.percentile_metrics, run.setup.task) {
            (Some(selected), _) => selected,
            (None, Task::Generate) => GENERATING,
            (None, Task::Pool) => &[VllmMetric::E2el],
        };
        let selected = |metric: &VllmMetric| selected.contains(metric);
        VllmMetric::ALL
            .into_iter()
            .filter(selected)
            .filter(|metric| metric.exists(run, self))
    }

    /// The `tokenizer_id` of results. As in vLLM, nothing if tokens are not counted at all, because the table shows
    /// tokens only with it. `none` if they are estimates.
    pub fn tokenizer_id(&self, run: &Run) -> Option<String> {
        let named = run.setup.tokenizer.clone();
        self.tokenizer_known
            .then(|| named.unwrap_or_else(|| "none".to_owned()))
    }

    /// The selected percentiles with their names in lines and keys: `99`, `99.9`.
    pub(super) fn percentiles(&self) -> impl Iterator<Item = (String, f64)> {
        let name = |percentile: &f64| (percentile.to_string(), *percentile);
        self.metric_percentiles.iter().map(name)
    }
}

/// The file name that vLLM gives a saved result: label (or else the backend), rate or ramp,
/// concurrency, the model's last path part, and the date as in
/// [`JsonOptions::date`](super::JsonOptions::date).
pub fn result_file_name(
    run: &Run,
    label: Option<&str>,
    model_id: &str,
    ramp: Option<&Ramp>,
    date: &str,
) -> String {
    let label = label
        .filter(|label| !label.is_empty())
        .unwrap_or(&run.setup.backend);
    let load = match ramp {
        Some(ramp) => {
            format!(
                "ramp-up-{}-{}qps-{}qps",
                ramp_name(ramp.kind),
                ramp.start,
                ramp.end
            )
        }
        // `{:?}` writes 10 as `10.0`, as Python does.
        None => match run.setup.rate {
            Some(rate) => format!("{rate:?}qps"),
            None => "infqps".to_owned(),
        },
    };
    let concurrency = match run.setup.max_concurrency {
        Some(most) => format!("-concurrency{most}"),
        None => String::new(),
    };
    let model = model_id.rsplit('/').next().unwrap_or(model_id);
    format!("{label}-{load}{concurrency}-{model}-{date}.json")
}

pub(super) fn ramp_name(kind: RampKind) -> &'static str {
    match kind {
        RampKind::Linear => "linear",
        RampKind::Exponential => "exponential",
    }
}
