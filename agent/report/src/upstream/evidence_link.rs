//! Where those who are told of an incident find its evidence, such as a bucket or a server of the site's own.

use forewarn_base::setting::SettingError;
use forewarn_wire::Event;
use url::Url;

use super::people::picture_link;
use crate::outbox::QueuedReport;

const KEY: &str = "evidence_url";
const MEND: &str = "write it like \"https://evidence.example/{bundle}/\"";

/// The value of `evidence_url`: an address in which `{bundle}`, `{incident}` and `{camera}` stand.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceLink(String);

impl EvidenceLink {
    /// Checks what stands in the site file.
    pub(crate) fn new(pattern: Option<&str>) -> Result<Option<Self>, SettingError> {
        let Some(pattern) = pattern else { return Ok(None) };
        let wrong = |why: &str| Err(SettingError::value(KEY, why, MEND));
        if !["{bundle}", "{incident}"].iter().any(|name| pattern.contains(name)) {
            return wrong("it is one address for all, as neither {bundle} nor {incident} stands in it");
        }
        let filled = pattern.replace("{bundle}", "b").replace("{incident}", "i").replace("{camera}", "c");
        match Url::parse(&filled) {
            _ if filled.contains(['{', '}']) => {
                wrong("it has braces of which only {bundle}, {incident} and {camera} are known")
            }
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(Self(pattern.to_owned()))),
            _ => wrong("it is no address of http or https"),
        }
    }
}

/// The event of a report, with where its evidence is found.
pub(super) fn event_of(queued: &QueuedReport, link: Option<&EvidenceLink>) -> Event {
    let mut event = Event::from_report(&queued.report, &queued.source);
    if let (Some(evidence), Some(EvidenceLink(pattern))) = (&mut event.data.evidence, link) {
        evidence.url = Some(picture_link(pattern, &queued.report));
    }
    event
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::{report, seal_report, source};

    use super::*;

    #[test]
    fn every_event_with_evidence_tells_where_that_is() {
        let link = EvidenceLink::new(Some("https://box.example/{bundle}/?c={camera}&i={incident}")).unwrap();
        let sealed = seal_report(1, 5);
        let id = sealed.incident.id.clone();
        let queued = QueuedReport { seq: 1, report: sealed, source: source() };
        let told = event_of(&queued, link.as_ref()).data.evidence.unwrap().url;
        assert_eq!(told, Some(format!("https://box.example/2026-01-31/{id}/?c=gate&i={id}")));
        assert_eq!(event_of(&queued, None).data.evidence.unwrap().url, None);
        let former = QueuedReport { report: report(1, 5), ..queued };
        assert_eq!(event_of(&former, link.as_ref()).data.evidence, None);
    }

    #[test]
    fn what_leads_nowhere_is_refused_with_the_mend() {
        for (pattern, says) in [
            ("https://box.example/", "one address for all"),
            ("https://box.example/{bundel}/{incident}", "only {bundle}, {incident} and {camera}"),
            ("box.example/{bundle}", "no address of http or https"),
            ("ftp://box.example/{bundle}", "no address of http or https"),
        ] {
            let refusal = EvidenceLink::new(Some(pattern)).unwrap_err().line();
            assert!(refusal.starts_with("evidence_url: ") && refusal.contains(says), "{pattern}: {refusal}");
            assert!(refusal.contains("https://evidence.example/{bundle}/"), "{refusal}");
        }
    }
}
