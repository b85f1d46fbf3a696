//! Cuts a text into what is spoken in its own way each.

use super::unit::{self, Unit};

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// Words and punctuation, as they are.
    Text(String),
    /// Letters alone: an abbreviation, or a word of another script.
    Letters(String),
    /// Letters and digits that are no number: a bay, a flat.
    Code(String),
    /// A Chinese number plate, without the dot.
    Plate(String),
    /// Digits that are read one by one: a telephone number.
    Digits(String),
    /// A year, read one by one.
    Year(String),
    /// A number.
    Number(Number),
    /// A number of parts in a hundred, or in a thousand.
    Percent(Number, bool),
    /// A number of units.
    Measure(Number, &'static Unit),
    /// Hours and minutes.
    Time(u64, u64),
    /// Year, month and day.
    Date(u64, u64, u64),
    /// "To", between two numbers.
    To,
}

/// A decimal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) is_negative: bool,
    pub(super) whole: u64,
    /// The digits behind the point, which are read one by one.
    pub(super) fraction: String,
}

/// What the plates of mainland China begin with, and what the last place may hold instead of a letter or digit.
const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领";
const PLATE_ENDS: &str = "挂学警港澳领使";
/// A number after one of these is dialled.
const DIALLED: [&str; 12] =
    ["拨打", "拨", "电话", "热线", "报警", "致电", "号码", "call", "dial", "phone", "telephone", "hotline"];
/// Digits from which on a number without separators is no count.
const LONG: usize = 7;

/// Cuts a text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().map(narrow).collect();
    let mut found: Vec<Token> = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let (token, n) = plate(&chars[i..])
            .or_else(|| numeric(&chars, i))
            .or_else(|| word(&chars[i..]))
            .unwrap_or_else(|| (Token::Text(chars[i].to_string()), 1));
        i += n;
        match (found.last_mut(), token) {
            (Some(Token::Text(before)), Token::Text(more)) => before.push_str(&more),
            (_, token) => found.push(token),
        }
    }
    found
}

/// Full-width letters and digits as plain ones, digits in circles and in Roman as plain digits, and nothing that only
/// machines read.
fn narrow(c: char) -> char {
    match c {
        '－' => '-',
        '＋' => '+',
        '①'..='⑨' => char::from_u32(c as u32 - 0x2460 + 0x31).unwrap_or(c),
        'Ⅰ'..='Ⅸ' => char::from_u32(c as u32 - 0x2160 + 0x31).unwrap_or(c),
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        // A speech program ends at a NUL, and what stands behind is never said.
        _ if c.is_control() && c != '\n' && c != '\t' => ' ',
        _ => c,
    }
}

fn run(chars: &[char], fits: impl Fn(char) -> bool) -> usize {
    chars.iter().take_while(|c| fits(**c)).count()
}

/// A province, a letter, and five or six letters and digits, with or without a dot between.
fn plate(chars: &[char]) -> Option<(Token, usize)> {
    let (province, letter) = (chars.first()?, chars.get(1)?);
    if !PROVINCES.contains(*province) || !letter.is_ascii_uppercase() {
        return None;
    }
    let gap = run(&chars[2..], |c| "·•. -".contains(c));
    let rest = &chars[2 + gap.min(1)..];
    let n = run(rest, |c| c.is_ascii_alphanumeric());
    let end = rest.get(n).filter(|c| PLATE_ENDS.contains(**c)).filter(|_| n == 4 || n == 5);
    let n = n + usize::from(end.is_some());
    if gap > 1 || !(5..=6).contains(&n) || !rest[..n].iter().any(char::is_ascii_digit) {
        return None;
    }
    let plate = [*province, *letter].iter().chain(&rest[..n]).collect();
    Some((Token::Plate(plate), 2 + gap + n))
}

