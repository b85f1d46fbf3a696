//! Reports in words for people: on a phone, in a group.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use forewarn_base::http::public_address;
use forewarn_base::setting::SettingError;
use forewarn_domain::violation::Language;
use forewarn_domain::{
    CaseCause, CaseStage, CaseStep, CivilTime, IncidentState, Prepared, Report, SpeakerId, StreamId, Timestamp,
    ViolationId,
};

use crate::answers::{ConsoleAddress, Links};
use crate::outbox::QueuedReport;

/// Incidents that a message about several names, at most.
const MOST_NAMED: usize = 20;
/// The longest address of a console: three links must fit into a message.
const MOST_ADDRESS_BYTES: usize = 200;
/// Pictures beyond this are not sent.
const MOST_PICTURE_BYTES: u64 = 2 << 20;

/// What is known of the people who are told, and of the site.
#[derive(Clone, Default)]
pub struct People {
    /// What they read.
    pub language: Language,
    /// What they call each violation.
    pub titles: BTreeMap<ViolationId, String>,
    /// The rules of the site: at which camera which violation is sought.
    pub rules: Vec<(StreamId, ViolationId)>,
    /// The loudspeakers of the site, each with what is ready to be said there.
    pub loudspeakers: BTreeMap<SpeakerId, Vec<Prepared>>,
    /// The time of day at the site.
    pub civil: Option<Arc<dyn CivilTime>>,
    /// The folder of all evidence.
    pub evidence: PathBuf,
    /// The folder of what went over thin links.
    pub spent: PathBuf,
    /// The folder in which is kept how far evidence has been brought over, a file an upstream.
    pub uploads: PathBuf,
    /// The file of the links by which phones answer.
    pub answer_links: PathBuf,
    /// The file of the phones that are told by Web Push.
    pub web_push: PathBuf,
    /// Whether a camera's telemetry tells of landing.
    pub hears_of_landing: bool,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").field("language", &self.language).finish_non_exhaustive()
    }
}

/// A message of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about, in one line.
    pub title: String,
    /// The rest, a line each.
    pub lines: Vec<String>,
}

impl People {
    /// The console as phones reach it, where the site file says how: `console_url`.
    pub fn console(&self, url: Option<&str>) -> Result<Option<ConsoleAddress>, SettingError> {
        let Some(url) = url else { return Ok(None) };
        let mend = "write it like \"https://console.example\"";
        let url = public_address("console_url", url, mend)?;
        if url.path() != "/" || url.query().is_some() || url.as_str().len() > MOST_ADDRESS_BYTES {
            return Err(SettingError::value("console_url", "it has a path or is very long", mend));
        }
        Ok(Some(ConsoleAddress::new(&url, Links::at(&self.answer_links))))
    }

    /// What a message says of reports: of one in full, of several a line each.
    pub fn note(&self, reports: &[QueuedReport]) -> Note {
        match reports {
            [one] => Note { title: self.headline(&one.report), lines: self.details(one) },
            several => {
                let mut lines: Vec<String> =
                    several.iter().take(MOST_NAMED).map(|one| self.line(&one.report)).collect();
                let more = several.len().saturating_sub(MOST_NAMED);
                if more > 0 {
                    lines.push(self.say(&format!("and {more} more"), &format!("另有 {more} 条")));
                }
                let n = several.len();
                Note { title: self.say(&format!("{n} reports"), &format!("{n} 条告警")), lines }
            }
        }
    }

    fn say(&self, en: &str, zh: &str) -> String {
        if self.language == Language::Zh { zh } else { en }.to_owned()
    }

    /// What people call a violation.
    pub fn title_of(&self, violation: &ViolationId) -> String {
        self.titles.get(violation).cloned().unwrap_or_else(|| violation.as_str().replace('_', " "))
    }

    fn headline(&self, report: &Report) -> String {
        let rule = &report.incident.rule;
        format!("{}: {} ({})", self.state(report), self.title_of(&rule.violation), rule.stream)
    }

    fn line(&self, report: &Report) -> String {
        let headline = self.headline(report);
        self.time(report, report.at).map_or(headline.clone(), |time| format!("{time} {headline}"))
    }

