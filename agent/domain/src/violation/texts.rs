//! What a warning says: one text, or several that are tried against each other.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Text, template};
use crate::IncidentId;

/// One of several texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedText {
    /// What it goes by in figures.
    pub name: String,
    /// English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// Chinese (Mandarin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
}

/// What a warning says: `text = { en = "…", zh = "…" }`, or several `[[warning.text]]`, each with a name, of which an incident
/// gets one by its id, the same each time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    first: Text,
    /// Their names in order; none where there is one text.
    names: Vec<String>,
    others: Vec<Text>,
}

impl From<Text> for Texts {
    fn from(first: Text) -> Self {
        Self { first, names: Vec::new(), others: Vec::new() }
    }
}

impl Texts {
    /// All of them, in order.
    pub fn all(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The one that an incident gets, and its name where several are tried.
    pub fn of(&self, incident: &IncidentId) -> (&Text, Option<&str>) {
        if self.names.len() < 2 {
            return (&self.first, self.names.first().map(String::as_str));
        }
        let index = (spread(incident.as_str()) % self.names.len() as u64) as usize;
        (self.all().nth(index).unwrap_or(&self.first), self.names.get(index).map(String::as_str))
    }
}

/// A number that looks like chance and is the same for the same text: FNV-1a, whose bits are then mixed as `SplitMix64` does.
fn spread(text: &str) -> u64 {
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.names.is_empty() {
            return self.first.serialize(serializer);
        }
        let named =
            |(name, text): (&String, &Text)| NamedText { name: name.clone(), en: text.en.clone(), zh: text.zh.clone() };
        serializer.collect_seq(self.names.iter().zip(self.all()).map(named))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text such as { en = \"…\" }, or several, each with a name")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Texts, A::Error> {
                let text = Text::deserialize(MapAccessDeserializer::new(map))?;
                checked(text.into()).map_err(A::Error::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Texts, A::Error> {
                let named = Vec::<NamedText>::deserialize(SeqAccessDeserializer::new(seq))?;
                of_several(named).and_then(checked).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

fn of_several(named: Vec<NamedText>) -> Result<Texts, String> {
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for NamedText { name, en, zh } in named {
        let is_fit =
            (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if !is_fit || names.contains(&name) {
            return Err(format!("\"{name}\" is no name of one text: give each its own, of 1 to 32 of a-z A-Z 0-9 _ -"));
        }
        names.push(name);
        texts.push(Text { en, zh });
    }
    let mut texts = texts.into_iter();
    let first = texts.next().ok_or("there is no text: give one, or several, each with a name")?;
    Ok(Texts { first, names, others: texts.collect() })
}

/// The texts, if all of their places can be filled in.
fn checked(texts: Texts) -> Result<Texts, String> {
    for text in texts.all().flat_map(|text| [&text.en, &text.zh]).flatten() {
        template::check(text).map_err(|error| error.to_string())?;
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(json: &str) -> Result<Texts, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn one_text_is_as_it_was_and_several_have_names() {
        let one = r#"{"en":"Go."}"#;
        let texts = read(one).unwrap();
        assert_eq!(texts.of(&IncidentId::from_stored("i")), (&Text { en: Some("Go.".to_owned()), zh: None }, None));
        assert_eq!(serde_json::to_string(&texts).unwrap(), one);
        let two = r#"[{"name":"kind","en":"Please go."},{"name":"plain","en":"Go.","zh":"走"}]"#;
        assert_eq!(serde_json::to_string(&read(two).unwrap()).unwrap(), two);
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for (json, says) in [
            (r#"{"en":"Car {plaet}"}"#, "nothing can be filled in for `{plaet}`"),
            (r#"[{"name":"a","zh":"{x}"}]"#, "nothing can be filled in for `{x}`"),
            (r#"[{"name":"a b","en":"x"}]"#, "\"a b\" is no name of one text"),
            (r#"[{"name":"a","en":"x"},{"name":"a","en":"y"}]"#, "\"a\" is no name of one text"),
            ("[]", "there is no text"),
            (r#""Go.""#, "expected a text such as"),
            (r#"{"de":"x"}"#, "unknown field `de`"),
        ] {
            let told = read(json).unwrap_err();
            assert!(told.contains(says), "{json}: {told}");
        }
    }

    #[test]
    fn each_text_has_its_share_and_an_incident_keeps_its_own() {
        let texts = read(r#"[{"name":"a","en":"1"},{"name":"b","en":"2"},{"name":"c","en":"3"}]"#).unwrap();
        let mut shares: BTreeMap<&str, u32> = BTreeMap::new();
        for n in 0..3000 {
            let id = IncidentId::from_stored(&format!("gate-loitering-{}-{}", 1_795_326_382_378_i64 + n * 37, n % 7));
            let (text, name) = texts.of(&id);
            assert_eq!((text, name), texts.of(&id));
            *shares.entry(name.unwrap()).or_default() += 1;
        }
        assert!(shares.len() == 3 && shares.values().all(|n| (900..1100).contains(n)), "{shares:?}");
    }
}
