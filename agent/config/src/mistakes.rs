//! What a newcomer writes: each mistake is told with its line, its key and a mend, and none that is not there.

use crate::doubts::doubts;
use crate::site::resolve;
use crate::source::Source;

/// What is told of a site whose parts differ from a good one.
fn told(site: &str, speaker: &str, camera: &str) -> String {
    let head = format!("[site]\nid = \"s\"\n{site}");
    let speaker = format!("[[speaker]]\nid = \"horn\"\n{speaker}\n");
    let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\nspeakers = [\"horn\"]\n{camera}\n");
    match resolve(&Source::new("site.toml", format!("{head}{speaker}{camera}"))) {
        Err(errors) => errors.to_string(),
        Ok(site) => doubts(&site, |_| None).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

const LOCAL: &str = "kind = \"local\"";
const RULE: &str = "[[camera.rule]]\nviolation = \"loitering\"";

#[test]
fn a_speaker_with_a_mistake_is_still_a_speaker() {
    for (speaker, says) in [
        ("kind = \"rpt\"", "site.toml:5: kind: unknown variant `rpt`, expected one of `local`, `rtp`, "),
        ("kind = \"rtp\"\naddress = \"10.0.0.9\"", "site.toml:6: address: this is no address with a port"),
        ("kind = \"rtp\"\naddress = \"10.0.0.9:0\"", "site.toml:6: address: 10.0.0.9:0 is no place to send to"),
        ("kind = \"rtp\"\naddress = \"255.255.255.255:5004\"", "site.toml:6: address: 255.255.255.255 is everybody"),
        ("kind = \"local\"\nchime = \"no\"", "site.toml:6: chime: invalid type: string \"no\", expected true or false"),
        ("kind = \"local\"\nspeech = { rate_wpm = 0 }", "site.toml:6: speech.rate_wpm: 0 is not within 80 to 450"),
    ] {
        let told = told("", speaker, RULE);
        assert!(told.starts_with(says), "{speaker}: {told}");
        assert!(!told.contains("there is no speaker"), "{speaker}: {told}");
    }
    let misspelt = told("", "kind = \"rpt\"", RULE);
    assert!(misspelt.contains("fix: did you mean `rtp`?"), "{misspelt}");
}

#[test]
fn a_zone_with_a_mistake_is_still_a_zone() {
    let rule = "[[camera.rule]]\nviolation = \"loitering\"\nzone = ";
    let zone = |points: &str| format!("[[camera.zone]]\nid = \"kerb\"\npolygon = {points}\n{rule}");
    let two = told("", LOCAL, &format!("{}\"kerb\"", zone("[[0.1, 0.1], [0.2, 0.1]]")));
    assert_eq!(two, "site.toml:12: polygon: 2 points are too few\n  fix: give 3 or more");
    let near = told("", LOCAL, &format!("{}\"kreb\"", zone("[[0.1, 0.1], [0.2, 0.1]]")));
    assert!(near.contains("no zone `kreb`\n  fix: did you mean `kerb`?"), "{near}");
    let three = told("", LOCAL, &format!("{}\"kerb\"", zone("[[0.1, 0.1, 0.5], [0.2, 0.1, 0.5], [0.2, 0.2, 0.5]]")));
    assert!(
        three.starts_with("site.toml:12: polygon: a point has two numbers, `[x, y]`, and this one has 3"),
        "{three}"
    );
}

#[test]
fn a_value_that_cannot_be_names_its_key_and_what_may_stand_there() {
    for (site, camera, says) in [
        (
            "language = \"cn\"\n",
            "",
            "site.toml:3: language: unknown variant `cn`, expected `en` or `zh`\n  fix: known here: en, zh",
        ),
        ("", "transport = \"TCP\"", "site.toml:10: transport: unknown variant `TCP`"),
        (
            "",
            "decoder = 5",
            "site.toml:10: decoder: invalid type: integer `5`, expected a text\n  fix: write it in quotes",
        ),
        ("", "static_objects = { sensitivty = 3 }", "site.toml:10: sensitivty: unknown field `sensitivty`"),
        ("", "falling_objects = { floors = {} }", "site.toml:10: falling_objects: `floors` does not say where"),
        (
            "quiet_hours = [{ from = \"22:00\", to = \"07:00\", time_zone = \"Mars\" }]\n",
            "",
            "site.toml:3: quiet_hours: there is no time zone \"Mars\"",
        ),
        (
            "[upstream.mqtt]\nurl = \"mqtt://b\"\nversion = 5\n",
            "",
            "site.toml:5: version: invalid type: integer `5`, expected a text",
        ),
        (
            "[upstream.mqtt]\nurl = \"mqtt://b\"\nmax_in_flight = 100000\n",
            "",
            "site.toml:5: max_in_flight: invalid value: integer `100000`, expected a smaller whole number",
        ),
        ("[upstream.mqtt]\nurl = \"mqtt://b:0\"\n", "", "site.toml:4: url: nobody listens on port 0"),
        (
            "[upstream.box]\nkind = \"s3\"\nurl = \"https://s3.example\"\nbucket = \"my box\"\n",
            "",
            "site.toml:6: bucket: its name has letters, digits, `-`, `_` and `.`\n  fix: write the bucket's own name",
        ),
        (
            "[upstream.box]\nkind = \"s3\"\nurl = \"s3://box\"\nbucket = \"box\"\n",
            "",
            "site.toml:5: url: the scheme is \"s3\"\n  fix: write the server's address, like \"https://s3.example:9000\"",
        ),
        (
            "[upstream.files]\nkind = \"tus\"\nurl = \"files.example\"\n",
            "",
            "site.toml:5: url: this is no URL: relative URL without a base\n  fix: write where files are made",
        ),
        (
            "[upstream.city]\nkind = \"gat1400\"\nurl = \"http://c\"\ndevice_id = 44010200491320000001\n",
            "",
            "site.toml:6: device_id: this number is too large for any key\n  fix: write an id of many digits",
        ),
    ] {
        let told = told(site, LOCAL, camera);
        assert!(told.starts_with(says), "{site}{camera}: {told}");
    }
}

#[test]
fn what_a_rule_changes_is_told_by_its_own_key() {
    for (with, says) in [
        ("observe.fro_s = 3", "with: observe.fro_s: unknown field `fro_s`"),
        ("observe.fro_s = 3", "did you mean `for_s`?"),
        ("observe.for_s = \"3\"", "with: observe.for_s: invalid type: string \"3\", expected a number"),
        ("\"observe.for_s\" = 3", "write it without quotes: `observe.for_s = …`"),
        ("dwell_s = \"3\"", "with: dwell_s: invalid type: string \"3\", expected a number"),
        ("warning.proof = \"heart\"", "with: warning.proof: unknown variant `heart`"),
    ] {
        let told = told("", LOCAL, &format!("{RULE}\nwith = {{ {with} }}"));
        assert!(told.contains(says), "{with}: {told}");
    }
    let twice = told("", LOCAL, &format!("{RULE}\n{RULE}"));
    assert!(twice.starts_with("site.toml:13: violation: `loitering` is bound to zone `whole` already"), "{twice}");
}

#[test]
fn what_works_and_is_hardly_meant_is_told() {
    let whole_day = told("quiet_hours = [{ from = \"22:00\", to = \"22:00\" }]\n", LOCAL, RULE);
    assert!(whole_day.contains("from 22:00 to 22:00 is a whole day"), "{whole_day}");
    let twice = told("", LOCAL, RULE).len()
        + told("", LOCAL, &format!("{RULE}\nschedule = {{ from = \"07:00\", to = \"08:00\" }}")).len();
    assert_eq!(twice, 0);
}

#[test]
fn a_file_without_its_tables_says_which() {
    let error = |text: &str| resolve(&Source::new("site.toml", text.to_owned())).unwrap_err().to_string();
    assert!(error("").starts_with("site.toml: there is no `[site]`\n  fix: add `[site]`"), "{}", error(""));
    let no_camera = error("[site]\nid = \"s\"\n");
    assert!(no_camera.starts_with("site.toml: there is no `[[camera]]`"), "{no_camera}");
}
