//! Doubts about what is said: words that a loudspeaker would say otherwise than they are written, or not at all.

use std::time::Duration;

use forewarn_domain::SpokenText;
use forewarn_domain::violation::template::{self, Words};
use forewarn_domain::violation::{Language, Warning};

use super::{About, Doubt};
use crate::Rule;

/// What a chime, the speech program and a slow voice take beside the words.
const BESIDE: Duration = Duration::from_secs(3);

/// The warning that a rule gives; none where it is told to give none.
pub(super) fn given(rule: &Rule) -> Option<&Warning> {
    rule.violation.warning.as_ref().filter(|warning| warning.times > 0)
}

/// The doubts about the text that a rule has said in the site's language.
pub(super) fn of_warning(rule: &Rule, language: Language) -> Vec<Doubt> {
    let Some(warning) = given(rule).filter(|warning| warning.audio.is_none()) else { return Vec::new() };
    let said: Vec<SpokenText> = warning.text.all().filter_map(|text| text.in_language(language)).collect();
    let found = said.iter().flat_map(|text| [too_long(text, warning), not_filled_in(text), of_another_script(text)]);
    let empty = warning.text.all().flat_map(|text| [&text.en, &text.zh]).flatten().filter_map(|text| empty(text));
    let doubt = |(problem, mend)| Doubt { about: About::rule(rule), problem, mend };
    found.flatten().chain(empty).map(doubt).collect()
}

/// What is wrong, and the mend.
type Found = Option<(String, String)>;

/// A text of points and blanks alone.
fn empty(text: &str) -> Found {
    let problem = format!("its warning {text:?} has nothing to say");
    let mend = "write what is to be said, or `warning.times = 0`".to_owned();
    (!text.chars().any(char::is_alphanumeric)).then_some((problem, mend))
}

/// An announcement that is not over in time counts as failed, each time.
fn too_long(text: &SpokenText, warning: &Warning) -> Found {
    let lasts_s = (text.estimated_duration() + BESIDE).as_secs();
    let problem = format!(
        "saying its warning takes about {lasts_s} s, and it counts as failed after {} s (`warning.timeout_s`)",
        warning.timeout_s
    );
    let mend = "say it in a sentence or two, or raise `warning.timeout_s`".to_owned();
    (lasts_s as f64 > warning.timeout_s).then_some((problem, mend))
}

/// Signs of a text that somebody hopes is filled in, or is marked up: each is read out.
fn not_filled_in(text: &SpokenText) -> Found {
    let chars: Vec<char> = text.text.chars().collect();
    let is_sign = |pair: &[char]| match pair[0] {
        '<' | '>' => true,
        '$' | '%' => pair.get(1).is_some_and(char::is_ascii_alphabetic),
        _ => false,
    };
    let sign = (0..chars.len()).find(|at| is_sign(&chars[*at..]))?;
    let shown: String = chars[sign..].iter().take_while(|c| !c.is_whitespace()).take(20).collect();
    let problem = format!("nothing is put in the place of `{shown}` in its warning, so it is read out as it stands");
    Some((problem, "write the words that are to be heard".to_owned()))
}

/// Letters that the voice of the language does not know: it names their script instead, or spells them.
fn of_another_script(text: &SpokenText) -> Found {
    // What is filled in is of neither script.
    let words = template::fill(&text.text, &Words::default(), text.language);
    let letters: Vec<char> = words.chars().filter(|c| c.is_alphabetic()).collect();
    let problem = match text.language {
        Language::En => {
            // One Chinese character may be the province of a plate.
            let strange = |c: &&char| !is_latin(**c);
            let is_plate = letters.iter().filter(strange).count() == 1
                && letters.iter().find(strange).is_some_and(|c| is_chinese(*c));
            let first = letters.iter().find(strange).filter(|_| !is_plate)?;
            format!("its English warning has `{first}`, which an English voice cannot read")
        }
        Language::Zh => match letters.iter().find(|c| !is_chinese(**c) && !is_latin(**c)) {
            Some(first) => format!("its Chinese warning has `{first}`, which a Chinese voice cannot read"),
            None if !letters.is_empty() && !letters.iter().any(|c| is_chinese(*c)) => {
                "its Chinese warning has no Chinese character, so it is spelled letter by letter".to_owned()
            }
            None => return None,
        },
    };
    Some((problem, "write `warning.text.en` in English and `warning.text.zh` in Chinese characters".to_owned()))
}

/// A letter of the Latin script, also a wide one or a Roman number.
fn is_latin(c: char) -> bool {
    matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{2100}'..='\u{218f}' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

/// A Chinese character.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3007}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(language: Language, text: &str) -> SpokenText {
        SpokenText { language, text: text.to_owned() }
    }

    #[test]
    fn what_is_put_in_nowhere_is_told_with_its_name() {
        for (text, shown) in [
            ("At most $people here.", "`$people`"),
            ("At most %d people.", "`%d`"),
            ("Leave <b>now</b>.", "`<b>now</b>.`"),
        ] {
            let (problem, _) = not_filled_in(&say(Language::En, text)).unwrap_or_default();
            assert!(problem.contains(shown), "{text}: {problem}");
        }
        for text in ["A fine of $50 is due.", "Slow down by 20 %.", "It is 50% full.", "Please leave."] {
            assert_eq!(not_filled_in(&say(Language::En, text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_filled_in_is_no_doubt_and_a_wrong_name_is_told_with_its_line() {
        let told = |text: &str| {
            let site = format!(
                "[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n\
                 speakers = [\"horn\"]\n[[camera.rule]]\nviolation = \"loitering\"\nwith = {{ warning.text = {text} }}\n"
            );
            let site =
                crate::resolve(&crate::source::Source::new("site.toml", site)).map_err(|errors| errors.to_string())?;
            Ok::<_, String>(of_warning(&site.cameras[0].rules[0], Language::En))
        };
        assert_eq!(told("{ en = \"{plate}, the {nth} warning: leave {place}.\" }"), Ok(Vec::new()));
        assert_eq!(told("[{ name = \"a\", en = \"Go.\" }, { name = \"b\", en = \"Please go.\" }]"), Ok(Vec::new()));
        let doubts = told("[{ name = \"a\", en = \"Go.\" }, { name = \"b\", en = \"...\" }]").unwrap();
        assert!(doubts.iter().any(|doubt| doubt.problem.contains("has nothing to say")), "each text is looked at");
        let wrong = told("{ en = \"Car {plaet}, go.\" }").unwrap_err();
        assert!(
            wrong.starts_with("site.toml:12: ")
                && wrong.contains("nothing can be filled in for `{plaet},`; write one of {plate}"),
            "{wrong}"
        );
    }

    #[test]
    fn letters_that_the_voice_cannot_read_are_told() {
        for (language, text) in [
            (Language::En, "请勿占用消防通道"),
            (Language::En, "Leave, من فضلك"),
            (Language::En, "Пожалуйста"),
            (Language::Zh, "Please leave now."),
            (Language::Zh, "请勿占用 ください"),
        ] {
            assert!(of_another_script(&say(language, text)).is_some(), "{text}");
        }
        for (language, text) in [
            (Language::En, "Please leave now, Señor; 10 µg/m³ at café Ⅱ."),
            (Language::En, "Car 京A·12345, drive on."),
            (Language::Zh, "请勿占用消防通道，CCTV 监控中，Ａ区②号门"),
            (Language::Zh, "110！"),
        ] {
            assert_eq!(of_another_script(&say(language, text)), None, "{text}");
        }
    }
}
