//! What serde says of a value, in the words of a site file, with the mend; and which key of a table it speaks of.

use serde::de::DeserializeOwned;

use crate::nearest::meant;

/// serde's names of types, what a site file calls them, and how such a value is written.
const TYPES: [(&str, &str, &str); 18] = [
    ("a sequence", "a list", "write a list: `[…, …]`"),
    ("a map", "a table", "write a table: `{ key = value }`"),
    ("map", "a table", "write a table: `{ key = value }`"),
    ("an array", "a list", "write a list: `[…, …]`"),
    ("struct", "a table", "write a table: `{ key = value }`"),
    ("a boolean", "true or false", "write true or false, without quotes"),
    ("string or map", "a text", "write it in quotes"),
    ("variant identifier", "a text", "write it in quotes"),
    ("a string", "a text", "write it in quotes"),
    ("f64", "a number", "write a number, without quotes"),
    ("f32", "a number", "write a number, without quotes"),
    ("u8", "a whole number from 0 on", "write a whole number from 0 on, without quotes"),
    ("u16", "a whole number from 0 on", "write a whole number from 0 on, without quotes"),
    ("u32", "a whole number from 0 on", "write a whole number from 0 on, without quotes"),
    ("u64", "a whole number from 0 on", "write a whole number from 0 on, without quotes"),
    ("usize", "a whole number from 0 on", "write a whole number from 0 on, without quotes"),
    ("i32", "a whole number", "write a whole number, without quotes"),
    ("i64", "a whole number", "write a whole number, without quotes"),
];
/// What the standard library says of addresses, and what a site file says.
const ADDRESSES: [(&str, &str, &str); 3] = [
    (
        "invalid socket address syntax",
        "this is no address with a port",
        "write it like \"192.168.1.30:5004\"; a name is not looked up",
    ),
    ("invalid IPv4 address syntax", "this is no IPv4 address", "write it like \"192.168.1.30\""),
    ("invalid IP address syntax", "this is no address", "write it like \"192.168.1.30\""),
];
/// The largest number of a key by its type, which may take less.
const LARGEST: [(&str, u32); 3] = [("u8", 255), ("u16", 65_535), ("u32", u32::MAX)];
const SMALLER: &str = "docs/configuration.md tells what each key takes";
const NUMBER_OR_ID: &str = "write an id of many digits, such as `device_id`, in quotes, and a number smaller";
const LISTED: &str = "write its header with two brackets, such as `[[camera]]`, once for each entry";
const EXAMPLE: &str = "`forewarn config example` shows each key with its meaning";
/// Parts of keys whose values may be secret, also where a file is meant and something else was written.
const SECRET: [&str; 6] = ["password", "secret", "token", "pin", "user", "key"];
/// Tables of a site file without which it is none, and how they are written.
const TABLES: [(&str, &str); 2] = [("site", "[site]"), ("camera", "[[camera]]")];

/// serde's message in a site file's words, and the mend.
pub(crate) fn in_words(message: &str) -> (String, String) {
    let message = message.trim().replace('\n', " ");
    if let Some(table) = missing_table(&message) {
        return (format!("there is no `{table}`"), format!("add `{table}`; {EXAMPLE}"));
    }
    if let Some((_, problem, mend)) = ADDRESSES.iter().find(|(words, ..)| message.contains(words)) {
        return ((*problem).to_owned(), (*mend).to_owned());
    }
    if message.starts_with("invalid type: map, expected a sequence") {
        return ("one table stands where a list of tables belongs".to_owned(), LISTED.to_owned());
    }
    // serde takes it for a type of its own; a longer one is not even that.
    let is_large = ["` as i128, expected", "` as u128, expected"].iter().any(|of| message.contains(of));
    if is_large || message.starts_with("integer number overflowed") {
        return ("this number is too large for any key".to_owned(), NUMBER_OR_ID.to_owned());
    }
    // What a type can hold is not what the key takes, which is checked when it fits.
    if message.starts_with("invalid value: integer `") && !message.contains("`-") && of_type(&message).is_some() {
        let before = message.split(", expected ").next().unwrap_or_default();
        let wanted = message.split(", expected ").nth(1).unwrap_or_default();
        let largest = LARGEST.iter().find(|(name, _)| wanted == *name || wanted.starts_with(&format!("{name} ")));
        let write = largest.map_or_else(|| "a smaller whole number".to_owned(), |(_, most)| format!("{most} or less"));
        return (format!("{before}, expected a smaller whole number"), format!("write {write}; {SMALLER}"));
    }
    let mend = mend_for(&message);
    match of_type(&message) {
        Some((before, (_, ours, _))) => (format!("{before}, expected {ours}"), mend),
        None => (message, mend),
    }
}

/// The key that serde did not know, taken from its message ``unknown field `x`, expected …``.
pub(crate) fn unknown_field(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}

/// The header of a table that the whole file lacks.
pub(crate) fn missing_table(message: &str) -> Option<&'static str> {
    let name = message.strip_prefix("missing field `")?.split('`').next()?;
    TABLES.iter().find(|(table, _)| *table == name).map(|(_, header)| *header)
}

/// Whether what stands at a key, rightly or by mistake, may be for nobody else to read.
pub(crate) fn may_be_secret(key: &str) -> bool {
    SECRET.iter().any(|part| key.contains(part))
}

