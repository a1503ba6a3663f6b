//! Where relative paths lead.

use std::path::Path;

/// Where a file that is not there was looked for, behind "no such file"; nothing for an absolute path, which
/// says it itself.
///
/// There is one rule: Cargo runs tests and benches in the folder of their `Cargo.toml`, `goodput run` works in
/// that of the suite file, and the other commands where they are called.
pub(crate) fn looked_in(file: &Path) -> String {
    match std::env::current_dir() {
        Ok(folder) if file.is_relative() => format!(
            " in {}, from which relative paths are taken",
            folder.display()
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_paths_are_looked_up_in_a_folder() {
        let folder = std::env::current_dir().unwrap();
        let said = looked_in(Path::new("prompts.jsonl"));
        assert_eq!(
            said,
            format!(
                " in {}, from which relative paths are taken",
                folder.display()
            )
        );
        assert_eq!(looked_in(&folder.join("prompts.jsonl")), "");
    }
}
