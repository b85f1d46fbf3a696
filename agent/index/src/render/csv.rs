//! The index as a table (RFC 4180), one row for each place and period.

use forewarn_domain::{PlaceId, PlaceLevel};

use crate::{Index, Score};

/// The table with its head line. Numbers that do not exist are empty.
pub fn csv(index: &Index) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let head = ["period", "level"]
        .into_iter()
        .chain(PlaceLevel::ALL.iter().map(|level| level.as_str()))
        .chain(["score", "colour", "calm", "compliance", "promptness", "cameras"])
        .chain(["incidents", "complied", "escalated", "open", "median_close_s"]);
    // Writing into memory cannot fail, and every row has the head's length.
    let _ = writer.write_record(head);
    for score in &index.scores {
        let _ = writer.write_record(row(score));
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn row(score: &Score) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.1}"));
    let part = |pick: fn(&crate::Parts) -> f64| number(score.parts.as_ref().map(pick));
    let mut row = vec![score.period.clone(), score.level.as_str().to_owned()];
    row.extend(PlaceLevel::ALL.iter().map(|level| score.place.at(*level).map_or("", PlaceId::as_str).to_owned()));
    row.extend([number(score.score), score.colour.as_str().to_owned()]);
    row.extend([part(|p| p.calm), part(|p| p.compliance), part(|p| p.promptness)]);
    let counts = [score.cameras, score.incidents, score.complied, score.escalated, score.open];
    row.extend(counts.map(|n| n.to_string()));
    row.push(number(score.median_close_s));
    row
}

#[cfg(test)]
mod tests {
    use crate::render::testing::index;

    #[test]
    fn every_place_has_a_row() {
        expect_test::expect![[r"
            period,level,city,district,street,community,cell,score,colour,calm,compliance,promptness,cameras,incidents,complied,escalated,open,median_close_s
            2026-11-22,street,,,石牌,,,55.8,red,61.5,16.7,100.0,2,5,0,5,0,90.0
            2026-11-22,cell,,,石牌,,a<b,100.0,green,100.0,100.0,100.0,1,0,0,0,0,
            2026-11-22,cell,,,石牌,,c2,47.2,red,44.4,16.7,100.0,1,5,0,5,0,90.0
        "]].assert_eq(&super::csv(&index()));
    }
}
