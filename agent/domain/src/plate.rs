//! The form of Chinese number plates, as a check on what was read.
//!
//! The check never edits a text. A text that no plate can have only loses confidence, because the reader may be wrong,
//! and because the next standard may allow it.
//!
//! Source: GA 36-2018, "机动车号牌" (number plates of motor vehicles): the letters I and O are not used in serial numbers;
//! plates of new-energy vehicles have six places, the first (small vehicles) or the last (large ones) of which is D or F,
//! or one of the letters that were added when those ran out: A, B, C, E, G, H, J, K.

/// What kind of plate a text can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlateKind {
    /// Province, letter and five places.
    Ordinary,
    /// Province, letter and six places, the first or the last of which tells the drive.
    NewEnergy,
    /// Ends with 警 (police).
    Police,
    /// Ends with 学 (driving school).
    School,
    /// Ends with 挂 (trailer).
    Trailer,
    /// Ends with 港 or 澳: 粤Z plates for the crossing to Hong Kong and Macao.
    Crossing,
    /// Consulate (使 or 领) in the old form or the new one.
    Diplomatic,
    /// Ends with 试 or 超 (test and oversized vehicles), or 应急 (rescue).
    Special,
}

/// What is left of the confidence of a text that is no plate, and of one that is nearly one.
const NO_PLATE: f32 = 0.25;
const NEARLY: f32 = 0.6;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
/// First or last place of a new-energy plate: pure electric D A B C E, others F G H J K.
const DRIVES: &str = "DABCEFGHJK";

/// The confidence of `text` as a plate: as it was, or lowered where it breaks the rules of plates.
pub fn lowered(text: &str, confidence: f32) -> f32 {
    let factor = match kind(text) {
        Some(_) => 1.0,
        None if kind(&relaxed(text)).is_some() => NEARLY,
        None => NO_PLATE,
    };
    confidence * factor
}

/// What kind of plate `text` can be; none if no plate is written so.
///
/// Blanks and the dot after the letter, which readers write or leave out, are passed over.
pub fn kind(text: &str) -> Option<PlateKind> {
    let chars: Vec<char> = text.chars().filter(|c| !matches!(c, ' ' | '·' | '.' | '-' | '•')).collect();
    if let [rest @ .., last] = chars.as_slice() {
        let is_region =
            rest.first().is_some_and(|c| PROVINCES.contains(*c)) && rest.get(1).is_some_and(|c| is_letter(*c));
        let serial = rest.get(2..).unwrap_or_default();
        match last {
            '警' if is_region && is_serial(serial, 4) => return Some(PlateKind::Police),
            '学' if is_region && is_serial(serial, 4) => return Some(PlateKind::School),
            '挂' if is_region && is_serial(serial, 4) => return Some(PlateKind::Trailer),
            '试' | '超' if is_region && is_serial(serial, 4) => return Some(PlateKind::Special),
            '港' | '澳' if rest.starts_with(&['粤', 'Z']) && is_serial(serial, 4) => {
                return Some(PlateKind::Crossing);
            }
            '领' if is_region && is_serial(serial, 4) => return Some(PlateKind::Diplomatic),
            '使' if is_serial(rest, 6) && rest.iter().all(char::is_ascii_digit) => {
                return Some(PlateKind::Diplomatic);
            }
            _ => {}
        }
    }
    match chars.as_slice() {
        ['使', serial @ ..] if serial.len() == 6 && serial.iter().all(char::is_ascii_digit) => {
            Some(PlateKind::Diplomatic)
        }
        [province, letter, serial @ .., '应', '急']
            if PROVINCES.contains(*province) && is_letter(*letter) && is_serial(serial, 4) =>
        {
            Some(PlateKind::Special)
        }
        [province, letter, serial @ ..] if PROVINCES.contains(*province) && is_letter(*letter) => match serial.len() {
            5 if is_serial(serial, 5) && serial.iter().filter(|c| c.is_ascii_uppercase()).count() <= 3 => {
                Some(PlateKind::Ordinary)
            }
            6 if is_new_energy(serial) => Some(PlateKind::NewEnergy),
            _ => None,
        },
        _ => None,
    }
}

/// The letter of the licensing office: O stands for police and emergency services of some provinces.
fn is_letter(c: char) -> bool {
    c.is_ascii_uppercase() && c != 'I'
}

/// Whether `serial` has `places` digits and letters, without I and O.
fn is_serial(serial: &[char], places: usize) -> bool {
    serial.len() == places && serial.iter().all(|c| c.is_ascii_digit() || (is_letter(*c) && *c != 'O'))
}

/// Six places: of small vehicles the first is the drive and the second may be a letter; of large ones the last is it.
fn is_new_energy(serial: &[char]) -> bool {
    let is_drive = |c: char| DRIVES.contains(c);
    let digits = |part: &[char]| part.iter().all(char::is_ascii_digit);
    let small = is_drive(serial[0]) && is_serial(&serial[1..2], 1) && digits(&serial[2..]);
    let large = is_drive(serial[5]) && digits(&serial[..5]);
    small || large
}

/// The text as it would be if the usual confusions of I with 1, O with 0 and case were mistakes of the reader. Serves
/// only to tell a text that is nearly a plate from one that is none.
fn relaxed(text: &str) -> String {
    let mut place = 0;
    text.chars()
        .map(|c| {
            place += 1;
            match c.to_ascii_uppercase() {
                'I' if place > 2 => '1',
                'O' if place > 2 => '0',
                c => c,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plates_of_every_kind_are_known() {
        for (text, expected) in [
            ("苏A12345", PlateKind::Ordinary),
            ("京N8P8F8", PlateKind::Ordinary),
            ("京 N·8P8F8", PlateKind::Ordinary),
            ("粤BD12345", PlateKind::NewEnergy),
            ("沪ADA2345", PlateKind::NewEnergy),
            ("沪A12345F", PlateKind::NewEnergy),
            ("川A1234警", PlateKind::Police),
            ("鲁B5678学", PlateKind::School),
            ("冀C1234挂", PlateKind::Trailer),
            ("粤ZAB12港", PlateKind::Crossing),
            ("粤Z1A23澳", PlateKind::Crossing),
            ("沪A0023领", PlateKind::Diplomatic),
            ("使014578", PlateKind::Diplomatic),
            ("224578使", PlateKind::Diplomatic),
            ("京A1234应急", PlateKind::Special),
        ] {
            assert_eq!(kind(text), Some(expected), "{text}");
            assert_eq!(lowered(text, 0.9), 0.9);
        }
    }

    #[test]
    fn what_no_plate_is_written_like_loses_confidence() {
        for text in
            ["", "苏", "A12345", "苏112345", "苏A1234", "苏AABCDE", "沪A12345Z", "粤ZAB12", "hello", "苏A12345678"]
        {
            assert_eq!(kind(text), None, "{text}");
            assert!(lowered(text, 0.8) <= 0.8 * NEARLY, "{text}");
        }
        assert_eq!(lowered("苏A1234O", 1.0), NEARLY);
        assert_eq!(lowered("苏A12e45", 1.0), NEARLY);
        assert_eq!(lowered("EXIT", 1.0), NO_PLATE);
    }

    proptest! {
        #[test]
        fn confidence_is_never_raised(text in "\\PC{0,12}", confidence in 0f32..=1.0) {
            let after = lowered(&text, confidence);
            prop_assert!((0.0..=confidence).contains(&after));
        }
    }
}
