//! What a card offers in place of its own numbers: a smaller card of the same network, or a coarser precision.

use serde::Deserialize;

use crate::providers::{Precision, Provider};

/// Other numbers in which the model can be run, with what that costs in accuracy. Without figures it is never taken.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Offer {
    /// The card of the variant, named as in a site file; it runs on the CPU, on which it was judged.
    pub card: Option<String>,
    /// The provider that computes in `precision`, in place of a card.
    pub provider: Option<Provider>,
    /// The numbers in which that provider computes.
    pub precision: Option<Precision>,
    /// Average precision of both on the same data.
    #[serde(default)]
    pub ap: Vec<Compared>,
}

/// Average precision of a model and of its variant, 0 to 1.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Compared {
    /// The data and the classes.
    pub on: String,
    /// Of the card itself, in 32-bit floats.
    pub own: f64,
    /// Of the variant.
    pub variant: f64,
}

impl Offer {
    /// The figure by which the variant is worst, with what it loses there in points of 1/100; none where nothing is stated.
    pub fn worst(&self) -> Option<(&Compared, f64)> {
        let loss = |compared: &Compared| (compared.own - compared.variant) * 100.0;
        self.ap.iter().map(|compared| (compared, loss(compared))).max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// What is wrong with it, if anything.
    pub(super) fn problem(&self) -> Option<&'static str> {
        match (&self.card, self.provider, self.precision) {
            (Some(name), None, None) if !name.is_empty() => {}
            (None, Some(provider), Some(precision)) if provider != Provider::Cpu && precision != Precision::Fp32 => {}
            _ => {
                return Some(
                    "name either a `card`, or a `provider` other than the CPU with a `precision` other than fp32",
                );
            }
        }
        let is_part = |value: f64| (0.0..=1.0).contains(&value);
        let is_sound = self.ap.iter().all(|compared| is_part(compared.own) && is_part(compared.variant));
        (!is_sound).then_some("average precision is a number from 0 to 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_the_stated_figures_counts() {
        let compared = |on: &str, own, variant| Compared { on: on.to_owned(), own, variant };
        let ap = vec![compared("all", 0.307, 0.306), compared("street", 0.432, 0.419), compared("birds", 0.2, 0.3)];
        let offer = Offer { card: Some("x".to_owned()), provider: None, precision: None, ap };
        let (worst, points) = offer.worst().unwrap();
        assert_eq!((worst.on.as_str(), (points * 10.0).round()), ("street", 13.0));
        assert_eq!(Offer { ap: Vec::new(), ..offer }.worst(), None);
    }
}
