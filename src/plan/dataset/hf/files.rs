//! Where the files of a set are, and which of them are read.

use super::hub::{self, Hub, Listing};
use crate::{
    plan::{PlanError, dataset::complaints::whole_file},
    tokenizer::{caches, snapshot},
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

/// Words by which names of files tell their split.
const SPLITS: [&str; 7] = ["train", "test", "validation", "valid", "val", "dev", "eval"];

/// The files of a set.
pub(super) struct Files<'a> {
    /// Relative to the set.
    names: Vec<String>,
    place: Place<'a>,
    /// The path as the user wrote it.
    path: PathBuf,
}

enum Place<'a> {
    Folder(PathBuf),
    /// A set at a commit.
    Hub {
        hub: Box<Hub<'a>>,
        id: String,
        sha: String,
    },
}

impl<'a> Files<'a> {
    /// The files of a folder, of the local cache, or of the hub. Waits for the hub as long as the plan is wanted.
    pub(super) fn of(
        path: &Path,
        id: &str,
        unwanted: Option<&'a AtomicBool>,
    ) -> Result<Self, PlanError> {
        if path.is_dir() {
            return Files::in_folder(path, path.to_owned());
        }
        if Path::new(id) != path {
            let what = "is not a folder; with `hf(name)`, give the folder of a set";
            return Err(whole_file(path, what));
        }
        let hub = || Hub::of_environment(unwanted).map_err(|e| unreachable(path, &e));
        let cached = caches(|key| std::env::var_os(key))
            .into_iter()
            .find_map(|cache| Some((cached(&cache, id)?, cache)));
        match cached {
            Some((Cached::Whole(folder), _)) => {
                let files = Files::in_folder(path, folder)?;
                if !files.names.is_empty() {
                    return Ok(files);
                }
            }
            Some((Cached::InPart(listing), cache)) => {
                return Ok(Files::listed(path, hub()?.with_cache(cache), id, listing));
            }
            None => {}
        }
        Files::of_hub(path, hub()?, id)
    }

    /// The files of the hub; what it downloads stays in its cache.
    pub(super) fn of_hub(path: &Path, hub: Hub<'a>, id: &str) -> Result<Self, PlanError> {
        let mut first_error = None;
        // The second is where the hub puts parquet for sets that have none of their own.
        for revision in ["main", "refs/convert/parquet"] {
            match hub.list(id, revision) {
                Ok(listing) if listing.clone().names().iter().any(|name| is_data(name)) => {
                    return Ok(Files::listed(path, hub, id, listing));
                }
                Ok(_) => {}
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(match first_error {
            Some(error) => unreachable(path, &error),
            None => whole_file(path, "has no parquet or JSON file on the hub"),
        })
    }

    pub(super) fn listed(path: &Path, hub: Hub<'a>, id: &str, listing: Listing) -> Self {
        let sha = listing.sha.clone();
        let mut names = listing.names();
        names.retain(|name| is_data(name));
        names.sort();
        Files {
            names,
            place: Place::Hub {
                hub: Box::new(hub),
                id: id.to_owned(),
                sha,
            },
            path: path.to_owned(),
        }
    }

    fn in_folder(path: &Path, folder: PathBuf) -> Result<Self, PlanError> {
        let mut names = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(inside) = folders.pop() {
            let unreadable = |error| whole_file(&inside, format!("cannot be read: {error}"));
            for entry in fs::read_dir(&inside).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?.path();
                let hidden = entry
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with('.'));
                if entry.is_dir() && !hidden {
                    folders.push(entry);
                } else if let Ok(name) = entry.strip_prefix(&folder) {
                    let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
                    names.push(parts.join("/"));
                }
            }
        }
        names.retain(|name| is_data(name));
        names.sort();
        Ok(Files {
            names,
            place: Place::Folder(folder),
            path: path.to_owned(),
        })
    }

    /// The folder that the set lies in, if it is here.
    pub(super) fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            Place::Hub { .. } => None,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|found| found == name)
    }

    /// The path of a file, which is downloaded if it is not here.
    pub(super) fn fetch(&self, name: &str) -> Result<PathBuf, PlanError> {
        match &self.place {
            Place::Folder(folder) => Ok(folder.join(name)),
            Place::Hub { hub, id, sha } => hub.fetch(id, sha, name).map_err(|error| {
                whole_file(
                    &self.path,
                    format!("`{name}` cannot be downloaded: {error}"),
                )
            }),
        }
    }

    /// Files of a subset (a folder) and a split (a word in their names), in order. A subset that
    /// was not asked for need not be there. Parquet is taken where there is parquet.
    pub(super) fn choose(
        &self,
        subset: Option<&str>,
        asked: bool,
        split: Option<&str>,
    ) -> Result<Vec<String>, PlanError> {
        let mut names: Vec<&String> = self.names.iter().collect();
        if names.iter().any(|name| name.ends_with(".parquet")) {
            names.retain(|name| name.ends_with(".parquet"));
        }
        if let Some(subset) = subset {
            let inside = |name: &&&String| name.split('/').any(|part| part == subset);
            if names.iter().any(|name| inside(&name)) {
                names.retain(|name| inside(&name));
            } else if asked {
                let folders: BTreeSet<&str> = names
                    .iter()
                    .filter_map(|name| name.split_once('/').map(|(folder, _)| folder))
                    .collect();
                let folders = Vec::from_iter(folders).join(", ");
                return Err(whole_file(
                    &self.path,
                    format!("has no subset `{subset}`; its folders are {folders}"),
                ));
            }
        }
        if let Some(split) = split {
            let told = |name: &&&String| SPLITS.iter().any(|split| has_word(name, split));
            if names.iter().any(|name| has_word(name, split)) {
                names.retain(|name| has_word(name, split));
            } else if names.iter().any(|name| told(&name)) {
                let all: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                return Err(whole_file(
                    &self.path,
                    format!(
                        "has no file of the split `{split}`; its files are {}",
                        all.join(", ")
                    ),
                ));
            }
        }
        if names.is_empty() {
            Err(whole_file(
                &self.path,
                "has no parquet, JSON or JSON lines file",
            ))
        } else {
            Ok(names.into_iter().cloned().collect())
        }
    }
}

