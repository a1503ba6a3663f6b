//! Noise floor of a host: how much runs of an unchanged server differ there.

use super::{
    format::FormatError,
    host::host_name,
    store::{Store, unusable},
};
use crate::{
    error::Error,
    files::{self, text},
    stats::compare::{Rule, detectable_by},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Version of the file that [`NoiseFloor::save`] writes. It rises when a reader of the older form would be
/// misled.
pub const NOISE_FORMAT: u32 = 1;

/// How much runs of an unchanged server differ on a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseFloor {
    /// Version of the format, 1.
    pub goodput_noise: u32,
    /// Host name of the client's machine.
    pub host: String,
    /// Day of the measurement, UTC, such as `2026-01-31`.
    pub saved: String,
    /// Target of the measurement.
    pub target: String,
    /// Number of pairs of runs.
    pub pairs: usize,
    /// Number of requests of each run.
    pub requests: usize,
    /// Noise by metric, as an SLO names it.
    pub metrics: BTreeMap<String, MetricNoise>,
}

/// How much one metric differs between runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricNoise {
    /// Standard deviation over mean of all runs: how much a run differs from one at another time, including
    /// drift.
    pub cv: f64,
    /// Degrees of freedom of `cv`.
    pub freedom: f64,
    /// Coefficient of variation of two consecutive runs, from their log ratios.
    pub paired_cv: f64,
    /// Degrees of freedom of `paired_cv`.
    pub paired_freedom: f64,
}

impl MetricNoise {
    /// Estimates the noise from pairs of runs of an unchanged server.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Self {
        let count = pairs.len() as f64;
        let logs = pairs
            .iter()
            .flat_map(|(a, b)| [libm::log(*a), libm::log(*b)]);
        let mean = logs.clone().sum::<f64>() / (2.0 * count);
        let squares: f64 = logs.map(|log| (log - mean) * (log - mean)).sum();
        // The expected ratio of a server and itself is 1.
        let ratios = pairs.iter().map(|(a, b)| libm::log(b / a));
        let of_ratios: f64 = ratios.map(|ratio| ratio * ratio).sum::<f64>() / count;
        // Smaller values are rounding, not noise.
        let cv = |variance: f64| libm::round(libm::expm1(variance).sqrt() * 1e6) / 1e6;
        MetricNoise {
            cv: cv(squares / (2.0 * count - 1.0)),
            freedom: 2.0 * count - 1.0,
            paired_cv: cv(of_ratios / 2.0),
            paired_freedom: count,
        }
    }
}

impl NoiseFloor {
    /// Smallest relative worsening of a metric that this number of pairs shows nine times out of ten.
    pub fn detectable(&self, metric: &str, pairs: usize, rule: &Rule) -> Option<f64> {
        let noise = self.metrics.get(metric)?;
        detectable_by(noise.cv, noise.paired_cv, pairs, rule)
    }

    /// Checks before a measurement that the file in this folder is writable.
    ///
    /// # Errors
    /// The error of the system.
    #[cfg(feature = "cli")]
    pub(crate) fn check(folder: &Path) -> io::Result<()> {
        files::check(&folder.join("noise").join(noise_file(&host_name())))
    }

    /// Writes `noise/HOST.json` in this folder, which it creates if necessary, and returns the path.
    ///
    /// # Errors
    /// The error of the system.
    pub fn save(&self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join("noise").join(noise_file(&self.host));
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        files::replace(&path, |file| file.write_all(text.as_bytes()))?;
        Ok(path)
    }
}

/// Name of a host's file.
fn noise_file(host: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    format!("{}.json", host.replace(|c| !allowed(c), "-"))
}

/// Path of this host's file.
fn path(store: &Store) -> PathBuf {
    store.noise_folder().join(noise_file(&host_name()))
}

/// Noise that `goodput ab --aa` measured on this host; `None` without a measurement.
pub(super) fn of_this_host(store: &Store) -> Result<Option<NoiseFloor>, Error> {
    let path = path(store);
    let text = match text::read_own(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let what = format!("cannot read {}", path.display());
            return Err(Error::Io { what, source });
        }
    };
    #[derive(Deserialize)]
    struct Version {
        goodput_noise: u32,
    }
    let damaged = |e: serde_json::Error| unusable(&path, &FormatError::Damaged(e.to_string()));
    let version: Version = serde_json::from_str(&text).map_err(damaged)?;
    if version.goodput_noise > NOISE_FORMAT {
        return Err(unusable(&path, &FormatError::Newer(version.goodput_noise)));
    }
    serde_json::from_str(&text).map(Some).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_of_newer_versions_and_damaged_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let path = path(&store);
        assert_eq!(of_this_host(&store).unwrap(), None);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            of_this_host(&store)
        };
        let noise = read(
            r#"{"goodput_noise": 1, "host": "a", "saved": "2026-11-25", "target": "http://a:1",
                "pairs": 5, "requests": 200, "metrics": {"mean(ttft)": {"cv": 0.02, "freedom": 9.0,
                "paired_cv": 0.01, "paired_freedom": 5.0}}}"#,
        );
        assert_eq!(noise.unwrap().unwrap().metrics["mean(ttft)"].cv, 0.02);
        let newer = read(r#"{"goodput_noise": 2}"#).unwrap_err().to_string();
        assert!(newer.contains("by a newer goodput (format 2"), "{newer}");
        assert!(
            read("{")
                .unwrap_err()
                .to_string()
                .contains("Restore the file")
        );
    }
}
