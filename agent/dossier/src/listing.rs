//! Bundles listed and shown in a terminal.

use forewarn_domain::violation::Language;
use forewarn_evidence::{Listed, Shown};

use crate::words::Say;

/// One line of a bundle.
pub fn listed(one: &Listed, language: Language) -> String {
    if language == Language::En {
        return one.to_string();
    }
    let state = one.state.map_or("未知", |state| Say(language).state(state));
    let seal = match (one.is_sealed, one.seal) {
        (_, Some(number)) => format!("封存 {number}"),
        (true, None) => "未签名".to_owned(),
        (false, None) => "未封存".to_owned(),
    };
    let held = if one.is_held { "，已保留" } else { "" };
    let began_at = one.began_at.as_deref().unwrap_or("-");
    format!("{began_at}  {}  {state}，{seal}，{} 字节{held}", one.folder, one.bytes)
}

/// What a bundle holds: its incident step by step with the warnings, and its files.
pub fn shown(bundle: &Shown, language: Language) -> String {
    if language == Language::En {
        return bundle.to_string();
    }
    let say = Say(language);
    let mut text = format!("{}\n", listed(&bundle.listed, language));
    let mut line = |told: String| text.extend(["  ", &told, "\n"]);
    if let Some(record) = &bundle.record {
        let rule = &record.incident.rule;
        let title = bundle.title(language).unwrap_or_default();
        line(format!("{title}：{}，摄像机 {}，区域 {}", rule.violation, rule.stream, rule.zone));
        for (n, step) in record.history.iter().enumerate() {
            let at = step.at.utc.clone().unwrap_or_else(|| format!("{:.1} 秒", step.at.seconds));
            line(format!("{at}  {}（{}）", say.state(step.state), say.cause(step.cause)));
            for tried in record.incident.history.get(n).iter().flat_map(|step| &step.tried) {
                line(format!("  {}", say.tried(tried)));
            }
        }
    }
    if let Some(manifest) = &bundle.manifest {
        for entry in &manifest.files {
            line(format!("{}，{} 字节", entry.file, entry.bytes));
        }
        for gap in &manifest.missing {
            line(format!("注明缺少：{}：{}", say.lacking(&gap.what), say.why(&gap.why)));
        }
    }
    text
}
