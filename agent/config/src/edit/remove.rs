//! Taking out a key, a section or an entry of a list. Comments above and below stay.

use std::ops::Range;

use toml_edit::{InlineTable, Table};

use super::find::{Found, Home, find, line_end, line_start, own_end, with_header};
use super::{EditError, KeyPath};

pub(super) fn remove(text: &str, root: &Table, path: &KeyPath) -> Result<String, EditError> {
    let places = match find(root, path)? {
        Found::Missing(gap) => return Err(gap.error(path)),
        Found::Value { value, home: Home::Lines(_) } => only(line_start(text, value.start)..line_end(text, value.end)),
        Found::Value { value, home: Home::Braces(table) } => between_commas(text, table, &value),
        Found::Section(section) => {
            let mut tables = Vec::new();
            with_header(section, &mut tables);
            let lines = |table: &&Table| {
                let header = table.span()?;
                Some(line_start(text, header.start)..line_end(text, own_end(table).unwrap_or(header.end)))
            };
            tables.iter().filter_map(lines).collect()
        }
    };
    Ok(without(text, places))
}

fn only(place: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(place).collect()
}

fn without(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|place| place.start);
    let mut rest = text.to_owned();
    for place in places.into_iter().rev() {
        rest.replace_range(place, "");
    }
    rest
}

/// A key between braces with one comma.
fn between_commas(text: &str, table: &InlineTable, value: &Range<usize>) -> Vec<Range<usize>> {
    let entries: Vec<Range<usize>> = table
        .get_values()
        .into_iter()
        .filter_map(|(keys, value)| Some(keys.first()?.span()?.start..value.span()?.end))
        .collect();
    let Some(index) = entries.iter().position(|entry| entry.end == value.end) else { return Vec::new() };
    let entry = entries.get(index).cloned().unwrap_or_default();
    let behind = text.get(entry.end..).unwrap_or_default();
    let to_comma = behind.len() - behind.trim_start().len();
    if behind.trim_start().starts_with(',') {
        let after = behind.get(to_comma + 1..).unwrap_or_default();
        let blank = after.len() - after.trim_start_matches([' ', '\t']).len();
        return only(entry.start..entry.end + to_comma + 1 + blank);
    }
    let before = index.checked_sub(1).and_then(|i| entries.get(i)).map(|entry| entry.end);
    let comma = before.and_then(|end| Some(end + comma_in(text.get(end..entry.start)?)?));
    match comma {
        Some(at) if text.get(at + 1..entry.start).is_some_and(|gap| gap.trim().is_empty()) => only(at..entry.end),
        Some(at) => vec![at..at + 1, entry],
        None => only(entry),
    }
}

/// The first comma that stands in no comment.
fn comma_in(text: &str) -> Option<usize> {
    let mut is_comment = false;
    text.char_indices().find_map(|(at, c)| {
        is_comment = c == '#' || (is_comment && c != '\n');
        (c == ',' && !is_comment).then_some(at)
    })
}
