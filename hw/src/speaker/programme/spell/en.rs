//! English words for numbers, letters and units.

use super::token::{Number, Token};

const DIGITS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const TEENS: [&str; 10] =
    ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Names of the letters in spellings that espeak-ng reads so; a capital by itself may be read as a word.
const LETTERS: [&str; 26] = [
    "eh",
    "bee",
    "see",
    "dee",
    "ee",
    "ef",
    "jee",
    "aitch",
    "eye",
    "jay",
    "kay",
    "ell",
    "em",
    "en",
    "oh",
    "pee",
    "cue",
    "ar",
    "ess",
    "tee",
    "you",
    "vee",
    "double you",
    "ex",
    "why",
    "zed",
];

/// The tokens in words.
pub(super) fn words(tokens: &[Token]) -> String {
    let mut out = String::new();
    for (i, token) in tokens.iter().enumerate() {
        let said = match token {
            Token::Text(text) => text.replace('±', "plus or minus ").replace('×', " by "),
            Token::Year(text) => text.clone(),
            Token::Date(of, month, day) => {
                format!("{} {} {}", whole(*day), MONTHS[(*month as usize - 1) % 12], year(*of))
            }
            Token::Letters(letters) if is_of_plate(tokens, i, letters) => spell(letters),
            // The speech program knows abbreviations from words.
            Token::Letters(letters) => letters.clone(),
            Token::Code(text) | Token::Plate(text) | Token::Digits(text) => spell(text),
            Token::Number(number) => say(number),
            Token::Percent(number, is_of_thousand) => {
                format!("{} {}", say(number), if *is_of_thousand { "per mille" } else { "percent" })
            }
            Token::Measure(number, unit) => {
                let is_one = number.whole == 1 && number.fraction.is_empty();
                format!("{} {}", say(number), if is_one { unit.one } else { unit.many })
            }
            Token::Time(hours, 0) => format!("{} o'clock", whole(*hours)),
            Token::Time(hours, minutes @ 1..=9) => format!("{} oh {}", whole(*hours), whole(*minutes)),
            Token::Time(hours, minutes) => format!("{} {}", whole(*hours), whole(*minutes)),
            Token::To => "to".to_owned(),
        };
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if is_word(out.chars().next_back()) && is_word(said.chars().next()) {
            out.push(' ');
        }
        out.push_str(&said);
    }
    out
}

/// Whether up to three capitals stand beside letters and digits, as the halves of a British plate do.
fn is_of_plate(tokens: &[Token], i: usize, letters: &str) -> bool {
    let is_gap = |token: Option<&Token>| matches!(token, Some(Token::Text(text)) if text == " ");
    let is_code = |token: Option<&Token>| matches!(token, Some(Token::Code(_)));
    let beside = |one: Option<usize>, two: Option<usize>| {
        is_gap(one.and_then(|i| tokens.get(i))) && is_code(two.and_then(|i| tokens.get(i)))
    };
    letters.len() <= 3
        && letters.chars().all(|c| c.is_ascii_uppercase())
        && (beside(i.checked_sub(1), i.checked_sub(2)) || beside(Some(i + 1), Some(i + 2)))
}

/// Each letter by its name and each digit by itself.
fn spell(text: &str) -> String {
    let name = |c: char| match c {
        '0'..='9' => DIGITS[(c as u8 - b'0') as usize].to_owned(),
        _ if c.is_ascii_alphabetic() => LETTERS[(c.to_ascii_uppercase() as u8 - b'A') as usize].to_owned(),
        _ => c.to_string(),
    };
    text.chars().map(name).collect::<Vec<_>>().join(" ")
}

fn say(number: &Number) -> String {
    let sign = if number.is_negative { "minus " } else { "" };
    let whole = whole(number.whole);
    if number.fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole} point {}", spell(&number.fraction))
    }
}

/// A whole number in words, without the "and" of "hundred and", which espeak-ng stumbles over.
pub(super) fn whole(n: u64) -> String {
    let mut words = Vec::new();
    for (power, name) in
        [(18, "quintillion"), (15, "quadrillion"), (12, "trillion"), (9, "billion"), (6, "million"), (3, "thousand")]
    {
        let group = n / 10_u64.pow(power) % 1000;
        if group > 0 {
            words.push(hundreds(group));
            words.push(name.to_owned());
        }
    }
    if !n.is_multiple_of(1000) || n == 0 {
        words.push(hundreds(n % 1000));
    }
    words.join(" ")
}

/// A year, in two halves as years are said.
fn year(n: u64) -> String {
    match (n / 100, n % 100) {
        (20, 0..=9) => whole(n),
        (century, 0) => format!("{} hundred", whole(century)),
        (century, rest @ 1..=9) => format!("{} oh {}", whole(century), whole(rest)),
        (century, rest) => format!("{} {}", whole(century), whole(rest)),
    }
}

fn hundreds(n: u64) -> String {
    let n = n as usize;
    let mut words = Vec::new();
    if n >= 100 {
        words.extend([DIGITS[n / 100 % 10], "hundred"]);
    }
    match n % 100 {
        0 if n > 0 => {}
        rest @ 0..=9 => words.push(DIGITS[rest]),
        rest @ 10..=19 => words.push(TEENS[rest - 10]),
        rest => {
            words.push(TENS[rest / 10 - 2]);
            if !rest.is_multiple_of(10) {
                words.push(DIGITS[rest % 10]);
            }
        }
    }
    words.join(" ")
}
