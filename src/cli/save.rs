//! Result files, named and written as `vllm bench serve` does.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What a default file name is made of.
pub(super) struct Naming<'a> {
    pub(super) label: &'a str,
    pub(super) rate: f64,
    pub(super) ramp: Option<(&'a str, f64, f64)>,
    pub(super) max_concurrency: Option<usize>,
    pub(super) model: &'a str,
    pub(super) date: &'a str,
}

impl Naming<'_> {
    /// `{label}-{rate}qps[-concurrency{N}]-{model}-{date}.json`
    pub(super) fn file_name(&self) -> String {
        let load = match self.ramp {
            Some((strategy, start, end)) => format!("ramp-up-{strategy}-{start}qps-{end}qps"),
            None => format!("{}qps", python_float(self.rate)),
        };
        let concurrency = match self.max_concurrency {
            Some(n) => format!("-concurrency{n}"),
            None => String::new(),
        };
        let model = self.model.rsplit('/').next().unwrap_or_default();
        format!("{}-{load}{concurrency}-{model}-{}.json", self.label, self.date)
    }
}

/// As Python prints a float: `10.0`, `inf`.
fn python_float(value: f64) -> String {
    if value.fract() == 0.0 && value.is_finite() {
        format!("{value:.1}")
    } else {
        value.to_string()
    }
}

/// Makes the folder and tries to write into it, so that a run is not lost at its end.
pub(super) fn check_folder(folder: &Path) -> Result<(), String> {
    let attempt = fs::create_dir_all(folder).and_then(|()| {
        let probe = folder.join(format!(".goodput-{}", std::process::id()));
        File::create(&probe).and_then(|_| fs::remove_file(&probe))
    });
    attempt.map_err(|e| {
        format!(
            "--result-dir {}: cannot write there: {e}. Choose a folder you may write to",
            folder.display()
        )
    })
}

/// Writes a result: a file of its own, or one more line of an existing one.
pub(super) fn write(path: &Path, json: &str, append: bool) -> io::Result<()> {
    if !append {
        return fs::write(path, json);
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if file.metadata()?.len() > 0 {
        file.write_all(b"\n")?;
    }
    file.write_all(json.as_bytes())
}

/// Where a result goes that could not be written where it was wanted.
pub(super) fn rescue(json: &str) -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("goodput-result-{}.json", std::process::id()));
    fs::write(&path, json)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(f64::INFINITY, None, None, "vllm-infqps-tiny-20260101-000000.json")]
    #[case(10.0, None, Some(4), "vllm-10.0qps-concurrency4-tiny-20260101-000000.json")]
    #[case(0.5, None, None, "vllm-0.5qps-tiny-20260101-000000.json")]
    #[case(
        f64::INFINITY,
        Some(("linear", 1.0, 5.0)),
        None,
        "vllm-ramp-up-linear-1qps-5qps-tiny-20260101-000000.json"
    )]
    fn file_names_are_vllms(
        #[case] rate: f64,
        #[case] ramp: Option<(&str, f64, f64)>,
        #[case] max_concurrency: Option<usize>,
        #[case] expected: &str,
    ) {
        let naming = Naming {
            label: "vllm",
            rate,
            ramp,
            max_concurrency,
            model: "org/tiny",
            date: "20260101-000000",
        };
        assert_eq!(naming.file_name(), expected);
    }
}
