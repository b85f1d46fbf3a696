//! The modules of a crate and which imports from which, with every name followed to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::SourceFile;
use super::code::{code_only, without_tests};

/// Where a module stands in its crate, from the root: empty for the root itself.
pub(super) type ModulePath = Vec<String>;

/// Somebody names something of another file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: ModulePath,
    pub(super) to: ModulePath,
    /// The file that imports.
    pub(super) file: String,
    pub(super) line: usize,
}

/// Words that stand before the name of an item.
const KEYWORDS: [&str; 11] =
    ["fn", "struct", "enum", "union", "trait", "type", "mod", "const", "static", "unsafe", "async"];

/// A path as it is written, from the crate's root.
#[derive(Debug, Clone)]
struct Path {
    parts: Vec<String>,
    line: usize,
}

#[derive(Debug, Default)]
struct Module {
    file: String,
    /// Names that `use` brings into the module, with where they come from.
    names: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names it takes over.
    globs: Vec<Vec<String>>,
    /// Names that stand behind `struct`, `fn` and their like.
    defined: BTreeSet<String>,
    /// Every path to another place of the crate.
    paths: Vec<Path>,
}

/// The modules of one crate, tests left out.
#[derive(Debug)]
pub(super) struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

impl Crate {
    /// Reads the crate whose root file is `root`, such as `hw/src/lib.rs`.
    pub(super) fn read(root: &str, files: &[SourceFile]) -> Self {
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut texts: BTreeMap<ModulePath, (&SourceFile, String)> = BTreeMap::new();
        for file in files.iter().filter(|f| f.has_extension("rs")) {
            let place = if file.path == root { Some(Vec::new()) } else { place_of(&file.path, folder) };
            if let Some(place) = place {
                texts.insert(place, (file, code_only(&file.text)));
            }
        }
        let tests: Vec<ModulePath> = texts.iter().flat_map(|(place, (_, code))| test_modules(place, code)).collect();
        texts.retain(|place, _| !tests.iter().any(|test| place.starts_with(test)));
        let places: BTreeSet<ModulePath> = texts.keys().cloned().collect();
        let read = |(place, (file, code)): (ModulePath, (&SourceFile, String))| {
            let module = Module::read(&file.path, &place, &places, &without_tests(&code));
            (place, module)
        };
        Self { modules: texts.into_iter().map(read).collect() }
    }

    /// Who imports from whom.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, module) in &self.modules {
            for path in &module.paths {
                let to = self.resolve(&path.parts, 0);
                if to != *from {
                    arrows.push(Arrow { from: from.clone(), to, file: module.file.clone(), line: path.line });
                }
            }
        }
        arrows.sort();
        arrows.dedup_by(|a, b| (&a.from, &a.to) == (&b.from, &b.to));
        arrows
    }

    /// The module that defines what a path from the root names.
    fn resolve(&self, path: &[String], depth: usize) -> ModulePath {
        let mut here = ModulePath::new();
        for (i, part) in path.iter().enumerate() {
            here.push(part.clone());
            if self.modules.contains_key(&here) {
                continue;
            }
            here.pop();
            let Some(module) = self.modules.get(&here) else { return here };
            // A circle of re-exports does not compile, but it must not stop this program either.
            if depth > 16 || module.defined.contains(part) {
                return here;
            }
            if let Some(target) = module.names.get(part) {
                let whole: Vec<String> = target.iter().chain(&path[i + 1..]).cloned().collect();
                return self.resolve(&whole, depth + 1);
            }
            let through = module.globs.iter().map(|glob| [glob.as_slice(), &path[i..]].concat());
            let found = through.map(|whole| self.resolve(&whole, depth + 1)).find(|place| self.defines(place, part));
            return found.unwrap_or(here);
        }
        here
    }

    fn defines(&self, place: &ModulePath, name: &str) -> bool {
        self.modules.get(place).is_some_and(|module| module.defined.contains(name))
    }
}

/// The place of a file below the folder of the crate's root; programs beside the library are crates of their own.
fn place_of(path: &str, folder: &str) -> Option<ModulePath> {
    let inside = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".rs")?;
    if inside.starts_with("bin/") || ["lib", "main"].contains(&inside) {
        return None;
    }
    let mut parts: ModulePath = inside.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    Some(parts)
}