fn word(chars: &[char]) -> Option<(Token, usize)> {
    let n = run(chars, |c| c.is_ascii_alphanumeric());
    let letters = run(chars, |c| c.is_ascii_alphabetic());
    let is_decimal = run(&chars[letters..], |c| c.is_ascii_digit()) + letters == n && fraction(&chars[n..]) > 0;
    if let Some(halves) = halves(chars, n, letters) {
        return Some(halves);
    }
    match (n, letters) {
        (0, _) => None,
        // "PM2.5" is letters and a number.
        _ if letters == n || is_decimal => Some((Token::Letters(chars[..letters].iter().collect()), letters)),
        _ => Some((Token::Code(chars[..n].iter().collect()), n)),
    }
}

/// The halves of a plate with a dot between them, or with a line behind two or three capitals.
fn halves(chars: &[char], n: usize, letters: usize) -> Option<(Token, usize)> {
    let second = run(chars.get(n + 1..)?, |c| c.is_ascii_alphanumeric());
    let is_plate = match chars[n] {
        '·' | '•' => letters > 0 && second >= 3,
        '-' => {
            let is_short = letters == n && (2..=3).contains(&n) && (3..=5).contains(&second);
            is_short && chars[..n].iter().all(char::is_ascii_uppercase) && chars[n + 1].is_ascii_digit()
        }
        _ => false,
    };
    let end = n + 1 + second;
    is_plate.then(|| (Token::Plate([&chars[..n], &chars[n + 1..end]].concat().into_iter().collect()), end))
}

/// The length of a point and the digits behind it.
fn fraction(chars: &[char]) -> usize {
    let digits = if chars.first() == Some(&'.') { run(&chars[1..], |c| c.is_ascii_digit()) } else { 0 };
    if digits > 0 { digits + 1 } else { 0 }
}

/// What begins with a digit or a sign at `i`.
fn numeric(chars: &[char], i: usize) -> Option<(Token, usize)> {
    let is_first = i == 0 || !chars[i - 1].is_ascii_alphanumeric();
    let here = &chars[i..];
    let is_negative = is_first && "-−".contains(here[0]);
    let sign = usize::from(is_negative || (is_first && here[0] == '+'));
    let n = run(&here[sign..], |c| c.is_ascii_digit());
    if n == 0 {
        return between(chars, i);
    }
    if sign == 0
        && let Some(time) = time(here, n)
    {
        return Some(time);
    }
    if let Some(date) = date(here, n).filter(|_| sign == 0 && is_first) {
        return Some(date);
    }
    let is_open = i > 0 && chars[i - 1] == '(';
    let dialled = dialled(here, sign, is_dialled(&chars[..i]), is_open);
    if dialled.is_some() {
        return dialled;
    }
    let end = sign + n;
    if n == 4 && here.get(end) == Some(&'年') {
        return Some((Token::Year(here[sign..end].iter().collect()), end));
    }
    let (number, end) = number(here, sign, is_negative)?;
    let n_letters = run(&here[end..], |c| c.is_ascii_alphanumeric());
    let gap = usize::from(here.get(end) == Some(&' '));
    match here.get(end + gap) {
        Some('%' | '％') => return Some((Token::Percent(number, false), end + gap + 1)),
        Some('‰') => return Some((Token::Percent(number, true), end + gap + 1)),
        _ => {}
    }
    if let Some((unit, length)) = unit::find(&here[end + gap..]) {
        return Some((Token::Measure(number, unit), end + gap + length));
    }
    let suffix: String = here[end..end + n_letters].iter().collect();
    match suffix.as_str() {
        "" => Some((Token::Number(number), end)),
        "st" | "nd" | "rd" | "th" => Some((Token::Text(here[..end + n_letters].iter().collect()), end + n_letters)),
        _ => Some((Token::Code(here[sign..end + n_letters].iter().collect()), end + n_letters)),
    }
}

/// "To": a line between two numbers.
fn between(chars: &[char], i: usize) -> Option<(Token, usize)> {
    let is_digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
    let is_line = "-~–—～".contains(chars[i]);
    (is_line && i > 0 && is_digit(chars.get(i - 1)) && is_digit(chars.get(i + 1))).then_some((Token::To, 1))
}