/// The same problem without the value that it quotes.
pub(crate) fn without_value(problem: &str) -> String {
    let is_of_value = ["invalid type", "invalid value", "unknown variant"].iter().any(|of| problem.starts_with(of));
    match problem.rsplit_once(", expected ") {
        Some((before, wanted)) if is_of_value => {
            let kind = before.split(['`', '"']).next().unwrap_or_default().trim_end();
            format!("{kind}, expected {wanted}")
        }
        _ => problem.to_owned(),
    }
}

/// What stands before the type that a value should have had, and that type.
fn of_type(message: &str) -> Option<(&str, &'static (&'static str, &'static str, &'static str))> {
    let (before, wanted) = message.split_once(", expected ")?;
    if !before.starts_with("invalid type") && !before.starts_with("invalid value") {
        return None;
    }
    let is_it = |serde: &str| wanted == serde || wanted.strip_prefix(serde).is_some_and(|rest| rest.starts_with(' '));
    // The longest name first: "string or map" is no "map".
    TYPES.iter().filter(|(serde, ..)| is_it(serde)).max_by_key(|(serde, ..)| serde.len()).map(|known| (before, known))
}

fn mend_for(message: &str) -> String {
    let of_variant = || message.strip_prefix("unknown variant `")?.split('`').next();
    if let Some(name) = unknown_field(message).or_else(of_variant) {
        let known: Vec<&str> = message
            .split_once("expected")
            .map(|(_, list)| list.split('`').skip(1).step_by(2).collect())
            .unwrap_or_default();
        return meant(name, known.iter().copied(), || format!("known here: {}", known.join(", ")));
    }
    if let Some(rest) = message.strip_prefix("missing field `") {
        let name = rest.split('`').next().unwrap_or_default();
        return format!("add `{name} = …`; {EXAMPLE}");
    }
    of_type(message).map_or_else(|| EXAMPLE.to_owned(), |(_, (_, _, mend))| (*mend).to_owned())
}

/// The key, of a table or of a table in it, because of which it is no `T`: without it the table has another flaw, or none.
/// serde forgets the way to a value of whatever has a kind.
pub(crate) fn culprit<T: DeserializeOwned>(table: &toml::Table, message: &str) -> Option<String> {
    if message.starts_with("missing field") {
        return None;
    }
    let is_same = |rest: toml::Table| rest.try_into::<T>().is_err_and(|error| error.message() == message);
    let without = |key: &str| {
        let mut rest = table.clone();
        rest.remove(key);
        rest
    };
    // Without its kind a table has another flaw whatever is wrong with it.
    let (kind, others): (Vec<_>, Vec<_>) = table.iter().partition(|(key, _)| key.as_str() == "kind");
    for (key, value) in others.into_iter().chain(kind) {
        if is_same(without(key)) {
            continue;
        }
        let inner = value.as_table().into_iter().flatten().find(|(name, _)| {
            let mut rest = table.clone();
            if let Some(inner) = rest.get_mut(key).and_then(toml::Value::as_table_mut) {
                inner.remove(name.as_str());
            }
            !is_same(rest)
        });
        return Some(inner.map_or_else(|| key.clone(), |(name, _)| format!("{key}.{name}")));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    enum Device {
        Horn { address: SocketAddr, ttl: Option<u8>, speech: Option<Speech> },
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    struct Speech {
        rate: u16,
    }

    #[test]
    fn the_key_at_fault_is_found_where_serde_forgot_it() {
        for (text, key) in [
            ("kind = \"horn\"\naddress = \"nowhere\"", "address"),
            ("kind = \"horn\"\naddress = \"1.2.3.4:5\"\nttl = 300", "ttl"),
            ("kind = \"horn\"\naddress = \"1.2.3.4:5\"\nspeech = { rate = \"fast\" }", "speech.rate"),
            ("kind = \"drum\"\naddress = \"1.2.3.4:5\"", "kind"),
            ("kind = 5", "kind"),
        ] {
            let table: toml::Table = toml::from_str(text).unwrap();
            let error = table.clone().try_into::<Device>().unwrap_err();
            assert_eq!(culprit::<Device>(&table, error.message()).as_deref(), Some(key), "{text}: {error}");
        }
    }

    #[test]
    fn types_are_named_as_a_site_file_calls_them() {
        for (message, problem, mend) in [
            (
                "invalid type: string \"horn\", expected a sequence",
                "invalid type: string \"horn\", expected a list",
                "write a list: `[…, …]`",
            ),
            (
                "invalid type: map, expected a sequence",
                "one table stands where a list of tables belongs",
                "write its header with two brackets, such as `[[camera]]`",
            ),
            (
                "invalid value: integer `100000`, expected u16",
                "invalid value: integer `100000`, expected a smaller whole number",
                "write 65535 or less; docs/configuration.md",
            ),
            (
                "invalid value: integer `-1`, expected u8",
                "invalid value: integer `-1`, expected a whole number from 0 on",
                "write a whole number from 0 on, without quotes",
            ),
            (
                "invalid type: integer `5`, expected string or map",
                "invalid type: integer `5`, expected a text",
                "write it in quotes",
            ),
            ("invalid socket address syntax", "this is no address with a port", "write it like \"192.168.1.30:5004\""),
            ("invalid IPv4 address syntax", "this is no IPv4 address", "write it like"),
            ("missing field `camera`", "there is no `[[camera]]`", "add `[[camera]]`; `forewarn config example`"),
            ("missing field `url`", "missing field `url`", "add `url = …`; `forewarn config example`"),
        ] {
            let (found, how) = in_words(message);
            assert!(found == problem && how.starts_with(mend), "{message}: {found}; {how}");
        }
    }
}
