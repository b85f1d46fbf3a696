//! What a demo did, in a few lines.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use forewarn_domain::violation::Language;
use forewarn_domain::{AnnounceOutcome, IncidentId, IncidentRecord, IncidentState};
use forewarn_wire::story::Happening;
use serde_json::json;

/// What happened, counted.
#[derive(Debug, Default)]
pub struct Tally {
    records: BTreeMap<IncidentId, IncidentRecord>,
    warnings_played: u64,
    bundles: u64,
}

impl Tally {
    /// Counts one thing.
    pub fn count(&mut self, happening: &Happening) {
        match happening {
            Happening::Moved { record, .. } => {
                self.records.insert(record.id.clone(), record.clone());
            }
            Happening::Announced { outcome: AnnounceOutcome::Played { .. }, .. } => self.warnings_played += 1,
            Happening::Sealed { .. } => self.bundles += 1,
            Happening::Announced { .. }
            | Happening::Announcing { .. }
            | Happening::Stream { .. }
            | Happening::Trouble { .. } => {}
        }
    }

    fn ever(&self, state: IncidentState) -> usize {
        self.records.values().filter(|record| record.first_entered(state).is_some()).count()
    }
}

/// Figures of the run.
#[derive(Debug, Default)]
pub struct Figures {
    /// Frames that were decoded.
    pub frames_decoded: u64,
    /// Frames that were analysed.
    pub frames_analysed: u64,
    /// Frames that were dropped because a newer one came.
    pub frames_dropped: u64,
    /// Reports that the broker acknowledged; none without a broker.
    pub reports_acknowledged: Option<u64>,
    /// Reports that it has not acknowledged.
    pub reports_pending: u64,
    /// Milliseconds from a frame's arrival to the decision: median and 99th percentile; none in a fast run.
    pub latency_ms: Option<(u64, u64)>,
    /// What the report of a flight says, and where it lies.
    pub flight: Option<String>,
    /// Processor seconds of this process.
    pub cpu_s: f64,
    /// Seconds that the run took.
    pub wall_s: f64,
}

impl Figures {
    /// Percent of one core.
    fn cpu_share(&self) -> f64 {
        100.0 * self.cpu_s / self.wall_s.max(0.001)
    }
}

/// Prints the summary, in a language, or as JSON without one.
pub fn print(tally: &Tally, figures: &Figures, out: &Path, language: Option<Language>) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let open = tally.records.values().filter(|record| record.state != IncidentState::Closed).count();
    let (complied, escalated) = (tally.ever(IncidentState::Complied), tally.ever(IncidentState::Escalated));
    let evidence = out.join("evidence");
    let Some(language) = language else {
        let value = json!({ "event": "summary", "incidents": tally.records.len(), "complied": complied,
            "escalated": escalated, "open": open, "warnings_played": tally.warnings_played,
            "frames_decoded": figures.frames_decoded, "frames_analysed": figures.frames_analysed,
            "frames_dropped": figures.frames_dropped, "reports_acknowledged": figures.reports_acknowledged,
            "reports_pending": figures.reports_pending, "latency_p50_ms": figures.latency_ms.map(|(p50, _)| p50),
            "latency_p99_ms": figures.latency_ms.map(|(_, p99)| p99), "cpu_s": figures.cpu_s, "wall_s": figures.wall_s,
            "evidence": evidence, "flight": figures.flight });
        return writeln!(stdout, "{value}");
    };
    let sums = Sums { incidents: tally.records.len(), complied, escalated, open, warnings: tally.warnings_played };
    writeln!(stdout)?;
    // A Chinese character takes two columns.
    let columns = |what: &str| what.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let mut lines = of_incidents(&sums, figures);
    lines.extend(of_the_run(figures, &evidence));
    let in_language = match language {
        Language::En => 0,
        Language::Zh => 1,
    };
    lines.iter().try_for_each(|(what, told)| {
        let (what, told) = (what[in_language], &told[in_language]);
        writeln!(stdout, "{what}{:room$}{told}", "", room = 12_usize.saturating_sub(columns(what)))
    })
}

