//! Advice for projects that run live benches with nextest.

use super::registry::Entry;
use crate::{
    lock::{own_file, own_path},
    screen,
    targets::AnyTarget,
};
use std::{
    env, fs,
    io::{self, Read, Seek, Write},
    path::Path,
};

/// What keeps all other tests away while a live bench is measured. The filter is by the test's name: one by
/// its binary is an error for nextest in every run that leaves the binary out, such as `--lib` or `-p other`.
const SNIPPET: &str = "\
[[profile.default.overrides]]
filter = 'test(=NAME)'
threads-required = \"num-test-threads\"";

/// Whether nextest runs this process: for one bench alone.
pub(super) fn runs_this() -> bool {
    env::var_os("NEXTEST").is_some()
}

/// The nextest setting that live benches need, when it is missing. It is printed once a run, too; but nextest hides
/// what passing tests print, so it stays with the result.
///
/// The measurement lock keeps benches apart, but only nextest can keep *other* tests from running at the same time.
pub(super) fn advise(entry: &Entry, target: &AnyTarget) -> Option<String> {
    let parallel = env::var("NEXTEST_TEST_THREADS").is_ok_and(|n| n != "1");
    if !runs_this() || !parallel || !target.exclusive() {
        return None;
    }
    let run = env::var("NEXTEST_RUN_ID").ok()?;
    let configured = match env::var("NEXTEST_WORKSPACE_ROOT") {
        Ok(root) => is_configured(Path::new(&root)),
        // Older versions do not tell; the workspace is the crate's folder or one above it.
        Err(_) => entry.home().ancestors().any(is_configured),
    };
    if configured {
        return None;
    }
    let advice = format!(
        "goodput: other tests may run at the same time as this live bench. Put this into \
         .config/nextest.toml to keep them away; join several benches with `|`:\n\n{}\n",
        SNIPPET.replace("NAME", &entry.path())
    );
    if is_first_of(&run).unwrap_or(true) {
        // Straight to stderr: nextest shows it with the test's output.
        screen::err(&advice);
    }
    Some(advice)
}

/// Whether no other test of this nextest run, each in a process of its own, has asked yet. One
/// file remembers the last run that asked.
fn is_first_of(run: &str) -> io::Result<bool> {
    let mut file = own_file(&own_path("nextest-advice"))?;
    file.lock()?;
    let mut last = String::new();
    file.read_to_string(&mut last)?;
    if last == run {
        return Ok(false);
    }
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(run.as_bytes())?;
    Ok(true)
}

/// Whether nextest's configuration in this folder has the setting.
fn is_configured(folder: &Path) -> bool {
    fs::read_to_string(folder.join(".config/nextest.toml"))
        .is_ok_and(|config| config.contains("threads-required"))
}