    fn details(&self, queued: &QueuedReport) -> Vec<String> {
        let (report, incident) = (&queued.report, &queued.report.incident);
        let line = |en: &str, zh: &str, value: &str| format!("{}: {value}", self.say(en, zh));
        let mut lines = vec![
            line("Site", "站点", &queued.source.site),
            line("Camera", "摄像机", incident.rule.stream.as_str()),
            line("Zone", "区域", incident.rule.zone.as_str()),
        ];
        lines.extend(self.time(report, report.at).map(|time| line("Time", "时间", &time)));
        if incident.subject.count > 1 {
            lines.push(line("How many", "数量", &incident.subject.count.to_string()));
        }
        let read = incident.findings.iter().filter_map(|finding| finding.text.as_deref());
        lines.extend(read.map(|text| line("Read", "识别", text)));
        lines.extend(incident.fly_closer().map(|(about, within_m)| {
            // From farther off it could not be told.
            let within_m = within_m.floor();
            let (en, zh) = (
                format!("within {within_m:.0} m, to tell {about}"),
                format!("{within_m:.0} 米内可判断{}", about.in_language(self.language)),
            );
            line("Fly closer", "请飞近", &self.say(&en, &zh))
        }));
        let warned = if incident.warning_not_delivered {
            self.say("no loudspeaker played it", "喇叭未播放")
        } else {
            incident.warnings_played.to_string()
        };
        lines.push(line("Warnings played", "已播警告", &warned));
        lines.push(line("Incident", "编号", incident.id.as_str()));
        lines
    }

    /// The time of day at the site, where it is known.
    fn time(&self, report: &Report, at: Timestamp) -> Option<String> {
        let shown = Timestamp::from_micros(report.incident.wall(at).as_micros());
        let minute = self.civil.as_deref()?.local(None, shown)?.minute;
        Some(format!("{:02}:{:02}", minute / 60, minute % 60))
    }

    /// What a step of a case is called; whoever is asked is told that.
    fn step(&self, step: &CaseStep) -> String {
        let (en, zh) = match (step.cause, step.stage) {
            (CaseCause::IncidentEscalated, _) => ("Escalated, please confirm", "已升级，请接收"),
            (CaseCause::HandedOn, _) => ("Handed on to you, please confirm", "已转派给您，请接收"),
            (CaseCause::NobodyLeft, _) => ("Nobody answers", "无人响应"),
            (CaseCause::LimitPassed, CaseStage::Sent) => ("Reminder: not received yet", "催办：尚未接收"),
            (CaseCause::LimitPassed, CaseStage::Received) => ("Reminder: not assigned yet", "催办：尚未派单"),
            (CaseCause::LimitPassed, CaseStage::Assigned) => ("Reminder: nobody has called back", "催办：尚未回电"),
            (CaseCause::LimitPassed, _) => ("Reminder: nobody is on site", "催办：尚未到场"),
            (CaseCause::Told, CaseStage::Sent) => ("Sent", "已发送"),
            (CaseCause::Told, CaseStage::Received) => ("Received", "已接收"),
            (CaseCause::Told, CaseStage::Assigned) => ("Assigned", "已派单"),
            (CaseCause::Told, CaseStage::CalledBack) => ("Called back", "已回电"),
            (CaseCause::Told, CaseStage::OnSite) => ("On site", "已到场"),
            (CaseCause::Told, CaseStage::Settled) => ("Settled", "已办结"),
            (CaseCause::Told, CaseStage::Rejected) => ("Rejected", "已驳回"),
        };
        self.say(en, zh)
    }

    fn state(&self, report: &Report) -> String {
        if let Some(step) = report.case_step() {
            return self.step(step);
        }
        let step = report.incident.history.get(report.sequence as usize);
        let (en, zh) = match step.map_or(report.incident.state, |step| step.state) {
            IncidentState::Suspected => ("Suspected", "疑似"),
            IncidentState::Confirmed => ("Confirmed", "已确认"),
            IncidentState::Warned => ("Warned", "已警告"),
            IncidentState::Observing => ("Watched", "观察中"),
            IncidentState::Persisted => ("Goes on", "仍在继续"),
            IncidentState::Complied => ("Complied", "已改正"),
            IncidentState::Escalated => ("Escalated", "已升级"),
            IncidentState::Lost => ("Out of sight", "已离开视野"),
            IncidentState::Over => ("Over", "已过去"),
            IncidentState::Closed => ("Closed", "已结束"),
        };
        self.say(en, zh)
    }

    /// The latest marked picture of an incident, where there is one by now and it is not too large.
    pub fn picture(&self, report: &Report) -> Option<Picture> {
        let folder = self.evidence.join(report.incident.bundle());
        let mut latest: Option<(SystemTime, PathBuf)> = None;
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let is_marked = entry.file_name().to_str().is_some_and(|name| name.ends_with("-marked.jpg"));
            let Ok(facts) = entry.metadata() else { continue };
            let Ok(at) = facts.modified() else { continue };
            let is_fit = is_marked && facts.len() > 0 && facts.len() <= MOST_PICTURE_BYTES;
            if is_fit && latest.as_ref().is_none_or(|(known, path)| (known, path) < (&at, &entry.path())) {
                latest = Some((at, entry.path()));
            }
        }
        let (_, path) = latest?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("picture.jpg").to_owned();
        Some(Picture { bytes: std::fs::read(&path).ok()?, name })
    }
}

