//! How much runs of one server differ: pairs of the server with itself.

use super::{
    Bench, Control,
    arm::{Arm, Which},
    conduct::{closed, opened},
};
use crate::{
    baseline::{MetricNoise, NOISE_FORMAT, NoiseFloor, host_name},
    error::Error,
    judge::Finding,
    metrics::Metrics,
    targets::{AnyTarget, Guard, Opened, Place, Target, TargetError},
};

impl Bench {
    /// Measures the target against itself, in as many pairs of runs as [`pairs`](Bench::pairs) says. All runs have
    /// the arrivals of the first plan; each has prompts of its own, which no prefix cache knows. `saved` is the day,
    /// as `2026-01-31`.
    ///
    /// # Errors
    /// As [`run_with`](Bench::run_with); and a run that is invalid, with the reason.
    pub fn noise_floor(&self, saved: &str, control: &Control) -> Result<NoiseFloor, Error> {
        let bench = &self.clone().checked()?;
        let target = &bench.target;
        let _lock = bench.lock_for(&[target], control)?;
        let (twin, guard) = Replica::of(target, control)?;
        let mut a = Arm::new(Which::A, bench, twin.clone()).with_own_prompts(0);
        let mut b = Arm::new(Which::B, bench, twin).with_own_prompts(1);
        let experiment = bench.experiment(&mut a, &mut b, control, false)?;
        a.close();
        b.close();
        if let Some(complaint) = closed(guard) {
            return Err(Error::Target(complaint));
        }
        match experiment.invalid {
            Some(Finding { message, .. }) => return Err(Error::Target(message)),
            None if experiment.pairs.len() < bench.demands.pairs => {
                return Err(Error::Ended(
                    "it was ended before all pairs were run".into(),
                ));
            }
            None => {}
        }
        for journal in a.journal().into_iter().chain(b.journal()) {
            journal.ended_well();
        }
        let of = |metric: crate::judge::Compared| {
            let value = |metrics: &Metrics| metric.value(metrics).filter(|value| *value > 0.0);
            let pair = |(a, b): &(Metrics, Metrics)| Some((value(a)?, value(b)?));
            let pairs: Option<Vec<(f64, f64)>> = experiment.pairs.iter().map(pair).collect();
            Some((metric.name(), MetricNoise::of(&pairs?)))
        };
        Ok(NoiseFloor {
            goodput_noise: NOISE_FORMAT,
            host: host_name(),
            saved: saved.to_owned(),
            target: target.describe(),
            pairs: bench.demands.pairs,
            requests: bench.load.planned(),
            metrics: bench
                .compared()
                .into_iter()
                .filter(|metric| metric.class.is_none())
                .filter_map(of)
                .collect(),
        })
    }
}

/// One side of a server's comparison with itself: opened already, unless it is started for each run anyway.
#[derive(Debug)]
struct Replica {
    target: AnyTarget,
    place: Place,
}

impl Replica {
    fn of(
        target: &AnyTarget,
        control: &Control,
    ) -> Result<(AnyTarget, Option<Box<dyn Guard>>), Error> {
        if target.in_turn() {
            return Ok((target.clone(), None));
        }
        let Opened { place, guard } = opened(target, control)?;
        let target = target.clone();
        Ok((Replica { target, place }.into(), guard))
    }
}

impl Target for Replica {
    fn describe(&self) -> String {
        self.target.describe()
    }

    fn open(&self) -> Result<Opened, TargetError> {
        Ok(Opened {
            place: self.place.clone(),
            guard: None,
        })
    }

    fn exclusive(&self) -> bool {
        self.target.exclusive()
    }

    fn has_metrics(&self) -> bool {
        self.target.has_metrics()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::compare::Rule;
    use rstest::rstest;

    fn floor(noise: &str) -> NoiseFloor {
        Bench::new("noise")
            .target(format!("sim(noise = {noise})"))
            .dataset("random(input = 4, output = 3)")
            .rate(100)
            .requests(20)
            .pairs(16)
            .noise_floor("2026-01-31", &Control::default())
            .unwrap()
    }

    #[rstest]
    #[case("0%", 0.0)]
    #[case("4%", 0.04)]
    #[case("10%", 0.1)]
    fn it_finds_the_noise_that_there_is(#[case] noise: &str, #[case] cv: f64) {
        let floor = floor(noise);
        let tpot = floor.metrics["mean(tpot)"];
        // 31 and 16 degrees of freedom: a standard error of 13 and 18 %.
        assert!((tpot.cv - cv).abs() <= 0.4 * cv + 1e-9, "{tpot:?}");
        assert!((tpot.paired_cv - cv).abs() <= 0.5 * cv + 1e-9, "{tpot:?}");
        assert_eq!((tpot.freedom, tpot.paired_freedom), (31.0, 16.0));
        assert_eq!(floor.metrics["1 - errors"].cv, 0.0);
    }

    #[test]
    fn more_pairs_show_smaller_changes() {
        let floor = floor("4%");
        let rule = Rule::default();
        let shown = |pairs| floor.detectable("mean(tpot)", pairs, &rule);
        assert_eq!(shown(1), None);
        assert!(shown(5) > shown(10) && shown(10) > shown(16), "{floor:?}");
        assert_eq!(floor.detectable("mean(itl)", 5, &rule), None);
    }

    #[test]
    fn it_is_kept_by_host() {
        let folder = tempfile::tempdir().unwrap();
        let floor = NoiseFloor {
            host: "a host/b".to_owned(),
            ..floor("0%")
        };
        let path = floor.save(folder.path()).unwrap();
        assert_eq!(path, folder.path().join("noise/a-host-b.json"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("{\n  \"goodput_noise\": 1,"), "{text}");
        assert_eq!(serde_json::from_str::<NoiseFloor>(&text).unwrap(), floor);
    }
}
