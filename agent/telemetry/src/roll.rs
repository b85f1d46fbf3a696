//! Who there is, so that the gauges of those who are not there any more do not stand still at their last values.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Who was there when it was last asked.
#[derive(Debug, Default)]
pub struct Roll(Mutex<BTreeSet<String>>);

impl Roll {
    /// These are there now. Who of those before is not.
    pub fn call(&self, there: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let there: BTreeSet<String> = there.into_iter().collect();
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = before.difference(&there).cloned().collect();
        *before = there;
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_gone_are_told_once() {
        let roll = Roll::default();
        let call = |there: &str| roll.call(there.split(' ').map(str::to_owned)).into_iter().collect::<Vec<_>>();
        assert_eq!(call("a b"), [""; 0]);
        assert_eq!(call("b c"), ["a"]);
        assert_eq!(call("b c"), [""; 0]);
    }
}
