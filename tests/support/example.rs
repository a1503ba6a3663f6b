//! The programs of `examples/`. cargo builds them before a whole `cargo test`, but not before one `--test`, which would
//! run what an earlier build has left; then they are built here.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::SystemTime,
};

/// The program, as new as its sources.
pub(crate) fn example(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let tests = std::env::current_exe().unwrap();
    let profile = tests.ancestors().nth(2).unwrap();
    let program = profile.join("examples").join(name);
    let _turn = ONE_AT_A_TIME.lock();
    let built = fs::metadata(&program).and_then(|program| program.modified());
    if built.is_err() || built.unwrap() < newest_source() {
        build(name, profile);
    }
    program
}

fn newest_source() -> SystemTime {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = ["src", "macros", "examples", "Cargo.toml"]
        .map(|path| root.join(path))
        .into();
    let mut newest = SystemTime::UNIX_EPOCH;
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let inside = fs::read_dir(path)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            paths.extend(inside.filter(|path| !path.ends_with("tests")));
        } else if path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "toml")
        {
            newest = newest.max(fs::metadata(path).unwrap().modified().unwrap());
        }
    }
    newest
}

fn build(name: &str, profile: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--example", name])
        .args(["--no-default-features", "--features", &features()])
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().unwrap();
    assert!(status.success(), "examples/{name} cannot be built");
}

/// The features of these tests.
fn features() -> String {
    macro_rules! enabled {
        ($($feature:literal)*) => { [$(cfg!(feature = $feature).then_some($feature)),*] };
    }
    let all = enabled!(
        "tokenizers" "tls" "wiremock" "junit" "insta" "media" "cli" "hf" "csv" "parquet"
    );
    all.into_iter().flatten().collect::<Vec<_>>().join(",")
}
