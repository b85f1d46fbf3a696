//! No circles inside a crate: modules that stand side by side do not import each other, on no way round.
//!
//! The rule: at each level of the module tree, draw an arrow from one module to another where any file of the first,
//! with all that lies below it, names something that a file of the second defines; re-exports are followed to the
//! definition. These arrows form no circle. A module and what lies below it are one house: between parent and child
//! nothing is checked, so a child may use its parent's types and the parent call the child. Tests may look anywhere.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::imports::{Arrow, Crate, ModulePath};
use super::{Finding, SourceFile};

/// The arrows between the modules that stand side by side, each with an import that makes it.
type Level<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Arrow>>;

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let is_root = |path: &str| {
        let is_library = path.ends_with("src/lib.rs");
        let is_program = path.strip_suffix("main.rs").is_some_and(|folder| {
            let has_library = files.iter().any(|f| f.path.strip_suffix("lib.rs") == Some(folder));
            !has_library
        });
        is_library || is_program
    };
    let roots = files.iter().map(|f| f.path.as_str()).filter(|path| is_root(path));
    roots.flat_map(|root| circles(&Crate::read(root, files).arrows())).collect()
}

fn circles(arrows: &[Arrow]) -> Vec<Finding> {
    let mut levels: BTreeMap<&[String], Level<'_>> = BTreeMap::new();
    for arrow in arrows {
        let shared = arrow.from.iter().zip(&arrow.to).take_while(|(a, b)| a == b).count();
        if let (Some(from), Some(to)) = (arrow.from.get(shared), arrow.to.get(shared)) {
            let level = levels.entry(&arrow.from[..shared]).or_default();
            level.entry(from).or_default().entry(to).or_insert(arrow);
        }
    }
    levels.values().flat_map(circles_of_level).collect()
}

/// One finding for each knot, told by its shortest circle.
fn circles_of_level(level: &Level<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for start in level.keys() {
        if told.contains(start) {
            continue;
        }
        let Some(circle) = shortest_circle(level, start) else { continue };
        told.extend(circle.iter().map(|(from, _)| *from));
        let steps: Vec<String> = circle.iter().map(|(from, arrow)| step(from, arrow)).collect();
        findings.push(Finding {
            file: circle[0].1.file.clone(),
            line: circle[0].1.line,
            rule: "circle",
            what: format!("modules import each other in a circle: {}", steps.join(", ")),
            mend: "move what both need into a file of its own below them, or what one needs to where it is needed",
        });
    }
    findings
}

fn step(from: &str, arrow: &Arrow) -> String {
    let place = |place: &ModulePath| place.join("::");
    format!("{from} takes from {} ({}:{})", place(&arrow.to), arrow.file, arrow.line)
}

/// The shortest way from `start` back to it.
fn shortest_circle<'a>(level: &Level<'a>, start: &'a str) -> Option<Vec<(&'a str, &'a Arrow)>> {
    let mut came_from: BTreeMap<&str, (&'a str, &'a Arrow)> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(here) = open.pop_front() {
        for (&next, &arrow) in level.get(here).into_iter().flatten() {
            if came_from.contains_key(next) {
                continue;
            }
            came_from.insert(next, (here, arrow));
            if next == start {
                return Some(way_back(&came_from, start));
            }
            open.push_back(next);
        }
    }
    None
}

fn way_back<'a>(came_from: &BTreeMap<&str, (&'a str, &'a Arrow)>, start: &'a str) -> Vec<(&'a str, &'a Arrow)> {
    let mut way = Vec::new();
    let mut here = start;
    while let Some(&(before, arrow)) = came_from.get(here) {
        way.push((before, arrow));
        here = before;
        if here == start {
            break;
        }
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn parent_and_child_are_one_house() {
        let fine = found(&[
            ("x/src/lib.rs", "mod a;\nmod b;\npub use a::A;"),
            ("x/src/a/mod.rs", "mod part;\nuse part::P;\npub struct A;"),
            ("x/src/a/part.rs", "use super::A;\npub struct P;"),
            ("x/src/b.rs", "use crate::A;"),
        ]);
        assert_eq!(fine, [""; 0]);
    }

    #[test]
    fn a_circle_is_told_step_by_step() {
        let knot = found(&[
            ("x/src/lib.rs", "mod a;\nmod b;\nmod c;\npub use c::C;"),
            ("x/src/a.rs", "use crate::b::B;\npub struct A;"),
            ("x/src/b.rs", "\nuse crate::C;\npub struct B;"),
            ("x/src/c.rs", "use crate::a::A;\npub struct C;"),
        ]);
        assert_eq!(knot.len(), 1, "{knot:#?}");
        let told = "x/src/a.rs:1: [circle] modules import each other in a circle: a takes from b (x/src/a.rs:1), \
                    b takes from c (x/src/b.rs:2), c takes from a (x/src/c.rs:1). Mend: move what both need";
        assert!(knot[0].starts_with(told), "{knot:#?}");
    }

    #[test]
    fn a_circle_of_folders_is_one_too() {
        let files = [
            ("x/src/main.rs", "mod a;\nmod b;"),
            ("x/src/a/mod.rs", "mod one;\nmod two;"),
            ("x/src/a/one.rs", "use crate::b::B;"),
            ("x/src/a/two.rs", "pub struct T;"),
            ("x/src/b.rs", "use crate::a::two::T;\npub struct B;"),
        ];
        assert_eq!(found(&files).len(), 1);
        assert_eq!(found(&files[..4]).len(), 0);
    }
}