/// What a line is about, and what it tells: in English, and in Chinese.
type Line = ([&'static str; 2], [String; 2]);

/// What the first lines count.
struct Sums {
    incidents: usize,
    complied: usize,
    escalated: usize,
    open: usize,
    warnings: u64,
}

fn of_incidents(sums: &Sums, figures: &Figures) -> Vec<Line> {
    let Sums { incidents, complied, escalated, open, warnings } = sums;
    let Figures { reports_acknowledged, reports_pending, flight, .. } = figures;
    let sums = [
        format!("{incidents}: {complied} complied, {escalated} escalated; {open} of them not closed yet"),
        format!("{incidents} 起：{complied} 起已听从，{escalated} 起已上报；其中 {open} 起尚未关闭"),
    ];
    let (warnings, reports) = match reports_acknowledged {
        Some(n) => (
            [format!("{warnings} played to the end"), format!("{warnings} 次，已完整播放")],
            [
                format!("{n} acknowledged by the broker, {reports_pending} waiting"),
                format!("{n} 条已由服务器确认，{reports_pending} 条待发"),
            ],
        ),
        None => (
            [format!("{warnings} assumed to be played"), format!("{warnings} 次，推定已播放")],
            // A flight is replayed, whether or not that is asked for.
            match flight {
                Some(_) => ["not sent: the flight is a replay".to_owned(), "回放的飞行不发送".to_owned()],
                None => ["not sent in a fast run".to_owned(), "快速运行不发送".to_owned()],
            },
        ),
    };
    vec![(["incidents", "事件"], sums), (["warnings", "警告"], warnings), (["reports", "上报"], reports)]
}

fn of_the_run(figures: &Figures, evidence: &Path) -> Vec<Line> {
    let Figures { frames_decoded, frames_analysed, frames_dropped, cpu_s, wall_s, .. } = figures;
    let share = figures.cpu_share();
    let frames = [
        format!("{frames_decoded} decoded, {frames_analysed} analysed, {frames_dropped} dropped"),
        format!("解码 {frames_decoded} 帧，分析 {frames_analysed} 帧，丢弃 {frames_dropped} 帧"),
    ];
    let mut lines = vec![(["frames", "画面"], frames)];
    if let Some((p50, p99)) = figures.latency_ms {
        let latency = [
            format!("{p50} ms from a frame's arrival to the decision, 99 % within {p99} ms"),
            format!("从画面到达至判定 {p50} 毫秒，99% 不超过 {p99} 毫秒"),
        ];
        lines.push((["latency", "延迟"], latency));
    }
    let processor = [
        format!("{cpu_s:.1} s in {wall_s:.1} s, {share:.0} % of one core"),
        format!("{wall_s:.1} 秒内使用 {cpu_s:.1} 秒，占单核 {share:.0}%"),
    ];
    lines.push((["processor", "处理器"], processor));
    lines.extend(figures.flight.clone().map(|told| (["flight", "飞行"], [told.clone(), told])));
    let folder = evidence.display().to_string();
    lines.push((["evidence", "证据"], [folder.clone(), folder]));
    let what_next = [
        "open a clip in any player; check a folder with `forewarn evidence verify FOLDER`".to_owned(),
        "录像可用任意播放器打开；用 `forewarn evidence verify 文件夹` 验证".to_owned(),
    ];
    lines.push((["", ""], what_next));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_nothing_is_sent_is_said_as_the_demo_was_asked_for() {
        let sums = Sums { incidents: 1, complied: 1, escalated: 0, open: 1, warnings: 1 };
        let told = |flight: Option<&str>| {
            let figures = Figures { flight: flight.map(str::to_owned), ..Figures::default() };
            let lines = of_incidents(&sums, &figures);
            lines.into_iter().map(|(_, told)| told.join("; ")).collect::<Vec<_>>().join("; ")
        };
        let (fast, flown) = (told(None), told(Some("flight.html")));
        assert!(fast.contains("fast run") && fast.contains("快速运行"), "{fast}");
        assert!(!flown.contains("fast") && !flown.contains("快速") && flown.contains("回放"), "{flown}");
        // Who complied may not be closed yet, and goes on with nothing.
        assert!(flown.contains("1 起已听从") && flown.contains("其中 1 起尚未关闭"), "{flown}");
    }
}
