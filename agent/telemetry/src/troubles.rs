//! Troubles that last: each is told when it begins or changes, and when it is over; never again and again.

use std::collections::BTreeMap;

/// What is wrong now, by what it is wrong with.
#[derive(Debug, Default)]
pub struct Troubles(BTreeMap<&'static str, String>);

impl Troubles {
    /// The trouble of `name` is this now. What must be told of the change: the trouble, or the name of what has none
    /// any more.
    pub fn change(&mut self, name: &'static str, trouble: Option<String>) -> Option<Result<String, &'static str>> {
        if self.0.get(name) == trouble.as_ref() {
            return None;
        }
        match trouble {
            Some(what) => {
                self.0.insert(name, what.clone());
                Some(Ok(what))
            }
            None => self.0.remove(name).map(|_| Err(name)),
        }
    }

    /// What is wrong now.
    pub fn last(&self) -> &BTreeMap<&'static str, String> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_and_so_is_its_end() {
        let mut troubles = Troubles::default();
        let mut change = |trouble: Option<&str>| troubles.change("disk", trouble.map(str::to_owned));
        assert_eq!(change(None), None);
        assert_eq!(change(Some("full")), Some(Ok("full".to_owned())));
        assert_eq!(change(Some("full")), None);
        assert_eq!(change(Some("gone")), Some(Ok("gone".to_owned())));
        assert_eq!(change(None), Some(Err("disk")));
        assert_eq!(change(None), None);
    }
}
