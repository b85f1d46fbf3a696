//! Versions: numbers with dots, of which the first that differs decides.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most numbers of a version.
const MOST_NUMBERS: usize = 6;

/// A version such as `0.2.0` or, of a bundle between two programs, `0.2.0.20261201`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u64>);

/// A text is no version.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is no version; write up to {MOST_NUMBERS} numbers with dots between them, like 0.2.0")]
pub struct NoVersion(String);

impl Version {
    fn number(&self, n: usize) -> u64 {
        self.0.get(n).copied().unwrap_or(0)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let differs = (0..MOST_NUMBERS).map(|n| self.number(n).cmp(&other.number(n)));
        differs.fold(Ordering::Equal, Ordering::then)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
        let numbers: Option<Vec<u64>> = text.split('.').map(number).collect();
        let fits = |numbers: &Vec<u64>| numbers.len() <= MOST_NUMBERS;
        numbers.filter(fits).map(Self).ok_or_else(|| NoVersion(text.to_owned()))
    }
}

impl TryFrom<String> for Version {
    type Error = NoVersion;

    fn try_from(text: String) -> Result<Self, NoVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_decide_and_not_their_spelling() {
        let order =
            ["0.1.0", "0.1.0.1", "0.1.9", "0.1.10", "0.2", "1.0.0"].map(|text| text.parse::<Version>().unwrap());
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{order:?}");
        assert_eq!("0.2".parse::<Version>().unwrap(), "0.2.0".parse().unwrap());
        for wrong in ["", "1.", "a", "1.-2", "+1", "1.2.3.4.5.6.7", "99999999999999999999"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}
