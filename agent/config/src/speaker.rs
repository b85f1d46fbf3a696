//! `[[speaker]]`: the loudspeakers.

use forewarn_domain::SpeakerId;
use forewarn_hw::SpeakerConfig;
use schemars::{Schema, SchemaGenerator};
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::schema;

pub(crate) const EXAMPLE: &str = r#"# A loudspeaker on this box. Where no sound card opens, `wav_dir` keeps what nobody heard, and the warning counts as not
# delivered; `sink = "wav"` lets the files stand in for a loudspeaker.
[[speaker]]
id = "kiosk"
kind = "local"
wav_dir = "announcements"

# An IP horn that plays PCMU over RTP (unicast or multicast).
[[speaker]]
id = "horn"
kind = "rtp"
address = "239.10.0.7:5004"
"#;

/// One `[[speaker]]`: an id beside what its kind needs.
#[derive(Debug, Deserialize)]
pub struct RawSpeaker {
    /// Its name.
    pub id: Spanned<SpeakerId>,
    /// The adapter's own keys; an unknown one is an error.
    #[serde(flatten)]
    pub adapter: toml::Table,
}

/// The list, an id beside the keys of each kind.
pub(crate) fn list_schema(generator: &mut SchemaGenerator) -> Schema {
    schema::named_adapters::<SpeakerConfig>(generator, "Its name.")
}

/// The loudspeakers that can be used, and the names of all that are written: who names one that has a mistake makes none.
pub(crate) fn check(
    raw: Vec<Spanned<RawSpeaker>>,
    check: &mut Check<'_>,
) -> (Vec<(SpeakerId, SpeakerConfig)>, Vec<SpeakerId>) {
    let mut speakers: Vec<(SpeakerId, SpeakerConfig)> = Vec::new();
    let mut names: Vec<SpeakerId> = Vec::new();
    for speaker in raw {
        let place = speaker.span();
        let RawSpeaker { id, adapter } = speaker.into_inner();
        let is_taken = names.contains(id.get_ref());
        check.unique(id.span(), is_taken, &format!("speaker `{}`", id.get_ref()), "give each its own id");
        names.push(id.get_ref().clone());
        let Some(config) = check.table::<SpeakerConfig>(place.clone(), &adapter) else { continue };
        match config.check(id.get_ref()) {
            Ok(()) => speakers.push((id.into_inner(), config)),
            Err(error) => {
                let mend = "see docs/configuration.md, \"Loudspeakers\"";
                check.fail_key::<()>(place, error.key(), error.reason().to_owned(), mend);
            }
        }
    }
    (speakers, names)
}
