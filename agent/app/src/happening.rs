//! What happens, as this program's log and the keeper of evidence know it.

use forewarn_domain::IncidentState;
use forewarn_evidence::KeeperNews;
use forewarn_wire::story::Happening;

/// What the keeper of evidence has to tell.
pub fn of_keeper(news: KeeperNews) -> Happening {
    match news {
        KeeperNews::Sealed { incident, path, at, .. } => Happening::Sealed { incident: incident.id, path, at },
        KeeperNews::Trouble { what, at } => Happening::Trouble { what, at },
    }
}

/// Tells the log, a trouble as an error.
pub fn log(happening: &Happening) {
    match happening {
        Happening::Moved { record, .. } => {
            let cause = record.history.last().map_or("", |step| step.cause.as_str());
            tracing::info!(incident = %record.id, state = %record.state, cause, "incident");
            for (about, within_m) in record.fly_closer().filter(|_| record.state == IncidentState::Confirmed) {
                tracing::info!(incident = %record.id, "fly closer: {about} can be told within {:.0} m", within_m.floor());
            }
        }
        Happening::Announcing { announcement, .. } => {
            tracing::info!(incident = %announcement.incident, speaker = %announcement.speaker, "announcing");
        }
        Happening::Announced { speaker, outcome, .. } => tracing::info!(%speaker, ?outcome, "announced"),
        Happening::Stream { stream, text, .. } => tracing::info!(%stream, "{text}"),
        Happening::Sealed { incident, path, .. } => {
            tracing::info!(%incident, path = %path.display(), "evidence sealed");
        }
        Happening::Trouble { what, .. } => tracing::error!("{what}"),
    }
}