/// Modules with a file of their own that only tests see.
fn test_modules(place: &ModulePath, code: &str) -> Vec<ModulePath> {
    let behind_marks = code.match_indices("#[cfg(test)]").map(|(at, mark)| &code[at + mark.len()..]);
    behind_marks
        .filter_map(|rest| {
            let words: Vec<&str> = rest.split(';').next()?.split_whitespace().collect();
            let name = match words.as_slice() {
                ["mod", name] | [_, "mod", name] => *name,
                _ => return None,
            };
            Some(place.iter().cloned().chain([name.to_owned()]).collect())
        })
        .collect()
}

impl Module {
    fn read(file: &str, place: &ModulePath, places: &BTreeSet<ModulePath>, code: &str) -> Self {
        let mut module = Self { file: file.to_owned(), ..Self::default() };
        let tokens = tokens(code);
        let mut at = 0;
        while at < tokens.len() {
            let (word, line) = tokens[at];
            if word == "use" {
                let end = at + tokens[at..].iter().position(|(t, _)| *t == ";").unwrap_or(tokens.len() - at);
                for leaf in leaves(&tokens[at + 1..end], &[]) {
                    module.take_use(place, places, &leaf, line);
                }
                at = end;
            } else if ["crate", "super", "self"].contains(&word) && tokens.get(at + 1).is_some_and(|t| t.0 == "::") {
                let parts: Vec<&str> = tokens[at..].iter().step_by(2).map(|t| t.0).take_while(|t| is_word(t)).collect();
                let n = tokens[at + 1..].iter().step_by(2).take_while(|t| t.0 == "::").count();
                let parts = &parts[..parts.len().min(n + 1)];
                if let Some(parts) = from_root(place, places, parts) {
                    module.paths.push(Path { parts, line });
                }
                at += 2 * parts.len().max(1) - 1;
            } else {
                let defines = ["struct", "enum", "union", "trait", "type", "fn", "const", "static", "macro_rules"];
                if defines.contains(&word)
                    && let Some((name, _)) = tokens[at + 1..].iter().find(|(t, _)| is_word(t) && *t != "mut")
                {
                    module.defined.insert((*name).to_owned());
                }
                at += 1;
            }
        }
        module
    }

    fn take_use(&mut self, place: &ModulePath, places: &BTreeSet<ModulePath>, leaf: &Leaf<'_>, line: usize) {
        let Some(mut parts) = from_root(place, places, &leaf.parts) else { return };
        self.paths.push(Path { parts: parts.clone(), line });
        match leaf.name {
            "*" => {
                parts.pop();
                self.globs.push(parts);
            }
            name => {
                self.names.insert(name.to_owned(), parts);
            }
        }
    }
}

/// What a crate's root offers: each name with its line, and whether it is a module.
pub(super) fn offered_names(code: &str) -> BTreeMap<String, usize> {
    let tokens = tokens(code);
    let mut offered = BTreeMap::new();
    let mut depth = 0_i32;
    let mut at = 0;
    while at < tokens.len() {
        let (word, line) = tokens[at];
        depth += i32::from(word == "{") - i32::from(word == "}");
        if depth > 0 {
            at += 1;
            continue;
        }
        // `pub(crate)` and its like offer nothing.
        match (tokens[at].0, tokens.get(at + 1).map(|t| t.0)) {
            ("pub", Some("use")) => {
                let end = at + tokens[at..].iter().position(|(t, _)| *t == ";").unwrap_or(tokens.len() - at);
                for leaf in leaves(&tokens[at + 2..end], &[]).into_iter().filter(|leaf| leaf.name != "*") {
                    offered.insert(leaf.name.to_owned(), line);
                }
                at = end;
            }
            ("pub", Some(kind)) if kind != "(" => {
                let name = tokens[at + 1..].iter().map(|t| t.0).find(|t| is_word(t) && !KEYWORDS.contains(t));
                offered.extend(name.map(|name| (name.to_owned(), line)));
                at += 2;
            }
            _ => at += 1,
        }
    }
    offered
}

