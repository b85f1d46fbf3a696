//! Doubts about who is heard with whom: an earshot that one loudspeaker names alone.

use super::{About, Doubt};
use crate::Site;

/// Loudspeakers whose earshot no other one names, so that they would be the same without it.
pub(super) fn lonely(site: &Site) -> impl Iterator<Item = Doubt> {
    let named = move || site.speakers.iter().filter_map(|(id, config)| Some((id, config.common.earshot.as_ref()?)));
    named().filter(move |(_, earshot)| named().filter(|(_, other)| other == earshot).count() == 1).map(
        |(id, earshot)| Doubt {
            about: About::speaker(id).key("earshot"),
            problem: format!("no other loudspeaker names the earshot {earshot:?}, so it waits for none"),
            mend: "name it at each loudspeaker that is heard at the same place, or leave it out".to_owned(),
        },
    )
}