/// A picture of an incident, as JPEG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its file's name.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A text of at most so many bytes, cut between characters.
pub fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{LocalTime, Weekday};
    use forewarn_wire::samples::{case_report, report, source};

    use super::*;

    struct Noon;

    impl CivilTime for Noon {
        fn local(&self, _: Option<&str>, _: Timestamp) -> Option<LocalTime> {
            Some(LocalTime { weekday: Weekday::Mon, minute: 725 })
        }
    }

    fn people(language: Language) -> People {
        let titles = BTreeMap::from([(report(1, 1).incident.rule.violation, "违法停车".to_owned())]);
        let titles = if language == Language::Zh { titles } else { BTreeMap::new() };
        People {
            language,
            titles,
            civil: Some(Arc::new(Noon)),
            evidence: PathBuf::from("/nowhere"),
            ..People::default()
        }
    }

    fn queued(n: u64) -> QueuedReport {
        QueuedReport { seq: n as i64, report: report(n, 5), source: source() }
    }

    #[test]
    fn one_report_is_told_in_full_in_either_language() {
        let note = people(Language::En).note(&[queued(1)]);
        assert_eq!(note.title, "Escalated: illegal parking (gate)");
        assert_eq!(
            note.lines,
            [
                "Site: north-gate",
                "Camera: gate",
                "Zone: fire_lane",
                "Time: 12:05",
                "Read: 苏A12340",
                "Warnings played: 1",
                "Incident: gate-illegal_parking-1769839447250-1",
            ]
        );
        let note = people(Language::Zh).note(&[queued(1)]);
        assert_eq!((note.title.as_str(), note.lines[3].as_str()), ("已升级: 违法停车 (gate)", "时间: 12:05"));
    }

    #[test]
    fn of_whom_nothing_can_be_told_from_so_far_away_it_says_how_near_a_drone_must_come() {
        let mut small = queued(1);
        small.report.incident.findings = vec![forewarn_domain::Finding {
            about: forewarn_domain::About::Attribute(forewarn_domain::AttributeId::new("hard_hat").unwrap()),
            text: None,
            fly_within_m: Some(24.7),
            ..forewarn_wire::samples::finding(forewarn_domain::Verdict::CannotTell, None)
        }];
        let line = |language| people(language).note(std::slice::from_ref(&small)).lines[4].clone();
        assert_eq!(line(Language::En), "Fly closer: within 24 m, to tell hard_hat");
        assert_eq!(line(Language::Zh), "请飞近: 24 米内可判断安全帽");
    }

    #[test]
    fn a_step_of_a_case_says_what_is_wanted() {
        let note = people(Language::En).note(&[QueuedReport { seq: 1, report: case_report(1), source: source() }]);
        assert_eq!(note.title, "Received: illegal parking (gate)");
        let mut reminder = case_report(1);
        reminder.sequence -= 1;
        let note = people(Language::Zh).note(&[QueuedReport { seq: 1, report: reminder, source: source() }]);
        assert_eq!(note.title, "催办：尚未接收: 违法停车 (gate)");
    }

    #[test]
    fn several_are_a_line_each_up_to_a_bound() {
        let many: Vec<QueuedReport> = (0..25).map(queued).collect();
        let note = people(Language::En).note(&many);
        assert_eq!((note.title.as_str(), note.lines.len()), ("25 reports", 21));
        assert_eq!(note.lines[0], "12:05 Escalated: illegal parking (gate)");
        assert_eq!(note.lines[20], "and 5 more");
    }

    #[test]
    fn the_latest_marked_picture_is_the_picture_and_a_text_is_cut_between_characters() {
        let dir = tempfile::tempdir().unwrap();
        let people = People { evidence: dir.path().to_owned(), ..people(Language::En) };
        assert_eq!(people.picture(&report(1, 5)), None);
        let folder = dir.path().join(report(1, 5).incident.bundle());
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["confirmed-marked.jpg", "escalated-marked.jpg", "escalated.jpg"] {
            std::fs::write(folder.join(name), name).unwrap();
        }
        let picture = people.picture(&report(1, 5)).unwrap();
        assert_eq!(
            (picture.name.as_str(), picture.bytes.as_slice()),
            ("escalated-marked.jpg", &b"escalated-marked.jpg"[..])
        );
        assert_eq!((cut("苏A", 4), cut("苏A", 3), cut("苏A", 2)), ("苏A", "苏", ""));
    }
}
