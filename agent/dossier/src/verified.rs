//! What a verification found, for a terminal.

use forewarn_domain::violation::Language;
use forewarn_evidence::{Carried, CopyVerification, Found, Proof, StoreVerification, Verification, VerifyError};

use crate::parts::problems;
use crate::words::Say;

/// What was found of a bundle, a redacted copy, or a folder of bundles.
pub fn verified(found: &Found, language: Language) -> String {
    if language == Language::En {
        return found.to_string();
    }
    let mut text = String::new();
    match found {
        Found::Bundle(found) => bundle(&mut text, found),
        Found::Copy(found) => copy(&mut text, found),
        Found::Store(found) => store(&mut text, found),
    }
    text
}

const SAY: Say = Say(Language::Zh);

fn bundle(text: &mut String, found: &Verification) {
    let verdict = if found.is_intact() { "完整" } else { "不完整" };
    text.extend([format!("{}：{verdict}，{} 个文件，{} 字节\n", found.incident, found.files, found.bytes)]);
    let mut line = |told: String| text.extend(["  ", &told, "\n"]);
    line(format!("清单 sha256 {}", found.manifest_sha256));
    match &found.proof {
        None => line("没有签名：由回放封存，或封存时设备尚无密钥；任何可写入者都能重新封存".to_owned()),
        Some(proof) => {
            let state = proof.state.map_or("未知", |state| SAY.state(state));
            let end = if proof.is_final { "" } else { "，事件当时仍在继续" };
            line(format!("站点 {} 的第 {} 号封存，状态：{state}{end}", proof.site, proof.number));
            line(format!("密钥 {}，{}", proof.key, key_trust(proof)));
        }
    }
    if let Some(at) = &found.sealed_at {
        line(format!("按设备时钟封存于 {at}：{}", SAY.clock(found.clock.as_ref(), str::to_owned)));
    }
    credentials(&mut line, &found.credentials);
    for clip in found.camera_signed.iter().filter(|clip| clip.is_any()) {
        let certificate = match (clip.with_certificate, clip.begins_with_certificate) {
            (0, _) => "均不含证书，仅凭此录像无法核对",
            (_, false) => "第一个不含证书",
            (_, true) => "第一个含证书",
        };
        let (names, n) = (clip.names().join("、"), clip.onvif + clip.axis);
        line(format!("{}：摄像机自身签名（{names}），{n} 个签名，{certificate}；已保留，未核对", clip.file));
    }
    let bare = found.camera_signed.iter().filter(|clip| !clip.is_any()).map(|clip| clip.file.as_str());
    files(&mut line, "没有摄像机自身签名", bare);
    for stamp in &found.stamps {
        let accuracy =
            stamp.accuracy_s.map_or_else(String::new, |accuracy_s| format!("（误差不超过 {accuracy_s} 秒）"));
        let trust = trust(stamp.vouched_for, "仅为其自身所述：请用 --tsa-ca 指定须为其担保的一方");
        line(format!("时间戳：{} 证明第 {} 号封存在 {}{accuracy} 已存在，{trust}", stamp.by, stamp.seal, stamp.at));
    }
    for gap in &found.missing {
        line(format!("封存时已注明缺少：{}：{}", SAY.lacking(&gap.what), SAY.why(&gap.why)));
    }
    for problem in &found.problems {
        line(problems::in_words(SAY, problem));
    }
}

fn key_trust(proof: &Proof) -> &'static str {
    let own_word = "仅为证据包自身所述：请与设备上 `forewarn key show` 的输出核对，或用 --trust 指定";
    trust(proof.is_vouched_for, own_word)
}

fn trust(is_vouched_for: Option<bool>, own_word: &'static str) -> &'static str {
    match is_vouched_for {
        None => own_word,
        Some(true) => "您信任的一方为其担保",
        Some(false) => "没有您信任的一方为其担保",
    }
}

fn files<'a>(line: &mut impl FnMut(String), words: &str, names: impl Iterator<Item = &'a str>) {
    let names: Vec<&str> = names.collect();
    if !names.is_empty() {
        line(format!("{words}：{}", names.join("、")));
    }
}

