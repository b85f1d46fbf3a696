//! What it is, and whether it can be believed.

use forewarn_evidence::{Opened, VerifyError};

use super::problems;
use crate::html::Html;
use crate::times::Times;
use crate::words::Say;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened, times: &Times) {
    page.raw("<h1>");
    match opened.title(say.0) {
        Some(title) => page.text(&title),
        None => page.text(say.pick("Incident without a readable record", "无可读记录的事件")),
    };
    page.raw("</h1>\n<p class=\"id\">").text(say.pick("Evidence report · ", "证据报告 · "));
    page.text(opened.incident.as_str()).raw("</p>\n");
    verdict(page, say, opened);
    facts(page, say, opened, times);
}

/// In a colour, before anything that the bundle says.
fn verdict(page: &mut Html, say: Say, opened: &Opened) {
    let (class, words) = match &opened.verified {
        _ if opened.copy == Some(true) => (
            "fair",
            say.pick(
                "REDACTED COPY, as it was made: not the evidence itself",
                "遮盖后的副本，与制作时一致：并非证据本身",
            ),
        ),
        _ if opened.copy.is_some() => (
            "bad",
            say.pick(
                "REDACTED COPY, NOT AS IT WAS MADE: `forewarn evidence verify` names what was changed",
                "遮盖后的副本，与制作时不一致：`forewarn evidence verify` 会指出改动之处",
            ),
        ),
        Ok(_) if !opened.is_intact() => {
            ("bad", say.pick("NOT INTACT: this is not what was sealed", "不完整：内容与封存时不一致"))
        }
        Ok(found) => match &found.proof {
            None => ("fair", say.pick("Unchanged, but unsigned", "未被改动，但没有签名")),
            Some(proof) if proof.is_vouched_for == Some(true) => {
                ("good", say.pick("Intact and signed by a trusted device", "完整，并由受信任的设备签名"))
            }
            Some(_) => ("good", say.pick("Intact and signed", "完整且已签名")),
        },
        Err(VerifyError::Unsealed { .. }) => {
            ("bad", say.pick("NOT SEALED: nothing here is proven", "未封存：此处内容均未经证明"))
        }
        Err(VerifyError::Damaged { .. } | VerifyError::Unreadable { .. } | VerifyError::Absent { .. }) => {
            ("bad", say.pick("NOT VERIFIED: the seal is damaged or unreadable", "未通过验证：封存清单损坏或无法读取"))
        }
    };
    page.raw("<div class=\"verdict ");
    page.text(class).raw("\"><strong>").text(words).raw("</strong>\n");
    let problems = problems::of(say, opened);
    if !problems.is_empty() {
        page.raw("<ul>\n");
        for problem in problems {
            page.raw("<li>").text(&problem).raw("</li>\n");
        }
        page.raw("</ul>\n");
    }
    let is_unsigned = matches!(&opened.verified, Ok(found) if found.proof.is_none());
    if is_unsigned {
        page.text(say.pick(
            "It was sealed by a replay, or before the device had a key: whoever can write to it can seal it anew.",
            "由回放封存，或封存时设备尚无密钥：任何可写入者都能重新封存。",
        ));
    } else if matches!(&opened.verified, Ok(found) if found.is_intact() && found.proof.as_ref().is_some_and(|p| p.is_vouched_for.is_none()))
    {
        page.text(say.pick(
            "The key is the bundle's own word: compare it with the one noted down when the device was set up.",
            "密钥仅为证据包自身所述：请与设备安装时记录的密钥核对。",
        ));
    }
    page.raw("</div>\n");
}

fn facts(page: &mut Html, say: Say, opened: &Opened, times: &Times) {
    page.raw("<table class=\"facts\">\n");
    if let Some(record) = &opened.record {
        let incident = &record.incident;
        if let Some(first) = record.history.first() {
            page.row(say.pick("Began", "开始"), &times.tell(&first.at));
        }
        page.row(say.pick("State", "状态"), say.state(incident.state));
        page.row(say.pick("Violation", "违规类型"), incident.rule.violation.as_str());
        page.row(say.pick("Camera", "摄像机"), incident.rule.stream.as_str());
        page.row(say.pick("Zone", "区域"), incident.rule.zone.as_str());
        let subject = &incident.subject;
        let count = if subject.count > 1 { format!(" × {}", subject.count) } else { String::new() };
        page.row(say.pick("Subject", "目标"), &format!("{}{count}", subject.class.in_language(say.0)));
    }
    let of_seal = opened.manifest.as_ref().and_then(|manifest| manifest.device.as_ref()).map(|device| &device.site);
    if let Some(site) = opened.setting.as_ref().map(|setting| &setting.site).or(of_seal) {
        page.row(say.pick("Site", "站点"), site);
    }
    let zone = match (&times.zone_name, times.is_clip) {
        (_, true) => say.pick("seconds of a clip whose date nobody stated", "录像内的秒数，未说明日期"),
        (Some(name), _) => name,
        (None, _) => say.pick("UTC; the bundle does not say the site's time zone", "UTC；证据包未注明站点时区"),
    };
    page.row(say.pick("Times are in", "时间所用时区"), zone);
    if let Some(manifest) = &opened.manifest {
        page.row(say.pick("Sealed", "封存时间"), &times.tell(&manifest.sealed_at));
        page.row(
            say.pick("Clock when sealed", "封存时的时钟"),
            &say.clock(manifest.clock.as_ref(), |utc| times.civil(utc)),
        );
    }
    page.raw("</table>\n");
}
