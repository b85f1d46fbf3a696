//! What the page tells in words of its own, it tells in Chinese, too.

use forewarn_evidence::Lack;

/// Where the page holds whole sentences with what they are in Chinese.
const SENTENCES: &str = include_str!("../../../web/src/sentences.ts");

#[test]
fn why_something_lacks_is_told_in_chinese_whatever_it_is() {
    for lack in Lack::ALL {
        let said = lack.to_string();
        let pattern = match lack {
            Lack::Gaps(value) | Lack::Late(value) | Lack::NoVideo(value, _) => {
                format!("[/^{}(", said.split(value).next().unwrap())
            }
            _ => format!("[/^{said}$/, \""),
        };
        assert!(SENTENCES.contains(&pattern), "sentences.ts has no {pattern}");
    }
}
