//! A source file and what it imports, tests left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use syn::{
    Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility,
    visit::{self, Visit},
};

/// Segments of a path, from the root of the crate.
type Segments = Vec<String>;

/// One file.
pub(crate) struct Source {
    /// Its module.
    pub(crate) path: Segments,
    /// What it names of other modules.
    pub(crate) imports: BTreeSet<Segments>,
    /// What it hands on: names by which others find something elsewhere.
    handed_on: BTreeMap<String, Segments>,
    /// Files that are tests, by their modules.
    tests: Vec<Segments>,
}

impl Source {
    /// Of a module's text.
    pub(crate) fn of(path: &[&str], text: &str) -> Self {
        let path: Segments = path.iter().map(|&segment| segment.to_owned()).collect();
        let file = syn::parse_file(text).unwrap_or_else(|e| panic!("{}: {e}", path.join("::")));
        let mut reader = Reader {
            inside: path.clone(),
            source: Source {
                path,
                imports: BTreeSet::new(),
                handed_on: BTreeMap::new(),
                tests: Vec::new(),
            },
            modules: modules_in(&file.items),
        };
        reader.visit_file(&file);
        reader.source
    }

    pub(crate) fn name(&self) -> String {
        self.path.join("::")
    }
}

/// All files below a folder but tests, helpers of tests, the root and programs.
pub(crate) fn all(folder: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    read(folder, &mut Vec::new(), &mut sources);
    let tests: Vec<Segments> = sources.iter().flat_map(|s| s.tests.clone()).collect();
    sources.retain(|source| !tests.iter().any(|test| source.path.starts_with(test)));
    sources
}

fn read(folder: &Path, path: &mut Segments, sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            if path.is_empty() && name == "bin" {
                continue;
            }
            path.push(name);
            read(&entry.path(), path, sources);
            path.pop();
        } else if let Some(module) = name.strip_suffix(".rs") {
            let mut module_path = path.clone();
            match module {
                "lib" if path.is_empty() => continue,
                "private" if path.is_empty() => module_path.push("__private".to_owned()),
                "mod" => {}
                module => module_path.push(module.to_owned()),
            }
            let text = fs::read_to_string(entry.path()).unwrap();
            let module_path: Vec<&str> = module_path.iter().map(String::as_str).collect();
            sources.push(Source::of(&module_path, &text));
        }
    }
}

/// Which file imports which. What a file only hands on counts for those who import it from there.
pub(crate) fn links(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let by_path: BTreeMap<&[String], &Source> = sources
        .iter()
        .map(|source| (&source.path[..], source))
        .collect();
    let link = |source: &Source| {
        let handed_on: BTreeSet<&Segments> = source.handed_on.values().collect();
        let imports = source
            .imports
            .iter()
            .filter(|import| !handed_on.contains(import));
        let targets = imports.filter_map(|import| file_of(import, &by_path, 0));
        let others = targets.filter(|name| *name != source.name());
        (source.name(), others.collect())
    };
    sources.iter().map(link).collect()
}

/// The file in which what has this path stands.
fn file_of(path: &[String], files: &BTreeMap<&[String], &Source>, depth: usize) -> Option<String> {
    let longest = (1..=path.len())
        .rev()
        .find(|&n| files.contains_key(&path[..n]))?;
    let file = files[&path[..longest]];
    let elsewhere = path.get(longest).and_then(|name| file.handed_on.get(name));
    match elsewhere {
        // Names may be handed on several times, but not for ever.
        Some(elsewhere) if depth < 8 && elsewhere != path => file_of(elsewhere, files, depth + 1),
        _ => Some(file.name()),
    }
}

fn modules_in(items: &[Item]) -> BTreeSet<String> {
    let modules = items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

struct Reader {
    source: Source,
    /// The module at hand: the file's, or one inside of it.
    inside: Segments,
    /// Modules that the file declares.
    modules: BTreeSet<String>,
}

impl Reader {
    /// From the root of the crate; `None` for other crates and for what stands in the file itself.
    fn absolute(&self, path: &[String]) -> Option<Segments> {
        let mut at = self.inside.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                at.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            first if self.modules.contains(first) => {}
            _ => return None,
        }
        at.extend(rest.iter().cloned());
        (!at.is_empty() && !rest.is_empty()).then_some(at)
    }

    fn note(&mut self, path: &[String]) -> Option<Segments> {
        let path = self.absolute(path)?;
        self.source.imports.insert(path.clone());
        Some(path)
    }

    fn tree(&mut self, tree: &UseTree, before: &mut Segments, public: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before, public);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before, public);
                }
            }
            UseTree::Glob(_) => {
                self.note(before);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned();
                self.named(name, before, public);
            }
            UseTree::Name(name) => {
                before.push(name.ident.to_string());
                self.named(Some(name.ident.to_string()), before, public);
                before.pop();
            }
            UseTree::Rename(rename) => {
                before.push(rename.ident.to_string());
                self.named(Some(rename.rename.to_string()), before, public);
                before.pop();
            }
        }
    }

    fn named(&mut self, name: Option<String>, path: &[String], public: bool) {
        if let (Some(path), Some(name), true) = (self.note(path), name, public) {
            self.source.handed_on.insert(name, path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_of_tests(attributes(item)) {
            if let Item::Mod(ItemMod {
                ident,
                content: None,
                ..
            }) = item
            {
                let mut path = self.inside.clone();
                path.push(ident.to_string());
                self.source.tests.push(path);
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.inside.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        self.tree(&item.tree, &mut Vec::new(), public);
    }

    /// Where something may be seen is no import.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Segments = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if path.leading_colon.is_none() && ["crate", "super"].contains(&segments[0].as_str()) {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }

    /// The tokens of a macro are not parsed; paths from the root show all the same.
    fn visit_macro(&mut self, mac: &'ast Macro) {
        let text = mac.tokens.to_string();
        let words: Vec<&str> = text.split_whitespace().collect();
        for (at, _) in words
            .iter()
            .enumerate()
            .filter(|(_, word)| **word == "crate")
        {
            if words.get(at + 1) == Some(&"::") && (at == 0 || words[at - 1] != "$") {
                let after = words[at + 2..].chunks(2);
                let named = after.map(|pair| (pair[0], pair.get(1) == Some(&"::")));
                let mut path = vec!["crate".to_owned()];
                for (name, goes_on) in named {
                    path.push(
                        name.trim_end_matches(|c: char| !c.is_alphanumeric())
                            .to_owned(),
                    );
                    if !goes_on {
                        break;
                    }
                }
                self.note(&path);
            }
        }
        visit::visit_macro(self, mac);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether something is there for tests, and perhaps fuzzers, alone.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    let of_tests = |attribute: &Attribute| {
        let text = quote(attribute);
        text.starts_with("cfg")
            && text.contains("test")
            && !text.contains("not")
            && !text.contains("feature")
    };
    attributes.iter().any(of_tests)
}

fn quote(attribute: &Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => format!("cfg {}", list.tokens),
        _ => String::new(),
    }
}
