//! Connected parts of a small binary picture.

use std::ops::Range;

/// One connected part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    /// Indices of its cells, row after row, in the order found.
    pub(super) cells: Vec<usize>,
    /// Columns that it spans.
    pub(super) columns: Range<usize>,
    /// Rows that it spans.
    pub(super) rows: Range<usize>,
}

/// The 8-connected parts of `set`, a picture of `width` columns, in the order of their first cell.
pub(super) fn components(set: &[bool], width: usize) -> Vec<Component> {
    let mut left = set.to_vec();
    let mut found = Vec::new();
    for start in 0..left.len() {
        if left[start] {
            found.push(fill(&mut left, width, start));
        }
    }
    found
}

/// Takes the part around `start` out of `left`.
fn fill(left: &mut [bool], width: usize, start: usize) -> Component {
    left[start] = false;
    let (x, y) = (start % width, start / width);
    let mut part = Component { cells: vec![start], columns: x..x + 1, rows: y..y + 1 };
    let mut next = 0;
    while let Some(&cell) = part.cells.get(next) {
        next += 1;
        let (x, y) = (cell % width, cell / width);
        part.columns = part.columns.start.min(x)..part.columns.end.max(x + 1);
        part.rows = part.rows.start.min(y)..part.rows.end.max(y + 1);
        for row in y.saturating_sub(1)..=y + 1 {
            for column in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                let neighbour = row * width + column;
                if left.get(neighbour).copied().unwrap_or(false) {
                    left[neighbour] = false;
                    part.cells.push(neighbour);
                }
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_touch_at_corners_but_not_around_the_edge() {
        let picture = ["#..#", ".#..", "...#", "#..#"].concat();
        let set: Vec<bool> = picture.chars().map(|c| c == '#').collect();
        let parts = components(&set, 4);
        let spans: Vec<_> = parts.iter().map(|p| (p.cells.len(), p.columns.clone(), p.rows.clone())).collect();
        assert_eq!(spans, [(2, 0..2, 0..2), (1, 3..4, 0..1), (2, 3..4, 2..4), (1, 0..1, 3..4)]);
    }
}
