//! Which part of a file is asked for (RFC 9110, section 14). Pure.

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: nothing else was asked for, or something that is not understood.
    Whole,
    /// From this byte, so many.
    Of(u64, u64),
    /// None of its bytes was asked for.
    None,
}

/// What a `Range:` asks for of a file of so many bytes. Several ranges are answered by the whole file, as one may.
pub(super) fn part(range: Option<&str>, bytes: u64) -> Part {
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    match (number(first), number(last), first.is_empty(), last.is_empty()) {
        (Some(first), _, _, true) if first < bytes => Part::Of(first, bytes - first),
        (Some(first), Some(last), ..) if first <= last && first < bytes => {
            Part::Of(first, last.min(bytes - 1) - first + 1)
        }
        (None, Some(n), true, _) if n > 0 && bytes > 0 => Part::Of(bytes - n.min(bytes), n.min(bytes)),
        (Some(first), Some(last), ..) if first > last => Part::Whole,
        (Some(_), _, _, true) | (Some(_), Some(_), ..) | (None, Some(_), true, _) => Part::None,
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (range, expected) in [
            ("bytes=0-", Part::Of(0, 100)),
            ("bytes=90-", Part::Of(90, 10)),
            ("bytes=10-19", Part::Of(10, 10)),
            ("bytes=10-1000", Part::Of(10, 90)),
            ("bytes=-20", Part::Of(80, 20)),
            ("bytes=-200", Part::Of(0, 100)),
            ("bytes=100-", Part::None),
            ("bytes=100-200", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=20-10", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("lines=0-1", Part::Whole),
        ] {
            assert_eq!(part(Some(range), 100), expected, "{range}");
        }
        assert_eq!((part(None, 100), part(Some("bytes=0-"), 0)), (Part::Whole, Part::None));
    }
}