/// The words that public functions, types and associated types of a file are made of, their own names left out.
pub(super) fn signature_words(code: &str) -> BTreeSet<String> {
    let tokens = tokens(code);
    let mut words = BTreeSet::new();
    for (at, (word, _)) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map_or("", |t| t.0);
        let is_associated = *word == "type" && tokens.get(at + 2).is_some_and(|t| t.0 == "=");
        let is_public = *word == "pub" && next != "(" && next != "use" && next != "mod";
        if !is_public && !is_associated {
            continue;
        }
        // The item's own name is the first word behind its keywords.
        let rest = tokens[at + 1..].iter().map(|t| t.0);
        let is_type = ["struct", "enum", "union", "trait"].contains(&next);
        let item: Vec<&str> = rest.skip_while(|t| KEYWORDS.contains(t)).skip(1).take_while(ends_of(is_type)).collect();
        words.extend(item.into_iter().filter(|t| is_word(t)).map(str::to_owned));
    }
    words
}

/// Lets the words of an item through: of a type with its body, of anything else up to it.
fn ends_of(is_type: bool) -> impl FnMut(&&str) -> bool {
    let mut depth = 0_i32;
    let mut is_over = false;
    move |token| {
        let was_over = is_over;
        match *token {
            "{" if !is_type => is_over = true,
            "{" | "(" => depth += 1,
            "}" | ")" => {
                depth -= 1;
                is_over = *token == "}" && depth <= 0;
            }
            ";" | "," if depth <= 0 && !is_type => is_over = *token == ";",
            ";" if depth <= 0 => is_over = true,
            _ => {}
        }
        !was_over && depth >= 0
    }
}

/// The names of another crate that a file uses, such as those of `forewarn_hw`; `None` if it takes all by a star.
pub(super) fn used_names(code: &str, krate: &str) -> Option<BTreeSet<String>> {
    let tokens = tokens(code);
    let mut used = BTreeSet::new();
    for (at, (word, _)) in tokens.iter().enumerate() {
        if *word != krate || tokens.get(at + 1).is_none_or(|t| t.0 != "::") {
            continue;
        }
        let end = at + tokens[at..].iter().position(|(t, _)| *t == ";").unwrap_or(tokens.len() - at);
        let is_tree = tokens.get(at + 2).is_some_and(|t| t.0 == "{");
        if !is_tree {
            used.extend(tokens.get(at + 2).map(|t| t.0.to_owned()));
            continue;
        }
        used.extend(leaves(&tokens[at..end], &[]).iter().filter_map(|leaf| leaf.parts.get(1)).map(|n| (*n).to_owned()));
    }
    if used.remove("*") { None } else { Some(used) }
}

/// The path from the root, if it begins in this crate.
fn from_root(place: &ModulePath, places: &BTreeSet<ModulePath>, parts: &[&str]) -> Option<Vec<String>> {
    let n_super = parts.iter().take_while(|p| **p == "super").count();
    let (base, rest): (&[String], &[&str]) = match parts.first().copied()? {
        "crate" => (&[], &parts[1..]),
        "super" => (&place[..place.len().saturating_sub(n_super)], &parts[n_super..]),
        "self" => (place, &parts[1..]),
        first => {
            let child: ModulePath = place.iter().cloned().chain([first.to_owned()]).collect();
            if !places.contains(&child) {
                return None;
            }
            (place, parts)
        }
    };
    Some(base.iter().cloned().chain(rest.iter().map(|p| (*p).to_owned())).collect())
}

/// One name that a `use` brings.
#[derive(Debug)]
struct Leaf<'a> {
    parts: Vec<&'a str>,
    /// What it is called from then on; a star for all names.
    name: &'a str,
}

/// The names of a tree such as `crate::{a::{self, B as C}, d::*}`.
fn leaves<'a>(tokens: &[(&'a str, usize)], prefix: &[&'a str]) -> Vec<Leaf<'a>> {
    let mut parts = prefix.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].0 {
            "::" => {}
            "{" => {
                let inner = &tokens[at + 1..tokens.len().saturating_sub(1)];
                return split_at_commas(inner).into_iter().flat_map(|part| leaves(part, &parts)).collect();
            }
            "*" => {
                parts.push("*");
                return vec![Leaf { parts, name: "*" }];
            }
            "as" => {
                let name = tokens.get(at + 1).map_or("_", |t| t.0);
                return vec![Leaf { parts, name }];
            }
            "self" if !parts.is_empty() => {}
            word => parts.push(word),
        }
        at += 1;
    }
    let name = parts.last().copied();
    name.map(|name| Leaf { parts, name }).into_iter().collect()
}

