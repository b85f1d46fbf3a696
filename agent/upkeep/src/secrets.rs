//! Where secrets stand in a site file, and how they are blotted out of it and of any other text.

use std::collections::BTreeSet;
use std::path::PathBuf;

use forewarn_pipelines::redact;
use toml::{Table, Value};
use url::Url;

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// Shorter texts stand in too many places for something else.
const LEAST_SECRET: usize = 4;
/// Shorter pieces of a template or an address are words of its language.
const LEAST_PIECE: usize = 8;
/// Shorter paths are words.
const LEAST_PATH: usize = 10;
/// Keys that name a file which only this site should have, beside those that end with `_file`.
const FILES: [&str; 4] = ["client_cert", "client_key", "template", "time_stamp_ca"];
/// Parts of keys whose values are secrets, unless the key ends with one of `NAMES`.
const SECRET_PARTS: [&str; 7] = ["password", "secret", "token", "key", "pin", "auth", "credential"];
/// Ends of keys whose value is the name of something.
const NAMES: [&str; 2] = ["_file", "_env"];
/// Keys whose texts are sent as they are, so that anything may stand in them; and who logs in.
const SENT: [&str; 11] =
    ["user", "set", "headers", "header", "payload", "body", "topic", "ack", "ack_topic", "query", "client_id"];
/// Words behind which a secret stands in a line of a log, if something that joins them lies between.
const TELLING: [&str; 9] = ["setup", "bearer", "password", "passwd", "secret", "token", "apikey", "api_key", "api-key"];
/// Keys of an address whose values are words of its language, and stand in many a line of a log.
const WORDS: [&str; 8] =
    ["mode", "transport", "transportmode", "channel", "subtype", "stream", "profile", "streamtype"];
/// What provinces' plates begin with (GA 36).
const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领";

/// The files of its own that a site file names, in the order of the file.
pub fn files(site: &Table) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(site, &mut |key, text| {
        if FILES.contains(&key) || key.ends_with("_file") {
            found.push(PathBuf::from(text));
        }
    });
    found
}

/// The names of the variables in which a site file says that secrets stand.
pub fn variables(site: &Table) -> Vec<String> {
    let mut found = Vec::new();
    walk(site, &mut |key, text| {
        if key.ends_with("_env") {
            found.push(text.to_owned());
        }
    });
    found
}

/// Shows each text with the nearest key above it.
fn walk(table: &Table, see: &mut dyn FnMut(&str, &str)) {
    fn into(key: &str, value: &Value, see: &mut dyn FnMut(&str, &str)) {
        match value {
            Value::String(text) => see(key, text),
            Value::Array(list) => list.iter().for_each(|value| into(key, value, see)),
            // What is sent as it is may be called anything.
            Value::Table(table) if SENT.contains(&key) => table.iter().for_each(|(_, value)| into(key, value, see)),
            Value::Table(table) => table.iter().for_each(|(key, value)| into(key, value, see)),
            _ => {}
        }
    }
    table.iter().for_each(|(key, value)| into(key, value, see));
}

/// The site file for others to read: keys and numbers as they are, without comments, and without what logs in anywhere.
pub fn without_secrets(site: &Table) -> Table {
    fn cover(key: &str, value: &mut Value, is_camera: bool) {
        match value {
            Value::String(text) => *text = covered(key, text, is_camera),
            Value::Array(list) => list.iter_mut().for_each(|value| cover(key, value, is_camera)),
            Value::Table(table) if SENT.contains(&key) => {
                table.iter_mut().for_each(|(_, value)| *value = Value::from(HIDDEN));
            }
            Value::Table(table) => table.iter_mut().for_each(|(key, value)| cover(key, value, is_camera)),
            Value::Integer(_) if is_secret(key) => *value = Value::from(HIDDEN),
            _ => {}
        }
    }
    let mut site = site.clone();
    site.iter_mut().for_each(|(key, value)| cover(key, value, key == "camera"));
    site
}

fn is_secret(key: &str) -> bool {
    let is_name = NAMES.iter().any(|end| key.ends_with(end));
    (SECRET_PARTS.iter().any(|part| key.contains(part)) && !is_name) || SENT.contains(&key)
}

fn covered(key: &str, text: &str, is_camera: bool) -> String {
    if is_secret(key) {
        return HIDDEN.to_owned();
    }
    match Url::parse(text) {
        // The path of a camera's address tells its maker; that of a robot or of a topic is its password.
        Ok(_) if text.contains("://") && is_camera => redact(text),
        Ok(url) if text.contains("://") => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}/{HIDDEN}", url.scheme(), url.host_str().unwrap_or_default())
        }
        _ => redact(text),
    }
}

/// Blots secrets out of texts.
#[derive(Debug, Default)]
pub struct Blotter {
    /// Longer ones first, so that none is left in part.
    known: BTreeSet<(std::cmp::Reverse<usize>, String)>,
}

