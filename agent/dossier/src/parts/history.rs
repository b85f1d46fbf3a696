//! What happened when, and what was said over the loudspeaker.

use forewarn_domain::{Cause, IncidentState, Proof};
use forewarn_evidence::Opened;

use crate::html::Html;
use crate::times::Times;
use crate::words::Say;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened, times: &Times) {
    let Some(record) = &opened.record else { return };
    page.heading(say.pick("Timeline", "时间线"));
    page.raw("<table class=\"list\"><tbody>\n");
    for step in &record.history {
        page.raw("<tr><td class=\"time\">").text(&times.tell(&step.at)).raw("</td><td><strong>");
        page.text(say.state(step.state)).raw("</strong></td><td>").text(say.cause(step.cause)).raw("</td></tr>\n");
    }
    page.raw("</tbody></table>\n");
    warnings(page, say, opened, times);
}

fn warnings(page: &mut Html, say: Say, opened: &Opened, times: &Times) {
    let Some(record) = &opened.record else { return };
    let incident = &record.incident;
    page.heading(say.pick("Warnings and proof of playback", "警告与播放证明"));
    let sent: Vec<_> =
        incident.history.iter().enumerate().filter(|(_, step)| step.state == IncidentState::Warned).collect();
    if sent.is_empty() {
        // The step after the confirmation says why.
        let after = incident.history.iter().skip_while(|step| step.state != IncidentState::Confirmed).nth(1);
        page.paragraph(say.pick("No warning was sent over a loudspeaker.", "未通过扬声器发出警告。"));
        if let Some(step) = after {
            page.paragraph(say.cause(step.cause));
        }
        return;
    }
    // A replay states no proof: it has no loudspeaker.
    let assumed = times.is_clip.then_some(Proof::Assumed);
    page.raw("<table class=\"list\"><thead><tr><th>#</th>");
    for name in [say.pick("Sent", "发出"), say.pick("Outcome", "结果"), say.pick("Proof of playback", "播放证明")]
    {
        page.raw("<th>").text(name).raw("</th>");
    }
    page.raw("</tr></thead><tbody>\n");
    for (n, (index, step)) in sent.into_iter().enumerate() {
        let outcome = incident.history.get(index + 1);
        let is_played = outcome.is_some_and(|outcome| outcome.cause == Cause::PlaybackProven);
        page.raw("<tr><td>").text(&(n + 1).to_string()).raw("</td><td class=\"time\">");
        page.text(&times.instant(incident, step.at)).raw("</td><td>");
        match outcome {
            Some(outcome) => page.text(say.cause(outcome.cause)).text(", ").text(&times.instant(incident, outcome.at)),
            None => page.text(say.pick("not known yet", "尚未得知")),
        };
        let proof = if is_played {
            say.proof(outcome.and_then(|outcome| outcome.proof).or(assumed))
        } else {
            say.pick("none", "无")
        };
        page.raw("</td><td>").text(proof);
        for tried in outcome.iter().flat_map(|outcome| &outcome.tried) {
            page.raw("<br>").text(&say.tried(tried));
        }
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody></table>\n");
    if incident.warning_not_delivered {
        let words = say.pick("A warning was due that no loudspeaker played.", "有应发的警告未被任何扬声器播放。");
        page.raw("<p class=\"note\">").text(words).raw("</p>\n");
    }
}
