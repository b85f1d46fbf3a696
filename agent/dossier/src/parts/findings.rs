//! What closer looks and sensors told, plates among it.

use forewarn_evidence::Opened;

use crate::html::Html;
use crate::times::Times;
use crate::words::Say;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened, times: &Times) {
    let Some(record) = opened.record.as_ref().filter(|record| !record.incident.findings.is_empty()) else { return };
    page.heading(say.pick("Closer looks and plates", "细节与车牌识别"));
    page.raw("<table class=\"list\"><thead><tr>");
    for name in [
        say.pick("About", "内容"),
        say.pick("Finding", "结论"),
        say.pick("Votes", "票数"),
        say.pick("Confidence", "置信度"),
        say.pick("Last vote", "最后一票"),
    ] {
        page.raw("<th>").text(name).raw("</th>");
    }
    page.raw("</tr></thead><tbody>\n");
    for finding in &record.incident.findings {
        let verdict = say.verdict(finding.verdict);
        let nearer = finding.fly_within_m.map(f32::floor).map(|within_m| {
            let (en, zh) = (
                format!("{verdict}; fly closer: within {within_m:.0} m"),
                format!("{verdict}；请飞至 {within_m:.0} 米内"),
            );
            say.pick(&en, &zh).to_owned()
        });
        let told = finding.text.as_deref().or(nearer.as_deref()).unwrap_or(verdict);
        let votes = match say.pick("en", "zh") {
            "en" => format!("{} of {} looks", finding.votes, finding.looks),
            _ => format!("{} 次观察中 {} 票", finding.looks, finding.votes),
        };
        let last = finding.last_at.map_or_else(|| "–".to_owned(), |at| times.instant(&record.incident, at));
        page.raw("<tr><td>")
            .text(finding.about.in_language(say.0))
            .raw("</td><td><strong>")
            .text(told)
            .raw("</strong></td><td>");
        page.text(&votes).raw("</td><td>").text(&format!("{:.0} %", finding.confidence * 100.0));
        page.raw("</td><td class=\"time\">").text(&last).raw("</td></tr>\n");
    }
    page.raw("</tbody></table>\n");
}
