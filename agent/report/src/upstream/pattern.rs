//! Addresses that others serve, of an incident's evidence or its picture: a pattern in which `{bundle}`, `{incident}` and
//! `{camera}` stand.

use forewarn_base::http::public_address;
use forewarn_base::setting::SettingError;
use forewarn_domain::Report;
use forewarn_wire::Event;

use crate::outbox::QueuedReport;

const NAMES: [&str; 3] = ["{bundle}", "{incident}", "{camera}"];

/// The value of a key of the site file that is such a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// The value of `evidence_url`. Evidence is that of one incident, so something of it must stand in the address.
    pub(crate) fn of_evidence(text: Option<&str>) -> Result<Option<Self>, SettingError> {
        let mend = "write it like \"https://evidence.example/{bundle}/\"";
        if text.is_some_and(|text| !NAMES[..2].iter().any(|name| text.contains(name))) {
            let why = "it is one address for all, as neither {bundle} nor {incident} stands in it";
            return Err(SettingError::value("evidence_url", why, mend));
        }
        Self::new("evidence_url", text, mend)
    }

    /// The value of `picture_url`.
    pub(crate) fn of_picture(text: Option<&str>) -> Result<Option<Self>, SettingError> {
        Self::new("picture_url", text, "write it like \"https://pictures.example/{bundle}/confirmed-marked.jpg\"")
    }

    fn new(key: &'static str, text: Option<&str>, mend: &'static str) -> Result<Option<Self>, SettingError> {
        let Some(text) = text else { return Ok(None) };
        let host = text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', '?', '#']).next();
        if host.is_some_and(|host| host.contains(['{', '}'])) {
            let why = "a placeholder stands in the host, and would lead to another server for each incident";
            return Err(SettingError::value(key, why, mend));
        }
        let filled = NAMES.iter().fold(text.to_owned(), |text, name| text.replace(name, "x"));
        if filled.contains(['{', '}']) {
            let why = "it has braces of which only {bundle}, {incident} and {camera} are known";
            return Err(SettingError::value(key, why, mend));
        }
        public_address(key, &filled, mend).map(|_| Some(Self(text.to_owned())))
    }

    /// The address for one report.
    pub(crate) fn of(&self, report: &Report) -> String {
        let incident = &report.incident;
        let values = [incident.bundle(), incident.id.to_string(), incident.rule.stream.to_string()];
        NAMES.iter().zip(values).fold(self.0.clone(), |text, (name, value)| text.replace(name, &value))
    }
}

/// The event of a report, with where its evidence is found.
pub(super) fn event_of(queued: &QueuedReport, evidence_at: Option<&Pattern>) -> Event {
    let mut event = Event::from_report(&queued.report, &queued.source);
    if let (Some(evidence), Some(pattern)) = (&mut event.data.evidence, evidence_at) {
        evidence.url = Some(pattern.of(&queued.report));
    }
    event
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::{report, seal_report, source};

    use super::*;

    #[test]
    fn every_event_with_evidence_tells_where_that_is() {
        let link = Pattern::of_evidence(Some("https://box.example/{bundle}/?c={camera}&i={incident}")).unwrap();
        let sealed = seal_report(1, 5);
        let id = sealed.incident.id.clone();
        let queued = QueuedReport { seq: 1, report: sealed, source: source() };
        let told = event_of(&queued, link.as_ref()).data.evidence.unwrap().url;
        assert_eq!(told, Some(format!("https://box.example/2026-01-31/{id}/?c=gate&i={id}")));
        assert_eq!(event_of(&queued, None).data.evidence.unwrap().url, None);
        let former = QueuedReport { report: report(1, 5), ..queued };
        assert_eq!(event_of(&former, link.as_ref()).data.evidence, None);
        let picture = Pattern::of_picture(Some("https://a.example/{bundle}/x?c={camera}")).unwrap().unwrap();
        let told = picture.of(&report(1, 5));
        assert_eq!(told, "https://a.example/2026-01-31/gate-illegal_parking-1769839447250-1/x?c=gate");
    }

    #[test]
    fn what_leads_nowhere_or_anywhere_is_refused_with_the_mend() {
        for (pattern, says) in [
            ("https://box.example/{bundel}/{incident}", "only {bundle}, {incident} and {camera}"),
            ("box.example/{bundle}", "this is no URL"),
            ("ftp://box.example/{bundle}", "the scheme is \"ftp\""),
            ("https://ann:seven-herons@box.example/{bundle}", "a name or password in the address"),
            ("https://{camera}.example/{bundle}", "a placeholder stands in the host"),
            ("https://{incident}@box.example/{bundle}", "a placeholder stands in the host"),
            ("https://box.example/{bundle}/{", "only {bundle}, {incident} and {camera}"),
            ("https://box.example/{bundle}?password=seven-herons", "`password=` in it reads as a secret"),
            ("https://box.example/{bundle}?i={incident}&Access_Token=seven-herons", "`Access_Token=` in it reads"),
            ("https://box.example/user=a&pwd=seven-herons/{bundle}", "`pwd=` in it reads as a secret"),
            ("https://box.example/{bundle}?X-Amz-Signature=seven-herons", "reads as a secret"),
            ("https://box.example:0/{bundle}", "nobody listens on port 0"),
            ("https://box.example/{bundle}#herons", "behind `#` is sent to nobody"),
        ] {
            let refusals = [Pattern::of_evidence(Some(pattern)), Pattern::of_picture(Some(pattern))];
            for (refusal, key) in refusals.into_iter().zip(["evidence", "picture"]) {
                let refusal = refusal.unwrap_err().line();
                assert!(refusal.starts_with(&format!("{key}_url: ")) && refusal.contains(says), "{pattern}: {refusal}");
                assert!(refusal.contains(&format!("write it like \"https://{key}")), "{refusal}");
                assert!(!refusal.contains("herons"), "{refusal}");
            }
        }
        for harmless in
            ["https://box.example/{bundle}?monkey=1&design=2&keyword=a", "https://box.example/token/{bundle}"]
        {
            assert!(Pattern::of_picture(Some(harmless)).is_ok(), "{harmless}");
        }
        let all = Pattern::of_evidence(Some("https://box.example/")).unwrap_err().line();
        assert!(all.contains("one address for all"), "{all}");
        assert!(Pattern::of_picture(Some("https://box.example/latest.jpg")).unwrap().is_some());
        assert_eq!(Pattern::of_picture(None).unwrap(), None);
    }
}
