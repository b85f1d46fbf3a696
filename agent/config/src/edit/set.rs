//! Giving a key a value, in its place or in a new one.

use std::ops::Range;

use toml_edit::{InlineTable, Table};

use super::find::{Found, Gap, Home, end, find, known_by, line_end, line_start, own_end};
use super::{EditError, KeyPath, NewValue};

pub(super) fn set(text: &str, root: &Table, path: &KeyPath, value: &NewValue) -> Result<String, EditError> {
    match find(root, path)? {
        Found::Value { value: place, .. } => Ok(splice(text, place, value.as_str())),
        Found::Section(_) => {
            Err(path.error("this is a table that is there already", "set its keys one by one, or remove it first"))
        }
        Found::Missing(gap) => add(text, path, &gap, value),
    }
}

fn splice(text: &str, place: Range<usize>, new: &str) -> String {
    let (before, after) = (text.get(..place.start), text.get(place.end..));
    format!("{}{new}{}", before.unwrap_or_default(), after.unwrap_or_default())
}

fn add(text: &str, path: &KeyPath, gap: &Gap<'_>, value: &NewValue) -> Result<String, EditError> {
    let key = gap.names.join(".");
    match (gap.home, gap.names.as_slice()) {
        (Home::Braces(table), _) => Ok(add_in_braces(text, table, &format!("{key} = {}", value.as_str()))),
        (Home::Lines(table), [list, entry]) if known_by(list).is_some() => {
            add_entry(text, path, gap, (table, list, entry), value)
        }
        (Home::Lines(_), [list, entry, ..]) if known_by(list).is_some() => {
            Err(if gap.known.is_empty() || gap.list.is_none() {
                let mend = "give a table to its name to make it, such as { polygon = [[0, 0], [1, 0], [1, 1]] }";
                path.error(format!("there is no {list} `{entry}`"), mend)
            } else {
                gap.error(path)
            })
        }
        (Home::Lines(table), names) if is_headless(table) => add_section(text, path, (&gap.header, names), value),
        (Home::Lines(table), _) => {
            let last = own_end(table);
            let indent_of = table.get_values().last().and_then(|(_, value)| value.span()).or(table.span());
            let line = format!("{}{key} = {}", indent(text, indent_of.unwrap_or_default().start), value.as_str());
            let at = line_end(text, last.or(table.span().map(|span| span.end)).unwrap_or_default());
            Ok(insert_lines(text, at, &[line]))
        }
    }
}

/// The top of the file, and a table that is only named in the headers of others.
fn is_headless(table: &Table) -> bool {
    table.is_implicit() || table.span().is_none_or(|span| span.is_empty())
}

fn indent(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

fn add_in_braces(text: &str, table: &InlineTable, entry: &str) -> String {
    if let Some(last) = table.get_values().iter().filter_map(|(_, value)| Some(value.span()?.end)).max() {
        return splice(text, last..last, &format!(", {entry}"));
    }
    let at = table.span().map_or(0, |span| span.start + 1);
    let is_closed = text.get(at..).is_some_and(|rest| rest.starts_with('}'));
    splice(text, at..at, &format!(" {entry}{}", if is_closed { " " } else { "" }))
}

/// Adds `[[list]]` with the entry's name and the keys of a table.
fn add_entry(
    text: &str,
    path: &KeyPath,
    gap: &Gap<'_>,
    (parent, list, entry): (&Table, &str, &str),
    value: &NewValue,
) -> Result<String, EditError> {
    let (Some(keys), Some(known_by)) = (value.entries(), known_by(list)) else {
        return Err(if gap.list.is_some() {
            gap.error(path)
        } else {
            path.error("this is no table", "write { key = value }")
        });
    };
    let (name, zone) = entry.split_once('@').map_or((entry, None), |(name, zone)| (name, Some(zone)));
    let header: Vec<&str> = gap.header.iter().copied().chain([list]).collect();
    let mut lines = vec![String::new(), format!("[[{}]]", header.join(".")), format!("{known_by} = \"{name}\"")];
    lines.extend(zone.map(|zone| format!("zone = \"{zone}\"")));
    lines.extend(keys);
    let at = match gap.list.and_then(|list| list.iter().last()) {
        Some(last) => line_end(text, end(last)),
        None if is_headless(parent) => text.len(),
        None => line_end(text, own_end(parent).or(parent.span().map(|span| span.end)).unwrap_or_default()),
    };
    Ok(insert_lines(text, at, &lines))
}

/// Adds a section at the end of the file.
fn add_section(
    text: &str,
    path: &KeyPath,
    (header, names): (&[&str], &[&str]),
    value: &NewValue,
) -> Result<String, EditError> {
    let (section, keys) = match (names, value.entries()) {
        (_, Some(keys)) => (names, keys),
        ([section @ .., key], None) if !section.is_empty() || !header.is_empty() => {
            (section, vec![format!("{key} = {}", value.as_str())])
        }
        _ => return Err(path.error("this is no table", "write { key = value }, or name a key below it")),
    };
    let header: Vec<&str> = header.iter().chain(section).copied().collect();
    let lines = [String::new(), format!("[{}]", header.join("."))].into_iter().chain(keys);
    Ok(insert_lines(text, text.len(), &lines.collect::<Vec<_>>()))
}

/// Puts lines at the start of a line, or at the end of the text, ended as the other lines are.
fn insert_lines(text: &str, at: usize, lines: &[String]) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let is_torn = text.get(..at).is_some_and(|before| !before.is_empty() && !before.ends_with('\n'));
    let block: String = lines.iter().flat_map(|line| [line.as_str(), newline]).collect();
    splice(text, at..at, &format!("{}{block}", if is_torn { newline } else { "" }))
}
