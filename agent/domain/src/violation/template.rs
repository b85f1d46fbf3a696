//! Texts with places that are filled in when they are said: `{plate}`, `{place}`, `{count}`, `{seconds_left}`, `{nth}`.

use std::fmt;

use crate::announcement::Language;

/// What can be filled in, and its name in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    /// The number plate, as far as it was read.
    Plate,
    /// Where it is: the camera's place, or its zone.
    Place,
    /// How many take part.
    Count,
    /// Seconds until the subject is looked at again.
    SecondsLeft,
    /// Which warning it is.
    Nth,
}

impl Blank {
    const ALL: [(&'static str, Self); 5] = [
        ("plate", Self::Plate),
        ("place", Self::Place),
        ("count", Self::Count),
        ("seconds_left", Self::SecondsLeft),
        ("nth", Self::Nth),
    ];
}

/// What is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// The plate; none where it was not read.
    pub plate: Option<String>,
    /// The place.
    pub place: String,
    /// How many take part.
    pub count: u32,
    /// Seconds until the subject is looked at again.
    pub seconds_left: u32,
    /// Which warning it is, from 1.
    pub nth: u32,
}

/// A text names what cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadBlank {
    /// What stands there.
    shown: String,
}

impl fmt::Display for BadBlank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = Blank::ALL.iter().map(|(name, _)| format!("{{{name}}}")).collect();
        write!(
            f,
            "nothing can be filled in for `{}`; write one of {}, or the words themselves",
            self.shown,
            known.join(", ")
        )
    }
}

/// A part of a text.
enum Part<'a> {
    Words(&'a str),
    Blank(Blank),
}

/// The parts of a text, in order.
fn parts(text: &str) -> Result<Vec<Part<'_>>, BadBlank> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let bad = || BadBlank { shown: rest[at..].chars().take_while(|c| !c.is_whitespace()).take(20).collect() };
        let inner = rest[at..].strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or_else(bad)?;
        let blank = Blank::ALL.iter().find(|(name, _)| *name == inner.0).ok_or_else(bad)?.1;
        parts.extend([Part::Words(&rest[..at]), Part::Blank(blank)]);
        rest = inner.1;
    }
    parts.push(Part::Words(rest));
    Ok(parts)
}

/// Whether every place of a text can be filled in.
pub fn check(text: &str) -> Result<(), BadBlank> {
    parts(text).map(drop)
}

/// The text as it is said. One that [`check`] refuses is said as it stands.
pub fn fill(text: &str, words: &Words, language: Language) -> String {
    let Ok(parts) = parts(text) else { return text.to_owned() };
    let said = |part| match part {
        Part::Words(plain) => plain.to_owned(),
        Part::Blank(Blank::Place) => words.place.clone(),
        Part::Blank(Blank::Count) => words.count.to_string(),
        Part::Blank(Blank::SecondsLeft) => words.seconds_left.to_string(),
        Part::Blank(Blank::Plate) => words.plate.clone().unwrap_or_else(|| unread(language).to_owned()),
        Part::Blank(Blank::Nth) => ordinal(words.nth, language),
    };
    parts.into_iter().map(said).collect()
}

/// Who is meant where the plate was not read.
fn unread(language: Language) -> &'static str {
    match language {
        Language::En => "your vehicle",
        Language::Zh => "您的车辆",
    }
}

/// "second", "第二".
fn ordinal(nth: u32, language: Language) -> String {
    const EN: [&str; 9] = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];
    const ZH: [&str; 9] = ["第一", "第二", "第三", "第四", "第五", "第六", "第七", "第八", "第九"];
    let index = (nth as usize).wrapping_sub(1);
    match language {
        Language::En => EN.get(index).map_or_else(|| format!("number {nth}"), |word| (*word).to_owned()),
        Language::Zh => ZH.get(index).map_or_else(|| format!("第{nth}"), |word| (*word).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words { plate: Some("苏A12345".to_owned()), place: "东区".to_owned(), count: 3, seconds_left: 20, nth: 2 }
    }

    #[test]
    fn each_place_is_filled_in() {
        let en = "{plate}: the {nth} warning at {place}, {count} people, {seconds_left} s.";
        assert_eq!(fill(en, &words(), Language::En), "苏A12345: the second warning at 东区, 3 people, 20 s.");
        assert_eq!(fill("{plate}，{nth}次警告", &words(), Language::Zh), "苏A12345，第二次警告");
        assert_eq!(fill("Please leave.", &words(), Language::En), "Please leave.");
        let unread = Words { plate: None, nth: 12, ..words() };
        assert_eq!(fill("{plate}, {nth}", &unread, Language::En), "your vehicle, number 12");
        assert_eq!(fill("请{plate}驶离，{nth}次", &unread, Language::Zh), "请您的车辆驶离，第12次");
    }

    #[test]
    fn what_cannot_be_filled_in_is_named() {
        for (text, shown) in [
            ("Car {plaet}, go", "`{plaet},`"),
            ("{", "`{`"),
            ("a}b", "`}b`"),
            ("{}", "`{}`"),
            ("{plate {nth}", "`{plate`"),
        ] {
            let told = check(text).unwrap_err().to_string();
            assert!(told.contains(shown) && told.contains("{seconds_left}"), "{text}: {told}");
            assert_eq!(fill(text, &words(), Language::En), text);
        }
        assert_eq!(check("{plate}{plate} 车"), Ok(()));
    }
}
