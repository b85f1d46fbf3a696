//! The second thing that an account may ask for: a code of six figures that an authenticator app shows for 30 s (RFC 6238 with
//! SHA-1, six digits and 30 s, which is what all such apps take). Pure: the time is told.

use ring::hmac;

use super::random;

/// Bytes of a secret, as RFC 4226 recommends.
const BYTES: usize = 20;
/// Seconds for which a code holds.
const STEP_S: u64 = 30;
/// A code that ended a moment ago is taken, and one of a telephone whose clock is a little fast.
const SLACK: u64 = 1;
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret that nobody can guess, as apps take it: in base 32.
pub(crate) fn new_secret() -> String {
    base32(&random::bytes::<BYTES>())
}

/// The step of time to which a code belongs, if it is one of now; a step that was used is `used`, and it and those before it are
/// not taken again.
pub(crate) fn step_of(secret: &str, code: &str, now_s: u64, used: Option<u64>) -> Option<u64> {
    let key = from_base32(secret)?;
    let now = now_s / STEP_S;
    let steps = now.saturating_sub(SLACK)..=now + SLACK;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    steps.filter(|step| used.is_none_or(|used| *step > used)).find(|step| code_of(&key, *step) == code)
}

fn code_of(key: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    // RFC 4226, 5.3: the last half byte says where the number begins.
    let from = tag.last().map_or(0, |last| usize::from(last & 0x0f));
    let number = tag.iter().skip(from).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

fn base32(bytes: &[u8]) -> String {
    let bits = |i: usize| bytes.get(i / 8).is_some_and(|byte| byte & (0x80 >> (i % 8)) != 0);
    let letter = |n: usize| (0..5).fold(0, |value, bit| value << 1 | usize::from(bits(5 * n + bit)));
    (0..(bytes.len() * 8).div_ceil(5)).map(|n| char::from(LETTERS[letter(n) % 32])).collect()
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut n_bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter.to_ascii_uppercase())? as u32;
        (held, n_bits) = (held << 5 | value, n_bits + 5);
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((held >> n_bits) as u8);
            held &= (1 << n_bits) - 1;
        }
    }
    Some(bytes).filter(|bytes| bytes.len() >= 10)
}

/// What an app shows.
#[cfg(test)]
pub(crate) fn code_for_tests(secret: &str, now_s: u64) -> String {
    code_of(&from_base32(secret).unwrap(), now_s / STEP_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, with SHA-1; the last six of its eight figures.
        let key = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_of(key, seconds / 30), code, "{seconds}");
        }
        // RFC 4648, 10, and the same key as apps show it.
        assert_eq!((base32(b"foobar"), base32(b"fooba").as_str()), ("MZXW6YTBOI".to_owned(), "MZXW6YTB"));
        assert_eq!(base32(key), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(from_base32("gezdgnbvgy3tqojqgezdgnbvgy3tqojq").as_deref(), Some(&key[..]));
        assert_eq!((from_base32("0"), from_base32("GEZDGNBV")), (None, None), "no letter of base 32; too short");
    }

    #[test]
    fn a_code_holds_for_a_moment_and_once() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(step_of(secret, "287 082", 59, None), Some(1), "people write a space");
        assert_eq!(step_of(secret, "287082", 59, Some(1)), None, "it was used");
        assert_eq!(step_of(secret, "287082", 89, None), Some(1), "it ended a moment ago");
        assert_eq!(step_of(secret, "287082", 90, None), None);
        assert_eq!(step_of(secret, "", 59, None), None);
        let own = new_secret();
        assert!(own.len() == 32 && own != new_secret());
        assert!(step_of(&own, &code_of(&from_base32(&own).unwrap(), 7), 210, None).is_some());
    }
}
