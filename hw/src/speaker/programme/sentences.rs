//! A text in sentences, and their sounds as espeak-ng spells them.

/// What ends a clause, as it stands in a text and in Latin letters.
const MARKS: [(char, char); 15] = [
    ('.', '.'),
    ('!', '!'),
    ('?', '?'),
    ('。', '.'),
    ('！', '!'),
    ('？', '?'),
    (',', ','),
    (';', ';'),
    (':', ':'),
    ('，', ','),
    ('；', ';'),
    ('：', ':'),
    ('、', ','),
    ('…', '.'),
    ('\n', '.'),
];

/// A part of a sentence that is said in one breath, and the mark behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) words: String,
    pub(super) mark: Option<char>,
}

fn ends_sentence(mark: char) -> bool {
    ['.', '!', '?'].contains(&mark)
}

/// The sentences of a text, each in its clauses. A dot within a number, or a colon within a time, ends nothing.
pub(super) fn sentences(text: &str) -> Vec<Vec<Clause>> {
    let (mut all, mut sentence, mut words) = (Vec::new(), Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        let is_alone = !letter.is_ascii() || letter == '\n' || rest.peek().is_none_or(|next| next.is_whitespace());
        let mark = MARKS.iter().find(|(mark, _)| *mark == letter && is_alone).map(|(_, latin)| *latin);
        let Some(mark) = mark else {
            words.push(letter);
            continue;
        };
        close(&mut sentence, &mut words, Some(mark));
        if ends_sentence(mark) && !sentence.is_empty() {
            all.push(std::mem::take(&mut sentence));
        }
    }
    close(&mut sentence, &mut words, None);
    if !sentence.is_empty() {
        all.push(sentence);
    }
    all
}

fn close(sentence: &mut Vec<Clause>, words: &mut String, mark: Option<char>) {
    let said = std::mem::take(words).trim().to_owned();
    if said.chars().any(char::is_alphanumeric) {
        sentence.push(Clause { words: said, mark });
    }
}

/// The sounds of a clause in what espeak-ng wrote of it, without what it says of languages: `(en)`.
pub(super) fn sounds(written: &str) -> String {
    let mut sounds = String::new();
    let mut is_aside = false;
    for letter in written.trim().chars() {
        match letter {
            '(' => is_aside = true,
            ')' => is_aside = false,
            _ if is_aside => {}
            '\n' => sounds.push(' '),
            letter => sounds.push(letter),
        }
    }
    sounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let clause = |clause: &Clause| format!("{}{}", clause.words, clause.mark.map_or("|".to_owned(), String::from));
        sentences(text).iter().map(|sentence| sentence.iter().map(clause).collect::<Vec<_>>().join("/")).collect()
    }

    #[test]
    fn a_text_falls_into_sentences_and_clauses() {
        assert_eq!(
            shown("Attention please. You are at gate 3.5, since 12:30; leave now!"),
            ["Attention please.", "You are at gate 3.5,/since 12:30;/leave now!"]
        );
        assert_eq!(shown("您好，此处禁止停车。请立即驶离！谢谢"), ["您好,/此处禁止停车.", "请立即驶离!", "谢谢|"]);
        assert_eq!(shown("Stop"), ["Stop|"]);
        assert_eq!(shown("Wait... what?! "), ["Wait...", "what?!"]);
        assert_eq!(shown("…, ."), Vec::<String>::new());
    }

    #[test]
    fn what_is_said_of_languages_is_no_sound() {
        assert_eq!(sounds("(en)stˈɒp(cmn) tˈiŋ\n ʃˈa\n"), "stˈɒp tˈiŋ  ʃˈa");
    }
}