fn credentials(line: &mut impl FnMut(String), all: &[Carried]) {
    let holds = |one: &&Carried| matches!(one.found, Some(Ok(_)));
    let of = |is_by_sealer: bool| all.iter().filter(holds).filter(move |one| one.is_by_sealer == is_by_sealer);
    files(line, "内容凭证成立，由封存密钥签名", of(true).map(|one| one.file.as_str()));
    let others: Vec<String> =
        of(false).filter_map(|one| Some(format!("{}（密钥 {}）", one.file, one.found?.ok()?.key))).collect();
    files(line, "内容凭证成立，但由另一密钥签名", others.iter().map(String::as_str));
    files(line, "没有内容凭证", all.iter().filter(|one| one.found.is_none()).map(|one| one.file.as_str()));
}

fn copy(text: &mut String, found: &CopyVerification) {
    let verdict = if found.is_as_made() { "与制作时一致" } else { "与制作时不一致" };
    text.extend([format!("{} 的遮盖副本：{verdict}，{} 个文件；并非原始证据\n", found.incident, found.files)]);
    let mut line = |told: String| text.extend(["  ", &told, "\n"]);
    line(format!("遮盖内容：{}：{}", found.hidden.what, found.hidden.how));
    for model in &found.hidden.models {
        line(format!("所用模型 {}，sha256 {}", model.card, model.sha256));
    }
    for note in &found.hidden.notes {
        line(note.clone());
    }
    let seal = match (&found.original.number, &found.original.device) {
        (Some(number), Some(device)) => format!("站点 {} 的第 {number} 号封存，密钥 {}", device.site, device.key),
        _ => "没有签名".to_owned(),
    };
    line(format!("原证据包的清单 sha256 {}：{seal}", found.original.manifest_sha256));
    match &found.device {
        None => line("没有签名：任何可写入者都能重新制作".to_owned()),
        Some(device) => {
            let trust = trust(found.is_vouched_for, "仅为其自身所述");
            line(format!("由站点 {} 制作，密钥 {}，{trust}", device.site, device.key));
        }
    }
    line(format!("制作于 {}；副本说明文件 sha256 {}", found.made_at, found.paper_sha256));
    for problem in &found.problems {
        line(problem.clone());
    }
}

fn store(text: &mut String, found: &StoreVerification) {
    for checked in &found.bundles {
        match &checked.found {
            Ok(found) => bundle(text, found),
            Err(VerifyError::Unsealed { .. }) => {
                text.extend([&checked.folder, "：未封存：事件仍在继续，或程序在封存之前已停止\n"]);
            }
            Err(error) => text.extend([&checked.folder, "：未能检查：", &problems::unverified(SAY, error), "\n"]),
        }
    }
    match found.chain.span {
        None => text.push_str("证据链：此处没有任何一环\n"),
        Some((first, last)) => {
            let verdict = if found.chain.problems.is_empty() { "完整" } else { "不完整" };
            let (links, removed) = (found.chain.links, found.chain.removed);
            text.extend([format!(
                "证据链：{verdict}，第 {first} 至 {last} 环，现存 {links} 环，其中 {removed} 环属于设备已删除的证据包\n"
            )]);
        }
    }
    let mut line = |told: String| text.extend(["  ", &told, "\n"]);
    for key in found.chain.span.iter().flat_map(|_| &found.chain.keys) {
        line(format!("密钥 {key}"));
    }
    for told in &found.deleted {
        line(told.clone());
    }
    for incident in &found.chain.held {
        line(format!("{incident}：已保全，设备不得删除"));
    }
    if !found.has_head && found.chain.span.is_some() {
        line("此处没有链头文件，无法得知其后是否有缺失：请与最后一条 `sealed` 事件核对".to_owned());
    }
    for problem in &found.chain.problems {
        line(problems::chain(SAY, problem));
    }
    for problem in &found.problems {
        line(problem.clone());
    }
}
