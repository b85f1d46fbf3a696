//! Rust text without what is no code: comments, texts, and what only tests see.

/// The text with comments, strings and characters blanked out. Lines keep their numbers and columns.
pub(super) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut blank = |from: usize, to: usize| {
        for byte in &mut out[from..to.min(bytes.len())] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let end = match rest {
            [b'/', b'/', ..] => at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => at + length_of_block_comment(rest),
            [b'r', b'"' | b'#', ..] if !follows_word(bytes, at) => at + length_of_raw_string(rest),
            [b'"', ..] => at + length_until_quote(rest, b'"'),
            [b'\'', b'\\', ..] => at + length_until_quote(rest, b'\''),
            // A lifetime has no closing quote behind its first letter.
            [b'\'', ..] => at + length_of_character(&text[at..]),
            _ => at,
        };
        if end > at {
            blank(at, end);
        }
        at = end.max(at + 1);
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn follows_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn length_of_block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// 0 if this is no raw string but a raw identifier.
fn length_of_raw_string(rest: &[u8]) -> usize {
    let n_hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
    if rest.get(1 + n_hashes) != Some(&b'"') {
        return 0;
    }
    let mut closing = vec![b'"'];
    closing.extend(vec![b'#'; n_hashes]);
    let begins = n_hashes + 2;
    let body = &rest[begins.min(rest.len())..];
    begins + body.windows(closing.len()).position(|w| w == closing).map_or(body.len(), |p| p + closing.len())
}

fn length_until_quote(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn length_of_character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(2);
    match chars.next() {
        Some((at, '\'')) => at + 1,
        _ => 0,
    }
}

/// The code without the items that only tests see: what stands behind `#[cfg(test)]`.
pub(super) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(found) = out[from..].find(MARK) {
        let begins = from + found;
        let ends = begins + MARK.len() + length_of_item(&out[begins + MARK.len()..]);
        let blanked: String = out[begins..ends].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(begins..ends, &blanked);
        // Blanking may shorten what held letters of several bytes.
        from = begins;
    }
    out
}

/// Up to the semicolon or the closing brace of the item that begins here.
fn length_of_item(code: &str) -> usize {
    let mut depth = 0_u32;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_go_and_lines_stay() {
        let code = code_only("use a::b; // use c::d\n/* use /* e */\n*/ let x = \"use f\\\"\"; g()");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["use", "a::b;", "let", "x", "=", ";", "g()"]);
        assert_eq!(code.lines().count(), 3);
        assert_eq!(code_only("r#\"a \"b\" \"# + r\"c\" + r#type").trim(), "+      + r#type");
    }

    #[test]
    fn lifetimes_are_no_characters() {
        assert_eq!(code_only("fn f<'a>(x: &'a str) -> 'b"), "fn f<'a>(x: &'a str) -> 'b");
        assert_eq!(code_only("['{', '\\'', 'ä', x]").replace(' ', ""), "[,,,x]");
    }

    #[test]
    fn what_only_tests_see_goes() {
        let code = "mod a;\n#[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\nmod more { fn c() {} }\nfn d() {}";
        let left = without_tests(code);
        assert_eq!(left.split_whitespace().collect::<Vec<_>>().join(" "), "mod a; fn b() {} fn d() {}");
        assert_eq!(left.lines().count(), 7);
    }
}
