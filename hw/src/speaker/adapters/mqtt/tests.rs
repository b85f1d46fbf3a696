//! What a table may say; what real devices answer over a real broker is in the end-to-end tests.

use super::*;

fn config(rest: &str) -> MqttSpeakerConfig {
    let text = "url = \"mqtt://b\"\ntopic = \"hall/say\"\npayload = '{\"say\": \"{text}\", \"id\": \"{nonce}\"}'\n";
    toml::from_str(&format!("{text}{rest}")).unwrap()
}

#[test]
fn tables_that_cannot_be_meant_are_named() {
    for (rest, key, says) in [
        ("ack_topic = \"hall/+\"", "ack_topic", "is not one topic"),
        ("ack_topic = \"hall/{room}\"", "ack_topic", "the placeholder {room}"),
        ("ack = \"ok\"", "ack", "add `ack_topic`"),
        ("ack_topic = \"t\"\nack_s = 0", "ack_s", "0.1 to 600"),
        ("seconds = 1e9", "seconds", "0.1 to 600"),
        ("user = \"u\"\npassword_file = \"gone\"", "password_file", "gone"),
        ("ca_file = \"x\"", "ca_file", "without TLS"),
    ] {
        let Mistake(found, why) = config(rest).check(Path::new("/nowhere")).unwrap_err();
        assert!(found == key && why.contains(says), "{found}: {why}");
    }
    assert!(config("ack_topic = \"hall/said\"\nack = '{nonce}'").check(Path::new("/nowhere")).is_ok());
}

#[test]
fn answers_that_fit_any_announcement_are_doubted() {
    assert!(config("").doubt().is_none());
    assert!(config("ack_topic = \"hall/said\"\nack = '\"id\"*{nonce}'").doubt().is_none());
    assert!(config("ack_topic = \"hall/said/{nonce}\"").doubt().is_none());
    assert_eq!(config("ack_topic = \"hall/said\"\nack = \"done\"").doubt().unwrap().key, "ack");
}

#[test]
fn two_that_speak_at_the_same_time_have_names_of_their_own() {
    let name = |rest| config(rest).resolve("hall", Path::new("/")).unwrap().broker.client_id;
    assert_ne!(name(""), name(""));
    assert!(name("").starts_with("forewarn-speaker-hall-"));
    assert_eq!(name("client_id = \"me\""), "me");
}
