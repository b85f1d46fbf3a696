//! Which model a site asks for, and whether another reading of the site asks for another one.

use forewarn_models::Card;
use forewarn_models::providers::Request;

use crate::{Model, Site};

/// What decides which model looks at frames, and how.
#[derive(Debug, PartialEq)]
pub struct Running {
    card: Card,
    threads: usize,
    execution: Request,
    least_score: f32,
}

impl Running {
    /// What a site asks for.
    pub fn of(site: &Site) -> Self {
        let Model { card, threads, execution, .. } = &site.model;
        let (card, least_score) = (card.clone(), site.tracker.low_score);
        Self { card, threads: *threads, execution: *execution, least_score }
    }

    /// Whether the same weights would look in the same manner. Weights that nobody pinned may be others by now.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other && self.card.weights.sha256.is_some()
    }

    /// Whether rules that were made for the other model go on by this one: it tells of the same classes.
    pub fn serves_rules_of(&self, other: &Self) -> bool {
        self.card.classes.to_vec() == other.card.classes.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;
    use crate::source::Source;

    #[test]
    fn rules_wait_for_a_model_of_other_classes_alone() {
        let running = |model: &str| {
            let text = format!("[site]\nid = \"s\"\n[model]\n{model}\n[[camera]]\nid = \"gate\"\nurl = \"a.mp4\"\n");
            Running::of(&resolve(&Source::new("site.toml", text)).unwrap())
        };
        let usual = running("card = \"nanodet-g-416\"");
        for other in ["\"\nthreads = 2", "\"\nprovider = \"cpu\"", "-int8\""] {
            let model = &format!("card = \"nanodet-g-416{other}");
            assert!(!usual.is_same(&running(model)) && usual.serves_rules_of(&running(model)), "{model}");
        }
        assert!(!usual.serves_rules_of(&running("card = \"centerface\"")));
    }
}
