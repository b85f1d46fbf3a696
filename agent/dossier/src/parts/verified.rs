//! What was verified, in words.

use forewarn_domain::violation::Language;
use forewarn_evidence::{Opened, Problem, Verification};

use crate::html::Html;
use crate::words::Say;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened) {
    page.heading(say.pick("What was verified", "验证结果"));
    page.raw("<table class=\"facts\">\n");
    if let Ok(found) = &opened.verified {
        page.row(say.pick("Files", "文件"), &files(say, found));
        page.row(say.pick("Signature", "签名"), &signature(say, found));
        if let Some(stamp) = time_stamp(say, found) {
            page.row(say.pick("Time stamp", "时间戳"), &stamp);
        }
    } else {
        let words = say.pick("could not be checked", "无法检查");
        page.row(say.pick("Files", "文件"), words).row(say.pick("Signature", "签名"), words);
    }
    page.row(say.pick("Chain", "证据链"), &chain(say, opened));
    page.raw("</table>\n");
    missing(page, say, opened);
    listed(page, say, opened);
}

fn files(say: Say, found: &Verification) -> String {
    let (files, bytes) = (found.files, found.bytes);
    let is_beside =
        |p: &Problem| matches!(p, Problem::Unproven(_) | Problem::Stamp { .. } | Problem::Credentials { .. });
    let is_good = found.problems.iter().all(is_beside);
    match (say.0, is_good) {
        (Language::En, true) => format!("all {files} files ({bytes} bytes) are those that were sealed; none was added"),
        (Language::Zh, true) => format!("全部 {files} 个文件（{bytes} 字节）与封存时一致，没有添加文件"),
        (Language::En, false) => format!("the {files} files that were sealed are NOT all as they were; see above"),
        (Language::Zh, false) => format!("封存的 {files} 个文件与封存时不完全一致，见上文"),
    }
}

fn signature(say: Say, found: &Verification) -> String {
    let is_flawed = found.problems.iter().any(|p| matches!(p, Problem::Unproven(_)));
    let Some(proof) = found.proof.as_ref().filter(|_| !is_flawed) else {
        let words = if is_flawed {
            say.pick("does NOT hold; see above", "无效，见上文")
        } else {
            say.pick("there is none", "没有签名")
        };
        return words.to_owned();
    };
    let vouched = match proof.is_vouched_for {
        Some(true) => say.pick("somebody who is trusted vouches for the key", "受信任方为该密钥担保"),
        _ => say.pick("nobody was named who must vouch for the key", "未指定须为该密钥担保的一方"),
    };
    match say.0 {
        Language::En => {
            let end = if proof.is_final { "" } else { ", while the incident went on" };
            format!("holds: seal {} of the device's key{end}; {vouched}", proof.number)
        }
        Language::Zh => {
            let end = if proof.is_final { "" } else { "（事件当时仍在继续）" };
            format!("有效：设备密钥的第 {} 号封存{end}；{vouched}", proof.number)
        }
    }
}

/// What the time stamp of the latest seal that has one says; none if nothing is stamped.
fn time_stamp(say: Say, found: &Verification) -> Option<String> {
    if found.problems.iter().any(|p| matches!(p, Problem::Stamp { .. })) {
        return Some(say.pick("does NOT hold; see above", "无效，见上文").to_owned());
    }
    let stamp = found.stamps.last()?;
    let vouched = match stamp.vouched_for {
        Some(true) => say.pick("somebody who is trusted vouches for it", "受信任方为其担保"),
        _ => say.pick("nobody was named who must vouch for it", "未指定须为其担保的一方"),
    };
    let (seal, by, at) = (stamp.seal, &stamp.by, &stamp.at);
    Some(match say.0 {
        Language::En => format!("seal {seal} was there at {at}, by the word of {by}; {vouched}"),
        Language::Zh => format!("{by} 证明第 {seal} 号封存在 {at} 已存在；{vouched}"),
    })
}

fn chain(say: Say, opened: &Opened) -> String {
    let Some(chain) = &opened.chain else {
        let words = "not here: this bundle lies apart from the store of its device";
        return say.pick(words, "不在此处：证据包已离开其设备的存储").to_owned();
    };
    let (first, last) = chain.span.unwrap_or_default();
    match (say.0, chain.problems.is_empty()) {
        (Language::En, true) => format!("whole: links {first} to {last}, none is missing or out of order"),
        (Language::Zh, true) => format!("完整：第 {first} 至 {last} 环，无缺失、无错序"),
        (Language::En, false) => format!("NOT whole: links {first} to {last}; see above"),
        (Language::Zh, false) => format!("不完整：第 {first} 至 {last} 环，见上文"),
    }
}

fn missing(page: &mut Html, say: Say, opened: &Opened) {
    let Some(manifest) = opened.manifest.as_ref().filter(|manifest| !manifest.missing.is_empty()) else { return };
    page.paragraph(say.pick("Stated as missing when it was sealed:", "封存时已注明缺少："));
    page.raw("<ul>\n");
    for gap in &manifest.missing {
        page.raw("<li>")
            .text(&say.lacking(&gap.what))
            .text(say.pick(": ", "："))
            .text(&say.why(&gap.why))
            .raw("</li>\n");
    }
    page.raw("</ul>\n");
}

fn listed(page: &mut Html, say: Say, opened: &Opened) {
    let Some(manifest) = &opened.manifest else { return };
    page.raw("<table class=\"list\"><thead><tr><th>").text(say.pick("File", "文件")).raw("</th><th>");
    page.text(say.pick("Bytes", "字节")).raw("</th><th>sha256</th></tr></thead><tbody>\n");
    for entry in &manifest.files {
        page.raw("<tr><td>").text(&entry.file).raw("</td><td>").text(&entry.bytes.to_string());
        page.raw("</td><td><code>").text(&entry.sha256).raw("</code></td></tr>\n");
    }
    page.raw("</tbody></table>\n");
}
