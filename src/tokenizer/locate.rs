//! Finds the `tokenizer.json` for a name: a path, or a Hugging Face id in the local cache.

use super::TokenizerError;
use crate::paths::looked_in;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

const FILE: &str = "tokenizer.json";

/// Local Hugging Face caches, in search order: all places that `huggingface_hub` and `transformers` have
/// used.
pub(crate) fn caches(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let set = |key| {
        variable(key)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    // Windows sets the second variable. `~` is the home folder, as in `huggingface_hub`.
    let home = set("HOME").or_else(|| set("USERPROFILE"));
    let path = |key| {
        let path = set(key)?;
        match (path.strip_prefix("~"), &home) {
            (Ok(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(path),
        }
    };
    let found = [
        path("HF_HUB_CACHE"),
        path("HUGGINGFACE_HUB_CACHE"),
        path("TRANSFORMERS_CACHE"),
        path("HF_HOME").map(|home| home.join("hub")),
        path("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")),
        home.as_ref()
            .map(|home| home.join(".cache/huggingface/hub")),
    ];
    let mut caches: Vec<PathBuf> = Vec::new();
    for cache in found.into_iter().flatten() {
        if !caches.contains(&cache) {
            caches.push(cache);
        }
    }
    caches
}

/// Folder of a repository's revision in a cache: the main one, or the only one, as a download of a pinned
/// revision leaves it.
pub(crate) fn snapshot(repository: &Path) -> Option<PathBuf> {
    let snapshots = repository.join("snapshots");
    if let Ok(commit) = fs::read_to_string(repository.join("refs/main")) {
        let main = snapshots.join(commit.trim());
        return main.is_dir().then_some(main);
    }
    let entries = fs::read_dir(snapshots).ok()?;
    let mut folders = entries.filter_map(|entry| Some(entry.ok()?.path()).filter(|p| p.is_dir()));
    let only = folders.next()?;
    folders.next().is_none().then_some(only)
}

/// Path of the `tokenizer.json` for `name`.
pub(super) fn tokenizer_json(name: &str, caches: &[PathBuf]) -> Result<PathBuf, TokenizerError> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if path.is_dir() {
        let file = path.join(FILE);
        return if file.is_file() {
            Ok(file)
        } else {
            Err(TokenizerError::new(format!(
                "tokenizer `{name}`: the directory holds no `{FILE}`; save one there (a \
                 SentencePiece `tokenizer.model` alone cannot be read), or name another tokenizer"
            )))
        };
    }
    if !is_id(name) {
        return Err(TokenizerError::new(format!(
            "tokenizer `{name}`: no such file or directory{}; give the path of a `{FILE}` or of a \
             directory that holds one, or a Hugging Face id such as `org/name`",
            looked_in(Path::new(name))
        )));
    }
    caches
        .iter()
        .find_map(|cache| in_cache(cache, name))
        .ok_or_else(|| {
            let looked: Vec<String> = caches
                .iter()
                .map(|cache| format!("`{}`", repository(cache, name).display()))
                .collect();
            TokenizerError::new(format!(
                "tokenizer `{name}` is neither a path nor in the local Hugging Face cache (looked \
                 for {FILE} in the main or the only revision in {}); fetch it once with `hf download {name} \
                 {FILE} tokenizer_config.json`, or give the path of a `{FILE}`",
                looked.join(", ")
            ))
        })
}

/// Whether a name can be a Hugging Face id: `name` or `org/name`.
fn is_id(name: &str) -> bool {
    let valid = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    let parts: Vec<&str> = name.split('/').collect();
    parts.len() <= 2 && parts.into_iter().all(valid) && !name.ends_with(".json")
}

fn repository(cache: &Path, id: &str) -> PathBuf {
    cache.join(format!("models--{}", id.replace('/', "--")))
}

fn in_cache(cache: &Path, id: &str) -> Option<PathBuf> {
    let file = snapshot(&repository(cache, id))?.join(FILE);
    file.is_file().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::scratch;
    use rstest::rstest;

    #[test]
    fn caches_are_searched_from_the_most_specific_variable() {
        let set = |key: &str| match key {
            "HF_HUB_CACHE" => Some("/hub".into()),
            "HUGGINGFACE_HUB_CACHE" => Some("~/old".into()),
            "TRANSFORMERS_CACHE" => Some("/transformers".into()),
            "HF_HOME" => Some("/home/hf".into()),
            "XDG_CACHE_HOME" => Some("/xdg".into()),
            "HOME" => Some("/home/me".into()),
            _ => None,
        };
        let expected = [
            "/hub",
            "/home/me/old",
            "/transformers",
            "/home/hf/hub",
            "/xdg/huggingface/hub",
            "/home/me/.cache/huggingface/hub",
        ];
        assert_eq!(caches(set), expected.map(PathBuf::from));
        assert_eq!(caches(|_| Some(OsString::new())), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_home_folder_of_windows_has_a_cache() {
        let set = |key: &str| (key == "USERPROFILE").then(|| "/users/me".into());
        let expected = PathBuf::from("/users/me/.cache/huggingface/hub");
        assert_eq!(caches(set), [expected]);
    }

    #[test]
    fn without_a_main_revision_the_only_one_is_taken() {
        let cache = scratch();
        let file = cache.file("models--org--small/snapshots/pinned/tokenizer.json", "{}");
        let caches = [cache.to_owned()];
        assert_eq!(tokenizer_json("org/small", &caches).unwrap(), file);
        cache.file("models--org--small/snapshots/other/tokenizer.json", "{}");
        let error = tokenizer_json("org/small", &caches)
            .unwrap_err()
            .to_string();
        assert!(error.contains("the main or the only revision"), "{error}");
    }

    #[test]
    fn an_id_is_found_at_the_main_revision_of_the_first_cache_that_has_it() {
        let cache = scratch();
        let repository = cache.join("models--org--small");
        for (folder, name, content) in [
            ("refs", "main", "abc\n"),
            ("snapshots/abc", FILE, "{}"),
            ("snapshots/old", FILE, "{}"),
        ] {
            cache.file(&format!("models--org--small/{folder}/{name}"), content);
        }
        let found =
            tokenizer_json("org/small", &[cache.join("nowhere"), cache.to_owned()]).unwrap();
        assert_eq!(found, repository.join("snapshots/abc").join(FILE));
    }

    #[test]
    fn a_directory_stands_for_the_file_in_it() {
        let folder = scratch();
        let error = tokenizer_json(folder.to_str().unwrap(), &[]).unwrap_err();
        assert!(error.to_string().contains("holds no `tokenizer.json`"));
        folder.file(FILE, "{}");
        let found = tokenizer_json(folder.to_str().unwrap(), &[]).unwrap();
        assert_eq!(found, folder.join(FILE));
    }

    #[rstest]
    #[case("org/name", &["`org/name`", "`/c/models--org--name`", "hf download org/name"])]
    #[case("gpt2", &["`/c/models--gpt2`"])]
    #[case("missing/tokenizer.json", &["`missing/tokenizer.json`", "no such file"])]
    #[case("/no/such/place", &["`/no/such/place`", "no such file"])]
    #[case("../up", &["no such file"])]
    #[case("", &["no such file"])]
    fn a_miss_says_what_was_looked_for(#[case] name: &str, #[case] parts: &[&str]) {
        let error = tokenizer_json(name, &["/c".into()])
            .unwrap_err()
            .to_string();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }
}
