//! `[[speaker]]`: the loudspeakers.

use forewarn_domain::SpeakerId;
use forewarn_hw::SpeakerConfig;
use schemars::{Schema, SchemaGenerator};
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::header::check_schedule;
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
    let schema = schema::named_adapters::<SpeakerConfig>(generator, "Its name.");
    // The loudspeakers know nothing of how the site file describes hours.
    let hours = schema::schedule(generator).to_value();
    let volume = generator.definitions_mut().get_mut("VolumeConfig");
    if let Some(described) = volume.and_then(|volume| volume.pointer_mut("/properties/hours")) {
        *described = hours;
    }
    schema
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
        for volume in &config.common.volume {
            check_schedule(check, &Spanned::new(place.clone(), volume.hours.clone()));
        }
        match config.check(id.get_ref(), check.directory()) {
            Ok(()) => speakers.push((id.into_inner(), config)),
            Err(error) => {
                let mend = "see docs/configuration.md, \"Loudspeakers\"";
                check.fail_key::<()>(place, error.key(), error.reason().to_owned(), mend);
            }
        }
    }
    (speakers, names)
}

#[cfg(test)]
mod tests {
    use crate::resolve;
    use crate::source::Source;

    const PAGE: &str = include_str!("../../../docs/speakers.md");

    /// The blocks of the page in TOML.
    fn blocks() -> impl Iterator<Item = &'static str> {
        PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next())
    }

    #[test]
    fn hours_of_a_loudspeaker_are_checked_and_described_as_all_schedules() {
        let site = |hours: &str| {
            let text = format!(
                "[site]\nid = \"s\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n\
                 volume = [{{ hours = {hours}, db = -6 }}]\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n"
            );
            resolve(&Source::new("site.toml".to_owned(), text)).map_err(|errors| errors.to_string())
        };
        assert!(site("{ from = \"22:00\", to = \"07:00\" }").is_ok());
        let unknown = site("{ from = \"22:00\", to = \"07:00\", time_zone = \"Mars\" }").unwrap_err();
        assert!(unknown.contains("there is no time zone \"Mars\""), "{unknown}");
        let mut generator = schemars::SchemaGenerator::default();
        super::list_schema(&mut generator);
        let described = generator.definitions()["VolumeConfig"].pointer("/properties/hours/properties/days");
        assert!(described.is_some(), "{:?}", generator.definitions()["VolumeConfig"]);
    }

    #[test]
    fn every_example_of_the_page_is_a_loudspeaker_that_can_be_used() {
        let dir = tempfile::tempdir().unwrap();
        let mut site = "[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n".to_owned();
        let mut n_speakers = 0;
        for block in blocks() {
            if let Some(file) = block.strip_prefix("# ").and_then(|rest| rest.lines().next()) {
                std::fs::write(dir.path().join(file), block).unwrap();
                continue;
            }
            n_speakers += block.matches("[[speaker]]").count();
            site.push_str(block);
            let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
            let secret = |line: &str| line.split_once("password_file = ")?.1.split('"').nth(1).map(str::to_owned);
            for file in block.lines().filter_map(secret) {
                std::fs::write(dir.path().join(file), "secret\n").unwrap();
            }
            for voice in block.lines().filter(|line| line.contains(".onnx")).filter_map(quoted) {
                std::fs::create_dir_all(dir.path().join("voices")).unwrap();
                for file in [voice.clone(), format!("{voice}.json")] {
                    std::fs::write(dir.path().join(file), "").unwrap();
                }
            }
        }
        let source = Source::new(dir.path().join("site.toml").to_string_lossy().into_owned(), site);
        let site = resolve(&source).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(site.speakers.len(), n_speakers);
        let kinds: std::collections::BTreeSet<_> =
            site.speakers.iter().map(|(_, config)| config.adapter.kind()).collect();
        for kind in &kinds {
            assert!(PAGE.contains(&format!("\n## `{kind}`")), "{kind} has no section");
        }
        assert_eq!(kinds.len(), PAGE.matches("\n## `").count(), "each section has an example: {kinds:?}");
    }
}
