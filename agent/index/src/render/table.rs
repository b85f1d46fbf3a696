//! The index as people read it in a terminal.

use std::fmt::Write as _;

use forewarn_domain::PlaceLevel;

use crate::Index;

/// The narrowest places and the cities, a line each.
pub fn table(index: &Index) -> String {
    let mut out = String::new();
    // A text takes everything that is written to it.
    let _ = writeln!(
        out,
        "{:<12} {:<10} {:>6} {:<7} {:>9} {:>9} {:>9}  place",
        "period", "level", "score", "", "incidents", "complied", "escalated"
    );
    let narrowest = index.scores.iter().map(|score| score.level).max().unwrap_or(PlaceLevel::Cell);
    for score in index.scores.iter().filter(|score| score.level == narrowest || score.level == PlaceLevel::City) {
        let points = score.score.map_or_else(|| "-".to_owned(), |s| format!("{s:.1}"));
        let _ = writeln!(
            out,
            "{:<12} {:<10} {points:>6} {:<7} {:>9} {:>9} {:>9}  {}",
            score.period,
            score.level,
            score.colour.as_str(),
            score.incidents,
            score.complied,
            score.escalated,
            score.place
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::index;

    #[test]
    fn each_cell_has_a_line_with_its_incidents() {
        let table = table(&index());
        let heads: Vec<&str> = table.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(heads, ["period", "2026-11-22", "2026-11-22"]);
        assert!(table.lines().any(|line| line.contains(" 5 ") && line.ends_with("石牌/c2")), "{table}");
    }
}
