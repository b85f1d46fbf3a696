//! Opening what reads the attributes that a site's violations ask for: masks, hard hats, plates.

use std::collections::BTreeSet;

use anyhow::anyhow;
use forewarn_domain::{AttributeId, Reader};
use forewarn_models::Store;
use forewarn_models::card::CardError;
use forewarn_models::reader::{Attribute, AttributeReader};

use crate::config::doubts::About;
use crate::config::{Attributes, Camera, ConfigError, Rule, Site, card};
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// The reader of a site on the provider that the site asks for; none if no violation asks for anything to be read.
pub fn of_site(site: &Site) -> Result<Option<Box<dyn Reader>>, CommandError> {
    let asked = asked(&site.attributes, &site.cameras);
    if asked.is_empty() {
        return Ok(None);
    }
    let attributes = asked.iter().map(|id| attribute(&site.attributes, id)).collect::<Result<Vec<_>, _>>()?;
    let card_of = |name: &str| {
        card::find(name, &site.directory)
            .map_err(|error| CardError::Unknown { name: name.to_owned(), known: ConfigError::from(error).to_string() })
    };
    let runtime = super::runtime(site.model.execution)?;
    let reader = AttributeReader::open(&attributes, &card_of, &Store::locate(), (&runtime, site.model.threads))
        .or_exit(ExitCode::Missing)?;
    Ok(Some(Box::new(reader)))
}

/// Why the attributes that nobody can judge on this site cannot be, each with the first rule that asks for it; empty if all can.
pub fn unreadable(site: &Site) -> Vec<String> {
    let (attributes, cameras) = (&site.attributes, &site.cameras);
    let rules = || cameras.iter().flat_map(|camera| &camera.rules);
    let problem = |id: &AttributeId| {
        let error = attribute(attributes, id).err()?.error;
        let first = rules().find(|rule| asks(attributes, rule).any(|asked| asked == id))?;
        Some(format!("{}: {error}", About::rule_of_site(site, first)))
    };
    asked(attributes, cameras).iter().filter_map(problem).collect()
}

/// What conditions ask for, and, where the site wants it, what is only kept with the evidence.
pub(super) fn asked(attributes: &Attributes, cameras: &[Camera]) -> BTreeSet<AttributeId> {
    cameras.iter().flat_map(|camera| &camera.rules).flat_map(|rule| asks(attributes, rule)).cloned().collect()
}

/// The same of one rule.
fn asks<'r>(attributes: &Attributes, rule: &'r Rule) -> impl Iterator<Item = &'r AttributeId> + use<'r> {
    let kept = attributes.identify.then_some(&rule.violation.evidence.attributes);
    rule.compiled.worn().chain(kept.into_iter().flatten())
}

fn attribute(attributes: &Attributes, id: &AttributeId) -> Result<Attribute, CommandError> {
    let attribute = Attribute::builtin(id.as_str()).or_exit(ExitCode::BadConfig)?;
    if let Some(card) = attributes.cards.get(id) {
        return Ok(attribute.judged_by(card));
    }
    if forewarn_models::cards::builtin(&attribute.model).is_err() {
        let error = anyhow!(
            "a violation asks for `{id}` and no model for it is shipped; name the card of yours by \
             `[attributes] cards = {{ {id} = \"my-card.toml\" }}` (docs/attributes.md says how to train one)"
        );
        return Err(CommandError { code: ExitCode::Missing, error });
    }
    Ok(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve;
    use crate::config::source::Source;

    fn site(rest: &str) -> Site {
        let text = format!("[site]\nid = \"s\"\n{rest}\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1/a\"\n");
        let rules = "[[camera.rule]]\nviolation = \"no_hard_hat\"\n[[camera.rule]]\nviolation = \"illegal_parking\"\n";
        resolve(&Source::new("site.toml", format!("{text}{rules}"))).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn plates_are_read_only_where_the_site_wants_them() {
        let ids =
            |site: &Site| asked(&site.attributes, &site.cameras).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(ids(&site("")), ["hard_hat"]);
        assert_eq!(ids(&site("[attributes]\nidentify = true")), ["hard_hat", "plate"]);
    }

    #[test]
    fn a_slot_without_a_model_says_how_to_fill_it() {
        let vest = AttributeId::new("hi_vis_vest").unwrap();
        let error = attribute(&site("").attributes, &vest).unwrap_err();
        assert_eq!(error.code, ExitCode::Missing);
        assert!(error.to_string().contains("cards = { hi_vis_vest"), "{error}");
        let filled = site("[attributes]\ncards = { hi_vis_vest = \"vest.toml\" }");
        assert_eq!(attribute(&filled.attributes, &vest).unwrap().model, "vest.toml");
    }
}