/// Returns whether goodput can read rows from a file of this name.
fn is_data(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let data = [".parquet", ".json", ".jsonl"];
    let about_data = ["dataset_infos.json", "dataset_info.json", "state.json"];
    data.iter().any(|ending| file.ends_with(ending)) && !about_data.contains(&file)
}

/// Returns whether a name has this word, with no letter or digit next to it.
fn has_word(name: &str, word: &str) -> bool {
    let outside = |character: Option<char>| character.is_none_or(|c| !c.is_alphanumeric());
    name.match_indices(word).any(|(at, _)| {
        outside(name[..at].chars().next_back()) && outside(name[at + word.len()..].chars().next())
    })
}

/// What a cache has of a set.
pub(super) enum Cached {
    /// A folder that has all files, by what is known: another program has filled it.
    Whole(PathBuf),
    /// Some of the files in this list; the others are downloaded when they are needed.
    InPart(Listing),
}

pub(super) fn cached(cache: &Path, id: &str) -> Option<Cached> {
    let set = hub::set_in(cache, id);
    let folder = snapshot(&set)?;
    let commit = folder.file_name()?.to_string_lossy();
    Some(match hub::listed(&set, &commit) {
        Some(listing) => Cached::InPart(listing),
        None => Cached::Whole(folder),
    })
}

fn unreachable(path: &Path, error: &dyn std::fmt::Display) -> PlanError {
    let id = path.display();
    whole_file(
        path,
        format!(
            "is not a folder and not in the local Hugging Face cache, and the hub cannot be \
             reached: {error}. With a network elsewhere, fetch it with `hf download --repo-type \
             dataset {id}` and give its folder and name"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::scratch;
    use rstest::rstest;

    #[rstest]
    #[case("data/train-00000-of-00001.parquet", "train", true)]
    #[case("clean/train.100/0000.parquet", "train", true)]
    #[case("training.parquet", "train", false)]
    #[case("constrain.json", "train", false)]
    #[case("validation.json", "val", false)]
    #[case("val.json", "val", true)]
    fn a_split_is_a_word_of_a_name(#[case] name: &str, #[case] word: &str, #[case] is: bool) {
        assert_eq!(has_word(name, word), is);
    }

    fn files(names: &[&str]) -> Files<'static> {
        let folder = scratch();
        for name in names {
            folder.file(name, "");
        }
        Files::in_folder(Path::new("org/set"), folder.to_owned()).unwrap()
    }

    #[test]
    fn files_are_chosen_by_subset_and_split() {
        let set = files(&[
            "README.md",
            "dataset_infos.json",
            "main/test-0.parquet",
            "main/train-0.parquet",
            "other/test-0.parquet",
            "extra.json",
        ]);
        let choose = |subset, asked, split| set.choose(subset, asked, split);
        assert_eq!(
            choose(Some("main"), false, Some("test")).unwrap(),
            ["main/test-0.parquet"]
        );
        assert_eq!(choose(Some("none"), false, Some("test")).unwrap().len(), 2);
        let error = choose(Some("none"), true, None).unwrap_err().to_string();
        assert!(
            error.contains("no subset `none`; its folders are main, other"),
            "{error}"
        );
        let error = choose(None, false, Some("val")).unwrap_err().to_string();
        assert!(error.contains("no file of the split `val`"), "{error}");
    }

    #[test]
    fn names_that_tell_no_split_are_all_of_it() {
        let set = files(&["question.jsonl"]);
        assert_eq!(
            set.choose(None, false, Some("train")).unwrap(),
            ["question.jsonl"]
        );
        let error = files(&["a.csv"]).choose(None, false, None).unwrap_err();
        assert!(
            error.to_string().contains("has no parquet, JSON"),
            "{error}"
        );
    }

    #[test]
    fn a_set_is_found_in_a_cache_at_its_main_revision() {
        let cache = scratch();
        cache.file("datasets--org--set/refs/main", "abc\n");
        let file = cache.file("datasets--org--set/snapshots/abc/a.json", "[]");
        let Some(Cached::Whole(folder)) = cached(&cache, "org/set") else {
            panic!("it is there");
        };
        assert_eq!(Some(folder.as_path()), file.parent());
        assert!(cached(&cache, "org/other").is_none());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let Err(error) = Files::of(Path::new("gone"), "org/set", None) else {
            panic!("there is no such folder");
        };
        assert!(
            error
                .to_string()
                .contains("dataset `gone`: is not a folder"),
            "{error}"
        );
    }
}
