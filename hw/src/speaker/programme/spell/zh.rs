//! Chinese words for numbers, letters and units.

use super::token::{Number, Token};

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
/// Names of the letters, as they are said in China, by characters of that sound.
const LETTERS: [&str; 26] = [
    "诶",
    "比",
    "西",
    "迪",
    "伊",
    "艾弗",
    "吉",
    "艾尺",
    "艾",
    "杰",
    "开",
    "艾勒",
    "艾姆",
    "恩",
    "欧",
    "劈",
    "丘",
    "艾尔",
    "艾丝",
    "踢",
    "优",
    "维",
    "达布溜",
    "艾克斯",
    "歪",
    "贼",
];
/// Before these, two is 两.
const COUNTED: &str = "个人辆位名次米秒分小天台条件吨公平立";

/// The tokens in characters.
pub(super) fn words(tokens: &[Token]) -> String {
    let mut out = String::new();
    for (i, token) in tokens.iter().enumerate() {
        match token {
            Token::Text(text) => out.push_str(&text.replace('±', "正负").replace('×', "乘")),
            Token::Date(year, month, day) => {
                spell(&year.to_string(), '一', &mut out);
                out.extend(["年", &whole(*month), "月", &whole(*day), "日"]);
            }
            Token::Letters(letters) if letters.chars().all(|c| c.is_ascii_uppercase()) => {
                spell(letters, '一', &mut out);
            }
            // A word in small letters may be pinyin that somebody wrote on purpose.
            Token::Letters(word) => out.push_str(word),
            Token::Code(code) => spell(code, '一', &mut out),
            // On the telephone and in plates one is 幺, lest it is heard as seven.
            Token::Plate(text) | Token::Digits(text) => spell(text, '幺', &mut out),
            Token::Year(text) => spell(text, '一', &mut out),
            Token::Number(number) => {
                let next = match tokens.get(i + 1) {
                    Some(Token::Text(text)) => text.trim_start().chars().next(),
                    _ => None,
                };
                say(number, next, &mut out);
            }
            Token::Percent(number, is_of_thousand) => {
                out.push_str(if *is_of_thousand { "千分之" } else { "百分之" });
                say(number, None, &mut out);
            }
            Token::Measure(number, unit) if unit.zh == "ppm" => {
                out.push_str("百万分之");
                say(number, None, &mut out);
            }
            Token::Measure(number, unit) => {
                say(number, unit.zh.chars().next(), &mut out);
                out.push_str(unit.zh);
            }
            Token::Time(hours, minutes) => {
                out.push_str(&whole(*hours));
                out.push('点');
                match minutes {
                    0 => {}
                    1..=9 => out.extend(["零", &whole(*minutes), "分"]),
                    _ => out.extend([whole(*minutes).as_str(), "分"]),
                }
            }
            Token::To => out.push('到'),
        }
    }
    out
}

/// Each letter by its name and each digit by itself.
fn spell(text: &str, one: char, out: &mut String) {
    for c in text.chars() {
        match c {
            '1' => out.push(one),
            '0'..='9' => out.push(DIGITS[(c as u8 - b'0') as usize]),
            _ if c.is_ascii_alphabetic() => out.push_str(LETTERS[(c.to_ascii_uppercase() as u8 - b'A') as usize]),
            _ => out.push(c),
        }
    }
}

fn say(number: &Number, next: Option<char>, out: &mut String) {
    if number.is_negative {
        out.push('负');
    }
    let is_plain = number.fraction.is_empty();
    if number.whole == 2 && is_plain && next.is_some_and(|c| COUNTED.contains(c)) {
        out.push('两');
        return;
    }
    out.push_str(&whole(number.whole));
    if !is_plain {
        out.push('点');
        spell(&number.fraction, '一', out);
    }
}

/// A whole number in characters.
pub(super) fn whole(n: u64) -> String {
    if n == 0 {
        return DIGITS[0].to_string();
    }
    let mut out = String::new();
    // Groups of four digits, each with its own name, the highest first.
    for (power, name) in [(12, "万亿"), (8, "亿"), (4, "万"), (0, "")] {
        let group = n / 10_u64.pow(power) % if power == 12 { u64::MAX } else { 10_000 };
        if group == 0 {
            continue;
        }
        // A nought is said once for any number of them.
        if !out.is_empty() && (group < 1000 || (n / 10_u64.pow(power + 4)).is_multiple_of(10)) {
            out.push(DIGITS[0]);
        }
        thousands(group, &mut out);
        out.push_str(name);
    }
    // Ten to nineteen do without the one.
    if out.starts_with("一十") { out.replacen("一十", "十", 1) } else { out }
}

fn thousands(group: u64, out: &mut String) {
    let mut rest = group;
    let (mut has_digit, mut owes_nought) = (false, false);
    for (power, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let digit = (rest / power) as usize;
        rest %= power;
        if digit == 0 {
            owes_nought = has_digit;
            continue;
        }
        if owes_nought {
            out.push(DIGITS[0]);
        }
        (has_digit, owes_nought) = (true, false);
        out.push(DIGITS[digit % 10]);
        out.push_str(name);
    }
}