fn time(here: &[char], n: usize) -> Option<(Token, usize)> {
    let minutes = run(here.get(n + 1..)?, |c| c.is_ascii_digit());
    if !matches!(here[n], ':' | '：') || minutes != 2 || n > 2 {
        return None;
    }
    let (hours, minutes) = (whole(&here[..n])?, whole(&here[n + 1..n + 3])?);
    (hours < 25 && minutes < 60).then_some((Token::Time(hours, minutes), n + 3))
}

/// A day of the calendar, the year in front.
fn date(here: &[char], n: usize) -> Option<(Token, usize)> {
    let line = here.get(n).filter(|c| n == 4 && "-/.".contains(**c))?;
    let part = |from: usize| {
        let n = run(here.get(from..)?, |c| c.is_ascii_digit());
        (1..=2).contains(&n).then_some((whole(&here[from..from + n])?, from + n))
    };
    let (month, end) = part(n + 1)?;
    let (day, end) = part(end + 1).filter(|_| here.get(end) == Some(line))?;
    let year = whole(&here[..n])?;
    let is_one = (1900..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_one.then_some((Token::Date(year, month, day), end))
}

/// Whether the words before say that a number is dialled.
fn is_dialled(before: &[char]) -> bool {
    let tail: String = before[before.len().saturating_sub(12)..].iter().collect::<String>().to_lowercase();
    let tail = tail.trim_end_matches([' ', '：', ':', '为', '是']);
    DIALLED.iter().any(|word| tail.ends_with(word))
}

/// A telephone number: long, in groups, with a nought in front, or after a word that says so. Its area may stand in
/// brackets, which are open where it begins behind one.
fn dialled(here: &[char], sign: usize, is_said: bool, is_open: bool) -> Option<(Token, usize)> {
    let is_abroad = here[0] == '+';
    let (mut digits, mut end, mut groups) = (String::new(), sign, 0);
    loop {
        let n = run(&here[end..], |c| c.is_ascii_digit());
        digits.extend(&here[end..end + n]);
        (end, groups) = (end + n, groups + 1);
        let gap: String = here[end..].iter().take_while(|c| "-() ".contains(**c)).collect();
        let joins = match gap.as_str() {
            "-" => true,
            " " => is_abroad || digits.starts_with('0') || is_said,
            ")" | ") " => is_open && groups == 1 || groups == 2,
            "(" | " (" => is_abroad,
            _ => false,
        };
        let goes_on = joins && run(&here[end + gap.len()..], |c| c.is_ascii_digit()) >= 2;
        if !goes_on {
            break;
        }
        end += gap.len();
    }
    let is_decimal = fraction(&here[end..]) > 0 || here.get(end).is_some_and(char::is_ascii_alphabetic);
    let has_nought = digits.len() > 1 && digits.starts_with('0');
    let is_one = is_said || is_abroad || has_nought || digits.len() >= LONG;
    (is_one && !is_decimal && (groups == 1 || digits.len() >= LONG)).then_some((Token::Digits(digits), end))
}

/// The number at `here`, and its end.
fn number(here: &[char], sign: usize, is_negative: bool) -> Option<(Number, usize)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut end = sign + run(&here[sign..], is_digit);
    // Groups of three behind commas belong to it.
    if end - sign <= 3 {
        while here.get(end) == Some(&',') && run(&here[end + 1..], is_digit) == 3 {
            end += 4;
        }
    }
    let whole = whole(&here[sign..end])?;
    let n = fraction(&here[end..]);
    let fraction = here[end..end + n].iter().skip(1).collect();
    Some((Number { is_negative, whole, fraction }, end + n))
}

fn whole(chars: &[char]) -> Option<u64> {
    chars.iter().filter(|c| c.is_ascii_digit()).collect::<String>().parse().ok()
}
