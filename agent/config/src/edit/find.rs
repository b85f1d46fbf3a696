//! Where the names of a path lead in a parsed file.

use std::ops::Range;

use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Table, TableLike, Value};

use super::{EditError, KeyPath};
use crate::nearest::meant;

/// The lists of tables that a site file may have, and the key by which an entry is known.
const LISTS: [(&str, &str); 7] = [
    ("camera", "id"),
    ("speaker", "id"),
    ("sensor", "id"),
    ("mask", "id"),
    ("exclusion", "id"),
    ("zone", "id"),
    ("rule", "violation"),
];

/// The key by which the entries of a list are known; none if there is no such list.
pub(super) fn known_by(list: &str) -> Option<&'static str> {
    LISTS.iter().find(|(name, _)| *name == list).map(|(_, key)| *key)
}

/// Where the keys of a table are written.
#[derive(Clone, Copy)]
pub(super) enum Home<'d> {
    /// In lines of their own, below a header or at the top of the file.
    Lines(&'d Table),
    /// Between braces.
    Braces(&'d InlineTable),
}

/// What a path leads to.
pub(super) enum Found<'d> {
    /// A key with its value.
    Value { value: Range<usize>, home: Home<'d> },
    /// A section, or an entry of a list.
    Section(&'d Table),
    /// Nothing as yet.
    Missing(Gap<'d>),
}

/// Where something is missing.
pub(super) struct Gap<'d> {
    /// The innermost table on the way that is there.
    pub(super) home: Home<'d>,
    /// The names in the header of `home`, without those of entries.
    pub(super) header: Vec<&'d str>,
    /// The names from `home` on.
    pub(super) names: Vec<&'d str>,
    /// The list that is there, where an entry of it is missing; its name and the entry's come first in `names`.
    pub(super) list: Option<&'d ArrayOfTables>,
    /// What stands there instead, for help.
    pub(super) known: Vec<String>,
}

impl Gap<'_> {
    pub(super) fn error(&self, path: &KeyPath) -> EditError {
        let what = match (self.list, self.names.as_slice()) {
            (Some(_), [list, entry, ..]) => format!("there is no {list} `{entry}`"),
            (_, names) => format!("there is no `{}`", names.join(".")),
        };
        let name = self.names.get(usize::from(self.list.is_some())).copied().unwrap_or_default();
        let known = self.known.iter().map(String::as_str);
        let mend = meant(name, known, || format!("there are: {}", self.known.join(", ")));
        path.error(what, mend)
    }
}

pub(super) fn find<'d>(root: &'d Table, path: &'d KeyPath) -> Result<Found<'d>, EditError> {
    let (mut home, mut header, mut dotted) = (Home::Lines(root), Vec::new(), Vec::new());
    let mut table: &'d dyn TableLike = root;
    let mut rest = path.names();
    while let Some((name, after)) = rest.split_first() {
        let name = name.as_str();
        rest = after;
        match table.get(name) {
            None | Some(Item::None) => {
                let names = dotted.into_iter().chain([name]).chain(rest.iter().map(String::as_str)).collect();
                let known = table.iter().map(|(key, _)| key.to_owned()).collect();
                return Ok(Found::Missing(Gap { home, header, names, list: None, known }));
            }
            Some(Item::Value(Value::InlineTable(inner))) if inner.is_dotted() => {
                dotted.push(name);
                table = inner;
            }
            Some(Item::Value(value)) if rest.is_empty() => {
                let value = value.span().unwrap_or_default();
                return Ok(Found::Value { value, home });
            }
            Some(Item::Value(Value::InlineTable(inner))) => {
                (home, dotted) = (Home::Braces(inner), Vec::new());
                table = inner;
            }
            Some(Item::Value(Value::Array(list))) if known_by(name).is_some() => {
                let (inner, after) = in_brackets(list, name, rest, path)?;
                rest = after;
                (home, dotted) = (Home::Braces(inner), Vec::new());
                table = inner;
            }
            Some(Item::Value(_)) => {
                return Err(path.error(format!("`{name}` is a value without keys"), "leave out what comes after it"));
            }
            Some(Item::Table(inner)) if inner.is_dotted() => {
                dotted.push(name);
                table = inner;
            }
            Some(Item::Table(inner)) => {
                header.push(name);
                (home, dotted) = (Home::Lines(inner), Vec::new());
                table = inner;
                if rest.is_empty() {
                    return Ok(Found::Section(inner));
                }
            }
            Some(Item::ArrayOfTables(list)) => {
                let names: Vec<String> = list.iter().filter_map(|one| entry_name(name, one)).collect();
                let Some((wanted, after)) = rest.split_first() else {
                    let mend = format!("name one of its entries: {}", names.join(", "));
                    return Err(path.error(format!("`{name}` is a list"), mend));
                };
                rest = after;
                let Some(inner) = entry(list, name, wanted, path)? else {
                    let names_from_home = [name, wanted].into_iter().chain(rest.iter().map(String::as_str)).collect();
                    let list = Some(list);
                    return Ok(Found::Missing(Gap { home, header, names: names_from_home, list, known: names }));
                };
                header.push(name);
                (home, dotted) = (Home::Lines(inner), Vec::new());
                table = inner;
                if rest.is_empty() {
                    return Ok(Found::Section(inner));
                }
            }
        }
    }
    Err(path.error("this is written with one dotted key for each of its keys", "name one of those keys"))
}

/// The entry of a list by its name.
fn entry<'d>(
    list: &'d ArrayOfTables,
    list_name: &str,
    wanted: &str,
    path: &KeyPath,
) -> Result<Option<&'d Table>, EditError> {
    let is_meant = |one: &&Table| {
        let name = entry_name(list_name, *one);
        name.is_some_and(|name| name == wanted || name.split_once('@').is_some_and(|(short, _)| short == wanted))
    };
    let mut meant = list.iter().filter(is_meant);
    let first = meant.next();
    if let (Some(first), Some(second)) = (first, meant.next()) {
        let names: Vec<String> = [first, second].iter().filter_map(|one| entry_name(list_name, *one)).collect();
        return Err(path
            .error(format!("more than one {list_name} is named `{wanted}`"), format!("write {}", names.join(" or "))));
    }
    Ok(first)
}

