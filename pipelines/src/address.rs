//! The text of an address: where its host stands, and which parts of it are secret.
//!
//! An @ behind the host is no rarity: recorders carry user and password in the path, others an e-mail address in the
//! query, and a password may hold any character unencoded. So the part up to the first slash names the host where it
//! reads as one, and only where it does not, an @ further behind divides.

use std::ops::Range;

/// Keys of paths and queries whose values are secret, in small letters.
const SECRET_KEYS: [&str; 11] =
    ["password=", "passwd=", "pwd=", "psw=", "pass=", "pas=", "passphrase=", "token=", "key=", "secret=", "auth="];

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// What follows `scheme://` as the part with the host (user and password included) and the rest.
pub(crate) fn split_authority(rest: &str) -> (&str, &str) {
    let first = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = &rest[..first];
    if is_listener(authority) || authority.is_empty() || reads_as_host(host_of(authority)) {
        return rest.split_at(first);
    }
    let ends = |(at, _): (usize, &str)| {
        let host = first + at + 1;
        let end = rest[host..].find(['/', '?']).map_or(rest.len(), |end| host + end);
        reads_as_host(&rest[host..end]).then_some((first + at, end))
    };
    let candidates: Vec<(usize, usize)> = rest[first..].match_indices('@').filter_map(ends).collect();
    // What stands behind a question mark and an equals sign is the value of a query, as an e-mail address may be.
    let is_in_query = |at: usize| rest[..at].rsplit_once('?').is_some_and(|(_, query)| query.contains('='));
    let best = candidates.iter().rfind(|(at, _)| !is_in_query(*at)).or(candidates.last());
    rest.split_at(best.map_or(first, |(_, end)| *end))
}

