//! `docs/incidents.md` says what the code does: its diagram and its defaults are made from it. Update the page with
//! `UPDATE_EXPECT=1`.

use std::path::Path;

use forewarn_domain::violation::{Confirmation, EvidencePolicy, Observation};
use forewarn_domain::{Cause, IncidentState};
use forewarn_incident::{CASE_TABLE, TABLE, case_mermaid, mermaid};

use crate::support::{PARKING, violation};

/// The timing keys of a violation's file: name, unit, default and meaning.
fn timing() -> String {
    let confirm = Confirmation::default();
    let observe = Observation::default();
    let evidence = EvidencePolicy::default();
    let warning = violation(PARKING).warning.unwrap();
    let rows = [
        ("confirm.for_s", "s", confirm.for_s, "The condition must have held for this long, forgiven gaps included."),
        ("confirm.hits", "frames", f64::from(confirm.hits), "It must have held in this many analysed frames."),
        ("confirm.forgive_s", "s", confirm.forgive_s, "A longer time without such a frame drops the suspicion."),
        ("warning.times", "warnings", f64::from(warning.times), "Warnings before the incident is escalated."),
        ("warning.timeout_s", "s", warning.timeout_s, "Wait for proof of playback before the next speaker is tried."),
        ("warning.cool_down_s", "s", warning.cool_down_s, "Silence in the zone after the end of a warning."),
        (
            "warning.urgency",
            "0 to 9",
            f64::from(warning.urgency),
            "The most urgent is said first, and what is less urgent is cut for it.",
        ),
        ("observe.for_s", "s", observe.for_s, "Observation after proven playback."),
        ("observe.complied_after_s", "s", observe.complied_after_s, "Seen complying for this long: complied."),
        ("observe.gone_after_s", "s", observe.gone_after_s, "Not seen at its clear place for this long: complied."),
        ("observe.lost_after_s", "s", observe.lost_after_s, "No view of the place for this long: lost."),
        ("observe.close_after_s", "s", observe.close_after_s, "From complied or lost to closed."),
        ("evidence.pre_roll_s", "s", evidence.pre_roll_s, "Video before the suspicion, and before the outcome."),
        ("evidence.post_roll_s", "s", evidence.post_roll_s, "Video after the confirmation, and after the outcome."),
    ];
    let rows: Vec<String> =
        rows.iter().map(|(key, unit, value, what)| format!("| `{key}` | {unit} | {value} | {what} |")).collect();
    format!("| key | unit | default | meaning |\n|---|---|---|---|\n{}", rows.join("\n"))
}

/// The page with what stands between the markers of `name` replaced.
fn with_section(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("\n<!-- end {name} -->"));
    let (head, rest) = page.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    format!("{head}{begin}{text}{end}{tail}")
}

#[test]
fn the_page_shows_the_table_that_the_code_uses() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/incidents.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let diagram = format!("```mermaid\n{}```", mermaid());
    let of_case = format!("```mermaid\n{}```", case_mermaid());
    let expected = with_section(&with_section(&page, "diagram", &diagram), "timing", &timing());
    let expected = with_section(&expected, "case diagram", &of_case);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(page == expected, "docs/incidents.md is out of date: run this test with UPDATE_EXPECT=1");
    }
}

#[test]
fn the_page_explains_every_state_and_every_cause() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/incidents.md");
    let page = std::fs::read_to_string(&path).unwrap();
    for state in IncidentState::ALL {
        assert!(page.contains(&format!("| `{state}` |")), "{state} is not explained");
    }
    let causes: std::collections::BTreeSet<Cause> = TABLE.iter().map(|edge| edge.cause).collect();
    for cause in causes {
        assert!(page.contains(&format!("| `{cause}` |")), "{cause} is not explained");
    }
    for edge in CASE_TABLE {
        assert!(page.contains(&format!("| `{}` |", edge.to)), "{} is not explained", edge.to);
        assert!(page.contains(&format!("| `{}` |", edge.cause.as_str())), "{:?} is not explained", edge.cause);
    }
}
