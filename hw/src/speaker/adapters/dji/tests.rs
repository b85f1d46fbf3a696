//! What a table may say; a whole dock at a real broker is in the end-to-end tests.

use super::*;

fn config(rest: &str) -> DjiSpeakerConfig {
    toml::from_str(&format!("url = \"mqtt://b\"\ngateway = \"4TADKAQ000002J\"\n{rest}")).unwrap()
}

#[test]
fn tables_that_cannot_be_meant_are_named() {
    for (rest, key, says) in [
        ("psdk_index = 4", "psdk_index", "0 to 3"),
        ("play_volume = 101", "play_volume", "0 to 100"),
        ("answer_s = 0", "answer_s", "0.1 to 60"),
        ("say = \"audio\"", "serve", "needs it"),
        ("say = \"audio\"\nserve = \"127.0.0.1:8095\"", "fetch_url", "needs it"),
        ("say = \"audio\"\nserve = \"127.0.0.1:8095\"\nfetch_url = \"ftp://box\"", "fetch_url", "ftp"),
        ("serve = \"127.0.0.1:8095\"", "serve", "no effect"),
        ("fetch_url = \"http://box\"", "fetch_url", "no effect"),
        ("ca_file = \"x\"", "ca_file", "without TLS"),
    ] {
        let Mistake(found, why) = config(rest).check(Path::new("/nowhere")).unwrap_err();
        assert!(found == key && why.contains(says), "{rest}: {found}: {why}");
    }
    let of_a_drone = DjiSpeakerConfig { gateway: "dock/1".to_owned(), ..config("") };
    assert_eq!(of_a_drone.check(Path::new("/nowhere")).unwrap_err().0, "gateway");
}

#[test]
fn sound_that_others_can_fetch_is_doubted() {
    let audio = |serve: &str| config(&format!("say = \"audio\"\nserve = \"{serve}:0\"\nfetch_url = \"http://box\""));
    assert!(audio("127.0.0.1").doubt().is_none() && config("").doubt().is_none());
    assert_eq!(audio("10.0.0.5").doubt().unwrap().key, "serve");
}
