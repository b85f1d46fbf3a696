//! Numbers and names that nobody can foresee, for what is used once.

/// A number that nobody can foresee: the standard library makes its hashes of such.
pub fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}

/// A random UUID (RFC 9562, version 4).
pub fn uuid() -> String {
    let (a, b) = (random(), random());
    let (version, variant) = ((a & 0x0fff) | 0x4000, ((b >> 48) & 0x3fff) | 0x8000);
    format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, b & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_which_none_comes_twice() {
        let (a, b) = (uuid(), uuid());
        assert_ne!(a, b);
        let parts: Vec<usize> = a.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{a}");
        assert!(a.as_bytes()[14] == b'4' && b"89ab".contains(&a.as_bytes()[19]), "{a}");
    }
}
