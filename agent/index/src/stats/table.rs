//! The figures as people read them.

use std::fmt::Write as _;

use super::{Row, Stats};

/// All tables, one below the other.
pub fn table(stats: &Stats) -> String {
    let mut out = String::new();
    let parts =
        [("violation", &stats.violations), ("zone", &stats.zones), ("hour", &stats.hours), ("text", &stats.texts)];
    write_rows(&mut out, "", std::slice::from_ref(&stats.all));
    for (title, rows) in parts.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        out.push('\n');
        write_rows(&mut out, title, rows);
    }
    for verdict in &stats.verdicts {
        let says =
            verdict.winner.as_ref().map_or_else(|| "cannot tell yet".to_owned(), |text| format!("{text} works best"));
        // A text takes everything that is written to it.
        let _ = writeln!(out, "\n{}: {says}", verdict.violation);
    }
    out
}

fn write_rows(out: &mut String, title: &str, rows: &[Row]) {
    let _ = writeln!(
        out,
        "{title:<32} {:>9} {:>6} {:>6} {:>9} {:>10} {:>7} {:>13} {:>8} {:>8}",
        "incidents", "sent", "heard", "complied", "escalated", "share", "95 %", "median s", "p90 s"
    );
    let part = |part: Option<f64>| part.map_or_else(|| "-".to_owned(), |part| format!("{:.0} %", part * 100.0));
    let seconds = |s: Option<f64>| s.map_or_else(|| "-".to_owned(), |s| format!("{s:.1}"));
    for row in rows {
        let between = row
            .between
            .map_or_else(|| "-".to_owned(), |(low, high)| format!("{:.0}..{:.0} %", low * 100.0, high * 100.0));
        let _ = writeln!(
            out,
            "{:<32} {:>9} {:>6} {:>6} {:>9} {:>10} {:>7} {:>13} {:>8} {:>8}",
            row.name,
            row.incidents,
            row.sent,
            row.heard,
            row.complied,
            row.escalated,
            part(row.share),
            between,
            seconds(row.median_s),
            seconds(row.p90_s)
        );
    }
}