impl Blotter {
    /// Knows what a site file holds itself.
    pub fn of(site: &Table) -> Self {
        let mut blotter = Self::default();
        walk(site, &mut |key, text| {
            // `camera.user` and the like are names, and too common to be blotted out of every text; passwords are not.
            if is_secret(key) && !["user", "topic", "ack", "ack_topic", "key"].contains(&key) {
                blotter.know(text);
            }
            if let Ok(url) = Url::parse(text)
                && text.contains("://")
            {
                blotter.know(url.password().unwrap_or_default());
                let told = url.query_pairs().filter(|(key, _)| !WORDS.contains(&key.to_lowercase().as_str()));
                told.for_each(|(_, value)| blotter.know(&value));
            }
        });
        // The path of an address may be the password of a robot or of a topic; that of a camera tells its maker.
        let others = site.clone().into_iter().filter(|(key, _)| key != "camera").collect::<Table>();
        walk(&others, &mut |_, text| {
            let path = Url::parse(text).ok().filter(|_| text.contains("://")).map(|url| url.path().to_owned());
            blotter.know(path.filter(|path| path.len() >= LEAST_PATH).as_deref().unwrap_or_default());
        });
        blotter
    }

    /// Knows the lines and words of what a file or variable holds.
    pub fn know(&mut self, text: &str) {
        let words = text.lines().flat_map(|line| std::iter::once(line.trim()).chain(line.split_whitespace()));
        let pieces =
            text.split(|c: char| c.is_whitespace() || "\"'=&?".contains(c)).filter(|word| word.len() >= LEAST_PIECE);
        let words = words.chain(pieces);
        let long = words.filter(|word| word.len() >= LEAST_SECRET);
        self.known.extend(long.map(|word| (std::cmp::Reverse(word.len()), word.to_owned())));
    }

    /// The text without what is known, what looks like a login, and number plates.
    pub fn blot(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (_, secret) in &self.known {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), HIDDEN);
            }
        }
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            out.push_str(&without_plates(&without_told(&redact(line))));
        }
        out
    }
}

/// The text without what stands behind a word that says that a secret follows: `Bearer …`, `"secret": "…"`, `setup=…`, the
/// link by which whoever has it becomes the console's administrator.
fn without_told(text: &str) -> String {
    // Of the same length as the text, whatever is in it.
    let small = text.to_ascii_lowercase();
    let is_between = |c: char| " \t:=\"'".contains(c);
    let is_end = |c: char| c.is_whitespace() || "\"',;)}".contains(c);
    let mut places = Vec::new();
    for word in TELLING {
        for (at, _) in small.match_indices(word) {
            let behind = &text[at + word.len()..];
            let begin = behind.len() - behind.trim_start_matches(is_between).len();
            let length = behind[begin..].find(is_end).unwrap_or(behind.len() - begin);
            let is_joined = word == "bearer" || behind[..begin].contains([':', '=', '"', '\'']);
            if is_joined && begin > 0 && length > 0 {
                places.push(at + word.len() + begin..at + word.len() + begin + length);
            }
        }
    }
    places.sort_by_key(|place| place.start);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for place in places {
        if place.start >= done {
            out.push_str(&text[done..place.start]);
            out.push_str(HIDDEN);
        }
        done = done.max(place.end);
    }
    out + &text[done..]
}

/// A province's character, a letter, and five or six letters or figures.
fn without_plates(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let is_of_plate = |c: &char| c.is_ascii_alphanumeric() || *c == '·' || "学警港澳挂".contains(*c);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while at < letters.len() {
        let rest = letters[at + 1..].iter().take(8).take_while(|c| is_of_plate(c)).count();
        let is_plate = PROVINCES.contains(letters[at]) && rest >= 6 && letters[at + 1].is_ascii_alphabetic();
        if is_plate {
            out.push_str(HIDDEN);
            at += rest;
        } else {
            out.push(letters[at]);
        }
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plates_go_and_other_words_stay() {
        assert_eq!(without_plates("saw 京A12345 and 粤B·D12345 at 京城 gate"), "saw *** and *** at 京城 gate");
        assert_eq!(without_plates("no plate 京"), "no plate 京");
    }

    #[test]
    fn what_a_line_calls_a_secret_is_hidden_and_the_rest_of_it_is_not() {
        for (line, told) in [
            (
                "console: http://127.0.0.1:9465/#setup=9be9; this link, once",
                "console: http://127.0.0.1:9465/#setup=***; this link, once",
            ),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            (r#"{"secret":"X1","n":2}"#, r#"{"secret":"***","n":2}"#),
            ("passwd: X, apikey 'Y'", "passwd: ***, apikey '***'"),
            ("the set-up is over; tokens: none", "the set-up is over; tokens: none"),
        ] {
            assert_eq!(without_told(line), told);
        }
    }

    #[test]
    fn words_of_an_address_are_none_that_are_blotted() {
        let site = "[[camera]]\nid = \"air\"\nurl = \"srt://10.0.0.5:9000?mode=listener&streamid=SECRET\"\n";
        let blotter = Blotter::of(&toml::from_str(site).unwrap());
        assert_eq!(blotter.blot("mode=listener SECRET the listener waits"), "mode=listener *** the listener waits");
    }

    #[test]
    fn a_camera_keeps_its_path_and_a_robot_does_not() {
        let site: Table = toml::from_str(
            "[upstream.people]\nkind = \"wecom\"\nurl = \"https://robots.example/hook/SECRET\"\ntimeout_s = 5\n\
             [[camera]]\nid = \"gate\"\nurl = \"rtsp://guard:SECRET@cam:554/Streaming/Channels/101\"\n",
        )
        .unwrap();
        let text = without_secrets(&site).to_string();
        assert!(text.contains("cam:554/Streaming/Channels/101") && text.contains("robots.example/***"), "{text}");
        assert!(text.contains("timeout_s = 5") && !text.contains("SECRET"), "{text}");
    }
}