fn split_at_commas<'t, 'a>(tokens: &'t [(&'a str, usize)]) -> Vec<&'t [(&'a str, usize)]> {
    let mut depth = 0_i32;
    let parts = tokens.split(|(token, _)| {
        depth += i32::from(*token == "{") - i32::from(*token == "}");
        depth == 0 && *token == ","
    });
    parts.filter(|part| !part.is_empty()).collect()
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs, with their lines from 1.
fn tokens(code: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let inside = |c: char| c.is_alphanumeric() || c == '_';
            let length = if inside(first) {
                rest.find(|c| !inside(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            found.push((&rest[..length], number + 1));
            rest = rest[length..].trim_start();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<SourceFile> =
            files.iter().map(|(p, t)| SourceFile { path: format!("x/src/{p}"), text: (*t).to_owned() }).collect();
        let name = |place: &ModulePath| if place.is_empty() { "root".to_owned() } else { place.join("/") };
        let arrows = Crate::read("x/src/lib.rs", &files).arrows();
        arrows.iter().map(|a| format!("{} > {}:{}", name(&a.from), name(&a.to), a.line)).collect()
    }

    #[test]
    fn a_name_is_followed_to_the_file_that_defines_it() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use b::Thing;\npub use a::inner::*;"),
            ("a/mod.rs", "mod inner;\nuse crate::Thing;\nfn f() { crate::b::g(); }"),
            ("a/inner.rs", "pub struct Deep;\nuse super::Thing as Other;"),
            ("b.rs", "use crate::{Deep, a::{self, inner::Deep as D}};\npub enum Thing {}\npub fn g() {}"),
        ];
        assert_eq!(
            arrows(&files),
            ["root > a/inner:4", "root > b:3", "a > b:2", "a/inner > b:2", "b > a:1", "b > a/inner:1"]
        );
    }

    #[test]
    fn what_a_root_offers_and_a_file_uses_is_read() {
        let root = "pub mod a;\nmod b;\npub use b::{C, d::E as F};\npub(crate) use b::G;\npub const fn h() {}\nimpl I { pub fn j() {} }";
        assert_eq!(
            offered_names(root).into_iter().collect::<Vec<_>>(),
            [("C".to_owned(), 3), ("F".to_owned(), 3), ("a".to_owned(), 1), ("h".to_owned(), 5)]
        );
        let used = |code| used_names(code, "forewarn_x").map(|names| names.into_iter().collect::<Vec<_>>().join(" "));
        let code = "use forewarn_x::{C, a::{self, Deep}};\nfn f() { forewarn_x::h(); forewarn_y::z() }";
        assert_eq!(used(code).as_deref(), Some("C a h"));
        assert_eq!(used("use forewarn_x::*;"), None);
    }

    #[test]
    fn signatures_are_made_of_words() {
        let code = "pub struct A { b: B }\npub fn f<T>(x: C) -> Result<D, E> { g::<F>() }\nimpl G { type Err = H; }\n\
                    pub(crate) fn i(x: I) {}\npub enum J { K(L), M { n: N } }\nstruct O(P);";
        let words = signature_words(code);
        let of_types: Vec<&str> = words.iter().map(String::as_str).filter(|w| w.len() == 1).collect();
        assert_eq!(of_types, ["B", "C", "D", "E", "H", "K", "L", "M", "N", "T", "b", "n", "x"]);
    }

    #[test]
    fn tests_and_other_crates_make_no_arrows() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod tests;"),
            ("a.rs", "use std::fs;\nuse serde::{Serialize, de::*};\n#[cfg(test)]\nmod tests { use crate::b::X; }"),
            ("b.rs", "pub struct X; // use crate::a::Y"),
            ("tests.rs", "use crate::a::Y;"),
            ("bin/tool.rs", "use crate::a::Y;"),
        ];
        assert_eq!(arrows(&files), [""; 0]);
    }
}
