//! Which ways of running a card are tried on a box, and which are not, and why: a pure function.

use serde::{Deserialize, Serialize};

use super::{Given, Way};
use crate::card::{Card, Offer};
use crate::fetch;
use crate::providers::{Precision, Provider};

/// Points of average precision, of 100, that a variant may lose by the card's own figures.
pub const MOST_POINTS_LOST: f64 = 1.0;

/// More threads than this gain detectors of these sizes nothing.
const MOST_THREADS: usize = 8;

/// What a box has to run a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The providers whose library is there; the CPU is always one.
    pub providers: Vec<Provider>,
    /// Logical processors.
    pub cores: usize,
}

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The ways, the usual one first.
    pub ways: Vec<Way>,
    /// What is not tried.
    pub left_out: Vec<LeftOut>,
}

/// Something that is not tried, or that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What it is.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Plans the tuning of `card`. `is_usable` says of the card of a variant why it cannot be tried.
pub fn plan(card: &Card, given: Given, machine: &Machine, is_usable: impl Fn(&str) -> Result<(), String>) -> Plan {
    let (mut plan, name) = (Plan::default(), card.name.as_str());
    let usual = given.usual(name);
    let is_there = |provider: Provider| provider == Provider::Cpu || machine.providers.contains(&provider);
    let mut numbers = vec![(name, Provider::Cpu, Precision::Fp32)];
    numbers.extend(machine.providers.iter().map(|&provider| (name, provider, Precision::Fp32)));
    numbers.push((name, usual.provider, usual.precision));
    for offer in &card.variants {
        let taken = usable(offer, &is_usable).and_then(|()| match (&offer.card, offer.provider, offer.precision) {
            (Some(variant), _, _) => Ok((variant.as_str(), Provider::Cpu, Precision::Fp32)),
            (None, Some(provider), Some(precision)) if is_there(provider) => Ok((name, provider, precision)),
            _ => Err(no_library(offer.provider)),
        });
        match taken {
            Ok(way) => numbers.push(way),
            Err(why) => plan.left_out.push(LeftOut { what: called(offer), why }),
        }
    }
    let mut threads: Vec<usize> = threads(machine.cores).chain(given.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    for (card, provider, precision) in numbers.into_iter().filter(|(_, provider, _)| is_there(*provider)) {
        let way = |threads| Way { card: card.to_owned(), provider, precision, threads };
        let is_on_processor = way(1).is_on_processor();
        for way in threads.iter().map(|&threads| way(if is_on_processor { threads } else { 1 })) {
            if !plan.ways.contains(&way) {
                plan.ways.push(way);
            }
        }
    }
    // The base of every comparison comes first.
    plan.ways.sort_by_key(|way| *way != usual);
    plan
}

/// One, and its doubles up to half of the cores: the others decode.
fn threads(cores: usize) -> impl Iterator<Item = usize> {
    let most = (cores / 2).clamp(1, MOST_THREADS);
    std::iter::successors(Some(1), |threads| Some(threads * 2)).take_while(move |threads| *threads <= most)
}

/// Whether what a card offers may be taken at all.
fn usable(offer: &Offer, is_usable: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    match offer.worst() {
        None => return Err("the card states no average precision of it".to_owned()),
        // What is written in thousandths is compared in them.
        Some((worst, points)) if points > MOST_POINTS_LOST + 1e-6 => {
            return Err(format!(
                "it loses {points:.1} AP on {}, and at most {MOST_POINTS_LOST:.0} is given up",
                worst.on
            ));
        }
        Some(_) => {}
    }
    offer.card.as_deref().map_or(Ok(()), is_usable)
}

fn no_library(provider: Option<Provider>) -> String {
    let fetched = provider.and_then(fetch::optional_runtime_of);
    let how = fetched.map(|name| format!("; `forewarn models fetch --runtime {name}` fetches it")).unwrap_or_default();
    format!("its library is not in the store{how}")
}

fn called(offer: &Offer) -> String {
    match (&offer.card, offer.provider, offer.precision) {
        (None, Some(provider), Some(precision)) => format!("{precision} on {provider}"),
        (card, _, _) => card.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards;
    use crate::providers::{ProviderChoice, Request};

    const VARIANTS: &str = r#"
[[variants]]
card = "good"
ap = [{ on = "streets", own = 0.43, variant = 0.42 }]

[[variants]]
card = "bad"
ap = [{ on = "streets", own = 0.43, variant = 0.419 }, { on = "all", own = 0.3, variant = 0.3 }]

[[variants]]
card = "unstated"

[[variants]]
provider = "openvino"
precision = "bf16"
ap = [{ on = "streets", own = 0.43, variant = 0.429 }]
"#;

    fn card() -> Card {
        let (_, text) = cards::BUILTIN.iter().find(|(name, _)| *name == "yolox-nano").unwrap();
        Card::from_toml(&format!("{text}{VARIANTS}").replacen("yolox-nano", "street", 1)).unwrap()
    }

    fn planned(given: Given, providers: &[Provider], cores: usize) -> Plan {
        plan(&card(), given, &Machine { providers: providers.to_vec(), cores }, |_| Ok(()))
    }

    fn ways(plan: &Plan) -> Vec<String> {
        let short = |way: &Way| format!("{} {} {} {}", way.card, way.provider, way.precision, way.threads);
        plan.ways.iter().map(short).collect()
    }

    #[test]
    fn nothing_is_tried_that_loses_more_than_a_point_or_states_nothing() {
        let plan = planned(Given::default(), &[Provider::Cpu], 2);
        assert_eq!(ways(&plan), ["street cpu fp32 1", "good cpu fp32 1"], "a point is not more than a point");
        let told: Vec<String> = plan.left_out.iter().map(|left| format!("{}: {}", left.what, left.why)).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("bad: it loses 1.1 AP on streets"), "{told:?}");
        assert!(told[1].starts_with("unstated: the card states no average precision"), "{told:?}");
        assert!(told[2].starts_with("bf16 on openvino: its library is not in the store"), "{told:?}");
    }

    #[test]
    fn every_provider_is_tried_and_threads_up_to_half_of_the_cores() {
        let plan = planned(Given::default(), &[Provider::Cpu, Provider::OpenVino, Provider::Cuda], 5);
        let expected = [
            "street cpu fp32 1",
            "street cpu fp32 2",
            "street openvino fp32 1",
            "street openvino fp32 2",
            "street cuda fp32 1",
            "good cpu fp32 1",
            "good cpu fp32 2",
            "street openvino bf16 1",
            "street openvino bf16 2",
        ];
        assert_eq!(ways(&plan), expected);
        assert_eq!(threads(64).collect::<Vec<_>>(), [1, 2, 4, 8]);
        assert_eq!(threads(1).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_the_site_asks_for_is_tried_first() {
        let execution = Some(Request { provider: ProviderChoice::OpenVino, precision: Precision::Fp16 });
        let given = Given { threads: Some(3), execution };
        let plan = planned(given, &[Provider::Cpu, Provider::OpenVino], 2);
        assert_eq!(ways(&plan)[0], "street openvino fp16 3");
        let absent = planned(given, &[Provider::Cpu], 2);
        assert_eq!(ways(&absent)[0], "street cpu fp32 1", "what is not there is not tried");
    }

    #[test]
    fn a_variant_that_cannot_be_opened_says_why() {
        let why = |_: &str| Err("its weights are not in the store".to_owned());
        let machine = Machine { providers: vec![Provider::Cpu], cores: 2 };
        let plan = plan(&card(), Given::default(), &machine, why);
        assert_eq!(ways(&plan), ["street cpu fp32 1"]);
        assert_eq!(plan.left_out[0].why, "its weights are not in the store");
    }

    #[test]
    fn of_the_built_in_cards_each_offer_names_a_card_of_the_same_classes() {
        for (name, _) in cards::BUILTIN {
            let card = cards::builtin(name).unwrap();
            for variant in card.variants.iter().filter_map(|offer| offer.card.as_deref()) {
                let variant = cards::builtin(variant).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(variant.classes.to_vec(), card.classes.to_vec(), "{name}");
            }
        }
    }
}