/// The host and port of an authority, without user and password.
pub(crate) fn host_of(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Whether a text is a name or an address, with a port that is a number or without one.
pub(crate) fn reads_as_host(text: &str) -> bool {
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (is_named, port) = if let Some((address, port)) = in_brackets {
        (address.contains(':') && address.chars().all(|c| c.is_ascii_alphanumeric() || ":.%".contains(c)), port)
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let is_of_name = |c: char| c.is_alphanumeric() || "-._".contains(c);
        (end > 0 && text[..end].chars().all(is_of_name), &text[end..])
    };
    is_named && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// Whether it is a port alone, as an SRT listener has it.
pub(crate) fn is_listener(host: &str) -> bool {
    host.strip_prefix(':').is_some_and(is_port)
}

/// Whether an address says that this box listens there.
pub(crate) fn listens(address: &str) -> bool {
    address.split(['?', '&']).skip(1).any(|key| key.trim_end_matches(['"', '\'', ',', ':']) == "mode=listener")
}

/// Where the key of an RTMP publisher stands, the last part of the path behind the application: who knows it may send
/// pictures in the camera's place.
fn publishing_key(address: &str) -> Option<Range<usize>> {
    let from = address.to_ascii_lowercase().find("rtmp://").filter(|_| listens(address))? + "rtmp://".len();
    let end = address[from..].find('?').map_or(address.len(), |length| from + length);
    let path = from + address[from..end].find('/')? + 1;
    let key = path + address[path..end].rfind('/')? + 1;
    (key < end).then_some(key..end)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// The values of `password=`, `token=` and the like in an address or a message.
pub(crate) fn written_secrets(text: &str) -> Vec<&str> {
    secret_values(text).into_iter().map(|place| &text[place]).filter(|value| !value.is_empty()).collect()
}

/// Where such values stand, in their order. A value ends at the next `&`, since it may hold any other character.
fn secret_values(text: &str) -> Vec<Range<usize>> {
    let small = text.to_ascii_lowercase();
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(value) = first_key_end(&small[from..]).map(|end| from + end) {
        let end = text[value..].find('&').map_or(text.len(), |length| value + length);
        places.push(value..end);
        from = end;
    }
    places
}

/// Where passwords of `user:password@` stand in a path or query: a user's name with a slash in it cannot be told from a host.
fn logins_behind_the_host(address: &str) -> Vec<Range<usize>> {
    let password = |(at, _): (usize, &str)| {
        let from = address[..at].rfind(['/', '?', '#', '@']).map_or(0, |divider| divider + 1);
        let colon = address[from..at].find(':')? + from;
        (colon + 1 < at).then_some(colon + 1..at)
    };
    address.match_indices('@').filter_map(password).collect()
}

fn first_key_end(small: &str) -> Option<usize> {
    SECRET_KEYS.iter().filter_map(|key| Some((small.find(key)?, key.len()))).map(|(at, length)| at + length).min()
}

/// Blots out what looks like a secret in a message: what stands before the host of an address, and the values of
/// `password=`, `token=` and the like in a path or query.
pub fn redact(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(redact_word).collect()
}

fn redact_word(word: &str) -> String {
    let (word, space) = word.split_at(word.trim_end().len());
    redact_address(word) + space
}

/// [`redact`] for what is one address, whatever blanks it holds.
pub(crate) fn redact_address(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    let mut rest = address;
    // An address may hold another one in its query.
    while let Some((before, behind)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let (authority, tail) = split_authority(behind);
        let host = host_of(authority);
        if host.len() < authority.len() || !may_be_shown(host) {
            out.push_str(HIDDEN);
        }
        if may_be_shown(host) {
            out.push_str(&authority[authority.len() - host.len() - usize::from(host.len() < authority.len())..]);
        }
        rest = tail;
    }
    out.push_str(rest);
    if let Some(place) = publishing_key(&out) {
        out.replace_range(place, HIDDEN);
    }
    if address.contains("://") {
        for place in logins_behind_the_host(&out).into_iter().rev() {
            out.replace_range(place, HIDDEN);
        }
    }
    for place in secret_values(&out).into_iter().rev() {
        out.replace_range(place, HIDDEN);
    }
    out
}

/// Whether what stands in a host's place is no password: a host, or none at all.
fn may_be_shown(host: &str) -> bool {
    host.is_empty() || host == HIDDEN || reads_as_host(host) || is_listener(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_is_the_host_where_it_reads_as_one() {
        for (rest, authority) in [
            ("127.0.0.1:8554/user=admin&password=Ab1@Zz9&channel=1", "127.0.0.1:8554"),
            ("cam/live?user=guard@example.org&mode=1", "cam"),
            ("cam/hall@north/main", "cam"),
            ("[fe80::1]:554/hall@north", "[fe80::1]:554"),
            ("guard:secret@cam/hall@north", "guard:secret@cam"),
            ("guard:se@cret@cam:554/live", "guard:se@cret@cam:554"),
            ("guard:se/cret@cam/live", "guard:se/cret@cam"),
            ("guard:se?cret@cam/live", "guard:se?cret@cam"),
            ("guard:a/b@c/d?e@cam/live", "guard:a/b@c/d?e@cam"),
            ("guard:se/cret@cam/live?mail=a@example.org", "guard:se/cret@cam"),
            ("guard:s@e:c/r@cam/live", "guard:s@e:c/r@cam"),
            ("guard:p?a=b@cam/s", "guard:p?a=b@cam"),
            (":9000?mode=listener&streamid=a@b", ":9000"),
            ("cam:99999/s", "cam:99999"),
            ("", ""),
        ] {
            assert_eq!(split_authority(rest).0, authority, "{rest}");
        }
    }

    #[test]
    fn no_part_of_a_secret_is_left() {
        for (text, shown) in [
            ("open rtsp://u:pw@cam/x now", "open rtsp://***@cam/x now"),
            ("rtsp://u:p/w@cam/x\tand\nmore", "rtsp://***@cam/x\tand\nmore"),
            ("rtsp://cam/user=a&Password=t@l/J;w&channel=1", "rtsp://cam/user=a&Password=***&channel=1"),
            ("rtsp://cam/user=a_password=tl@Jw_channel=1", "rtsp://cam/user=a_password=***"),
            ("rtsp://cam/hall@north?token=a@b", "rtsp://cam/hall@north?token=***"),
            ("rtsp://cam/live?user=guard@example.org", "rtsp://cam/live?user=guard@example.org"),
            ("rtsp://proxy/a?to=rtsp://u:pw@cam/b", "rtsp://proxy/a?to=rtsp://***@cam/b"),
            // Somebody forgot the host.
            ("rtsp://guard:secret/live", "rtsp://***/live"),
            // A user's name with a slash in it, before which stands what reads as a host.
            ("rtsp://guard../r:secret@cam:554/live", "rtsp://guard../r:***@cam:554/live"),
            ("file:///tmp/a@b.mp4", "file:///tmp/a@b.mp4"),
            ("srt://:9000?mode=listener", "srt://:9000?mode=listener"),
        ] {
            assert_eq!(redact(text), shown);
            assert_eq!(redact(shown), shown, "nothing is left to hide");
        }
        assert_eq!(redact_address("rtsp://cam/?pwd=a b&x=1"), "rtsp://cam/?pwd=***&x=1");
        assert_eq!(written_secrets("rtsp://cam/?pwd=a b&x=1&TOKEN=7"), ["a b", "7"]);
    }

    #[test]
    fn the_key_of_a_publisher_is_no_ones_to_read() {
        for (address, shown) in [
            ("rtmp://:1935/live/hill3?mode=listener", "rtmp://:1935/live/***?mode=listener"),
            ("url=\"rtmp://10.0.0.7:1935/a/b/c?mode=listener\"", "url=\"rtmp://10.0.0.7:1935/a/b/***?mode=listener\""),
            ("rtmp://:1935/live?mode=listener", "rtmp://:1935/live?mode=listener"),
            ("rtmp://relay/live/hall", "rtmp://relay/live/hall"),
        ] {
            assert_eq!(redact(address), shown);
        }
    }
}
