//! Tries a loudspeaker by hand, as its table of the site file describes it:
//!
//! ```console
//! cargo run -p forewarn-hw --example say -- 'kind = "rtp"
//! address = "10.0.0.7:5004"' zh '请立即驶离'
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::violation::Language;
use forewarn_domain::{Announcement, AnnouncementId, Clock, IncidentId, SpeakerId, SpokenText, SystemClock};
use forewarn_hw::{SpeakerConfig, SpeakerContext, build, probe};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(config), Some(language), Some(text)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: say TOML en|zh TEXT".into());
    };
    let config: SpeakerConfig = toml::from_str(&config)?;
    let speaker = SpeakerId::new("say")?;
    let context = SpeakerContext::new(Arc::new(SystemClock), ".", ".");
    eprintln!("uses {}", probe(&speaker, &config, &context)?);
    let announcement = Announcement {
        id: AnnouncementId(1),
        incident: IncidentId::from_stored("by-hand"),
        speaker: speaker.clone(),
        text: SpokenText { language: if language == "zh" { Language::Zh } else { Language::En }, text },
        audio: None,
        attempt: 1,
        deadline: SystemClock.now() + Duration::from_mins(1),
        urgency: 0,
    };
    let watch = Stopwatch::start();
    let played = build(&speaker, &config, &context)?.play(&announcement, &forewarn_domain::Cut::default());
    eprintln!("after {:.2} s: {played:?}", watch.elapsed().as_secs_f64());
    Ok(played.map(|_| ())?)
}