/// The entry of a list that is written as one value between brackets, and the names of a key of it. The list grows and shrinks as a
/// whole.
fn in_brackets<'d>(
    list: &'d Array,
    list_name: &str,
    names: &'d [String],
    path: &KeyPath,
) -> Result<(&'d InlineTable, &'d [String]), EditError> {
    let entries = || list.iter().filter_map(Value::as_inline_table);
    let known = || entries().filter_map(|one| entry_name(list_name, one)).collect::<Vec<_>>().join(", ");
    let whole = || {
        format!(
            "set the whole list, such as `{list_name} '[{{ … }}, {{ … }}]'`, or write its entries as [[…{list_name}]] by hand"
        )
    };
    let (wanted, after) = match names {
        [wanted, after @ ..] if !after.is_empty() => (wanted, after),
        _ => return Err(path.error(format!("`{list_name}` is written as one value between brackets"), whole())),
    };
    let is_meant = |one: &&InlineTable| {
        let name = entry_name(list_name, *one);
        name.is_some_and(|name| name == *wanted || name.split_once('@').is_some_and(|(short, _)| short == wanted))
    };
    let mut meant = entries().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok((one, after)),
        (Some(_), Some(_)) => {
            Err(path
                .error(format!("more than one {list_name} is named `{wanted}`"), format!("name one of: {}", known())))
        }
        (None, _) => Err(path.error(
            format!("there is no {list_name} `{wanted}` between the brackets of `{list_name}`; there are: {}", known()),
            whole(),
        )),
    }
}

/// The name of an entry: its id; of a rule, its violation and its zone.
fn entry_name(list: &str, one: &dyn TableLike) -> Option<String> {
    let text = |key: &str| one.get(key).and_then(Item::as_str);
    let name = text(known_by(list)?)?;
    Some(if list == "rule" { format!("{name}@{}", text("zone").unwrap_or("whole")) } else { name.to_owned() })
}

/// Where the last value of a table's own ends; none if it has none.
pub(super) fn own_end(table: &Table) -> Option<usize> {
    table.get_values().iter().filter_map(|(_, value)| Some(value.span()?.end)).max()
}

/// All tables with a header in a section, itself first.
pub(super) fn with_header<'d>(table: &'d Table, found: &mut Vec<&'d Table>) {
    if !table.is_implicit() && !table.is_dotted() {
        found.push(table);
    }
    for (_, item) in table {
        match item {
            Item::Table(inner) => with_header(inner, found),
            Item::ArrayOfTables(list) => list.iter().for_each(|inner| with_header(inner, found)),
            Item::None | Item::Value(_) => {}
        }
    }
}

/// Where the last line of a section's text begins or ends: behind its last value or header.
pub(super) fn end(table: &Table) -> usize {
    let mut tables = Vec::new();
    with_header(table, &mut tables);
    let ends = tables.iter().filter_map(|table| own_end(table).or(table.span().map(|span| span.end)));
    ends.max().unwrap_or_default()
}

/// The start of the line in which a byte stands.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The end of the line in which a byte stands, behind its line feed.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|after| after.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}
