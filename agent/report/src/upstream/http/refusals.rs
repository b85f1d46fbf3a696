//! When a report that is refused for good is given up: the later ones wait behind it.

/// So often a report is tried before it is given up.
const TRIES: u32 = 5;

/// What was refused for good, over all connections.
///
/// A recipient that refuses everything is set up wrongly, and nothing is given up for that: between two reports that are
/// given up there must be one that was taken.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// The report that was refused last, and how often in a row.
    last: Option<(String, u32)>,
    /// Whether it took something since it was last given up on.
    has_taken: bool,
}

impl Refusals {
    /// It took something.
    pub(crate) fn delivered(&mut self) {
        (self.last, self.has_taken) = (None, true);
    }

    /// It refused a report for good. Whether that is enough.
    pub(crate) fn is_enough(&mut self, id: &str) -> bool {
        let before = self.last.take().filter(|(known, _)| known == id).map_or(0, |(_, n)| n);
        let is_enough = self.has_taken && before + 1 >= TRIES;
        if is_enough {
            self.has_taken = false;
        } else {
            self.last = Some((id.to_owned(), before + 1));
        }
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_among_many_is_given_up_and_a_recipient_that_refuses_all_loses_nothing() {
        let mut refusals = Refusals::default();
        assert!((0..20).all(|_| !refusals.is_enough("a")), "it has never taken anything");
        refusals.delivered();
        let tries: Vec<bool> = (0..5).map(|_| refusals.is_enough("b")).collect();
        assert_eq!(tries, [false, false, false, false, true]);
        assert!((0..20).all(|_| !refusals.is_enough("c")), "a second in a row");
        refusals.delivered();
        assert!(!refusals.is_enough("d") && !refusals.is_enough("e") && !refusals.is_enough("d"), "not in a row");
    }
}
