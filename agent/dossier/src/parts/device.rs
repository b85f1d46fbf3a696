//! What saw and sealed it: the device, the program, the models.

use forewarn_evidence::Opened;

use crate::html::Html;
use crate::words::Say;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened) {
    page.heading(say.pick("Device and models", "设备与模型"));
    page.raw("<table class=\"facts\">\n");
    if let Some(manifest) = &opened.manifest {
        page.row(say.pick("Program", "程序"), &format!("forewarn {}", manifest.agent_version));
        match &manifest.device {
            Some(device) => {
                page.code_row(say.pick("Device key (Ed25519)", "设备公钥 (Ed25519)"), &device.key.to_string())
            }
            None => page.row(say.pick("Device key", "设备公钥"), say.pick("none: it is unsigned", "无：没有签名")),
        };
        if let Some(place) = &manifest.chain {
            page.row(say.pick("Seal number", "封存编号"), &place.number.to_string());
        }
    }
    if let Some(sha256) = &opened.manifest_sha256 {
        page.code_row(say.pick("sha256 of manifest.json", "manifest.json 的 sha256"), sha256);
    }
    if let Some(setting) = &opened.setting {
        for model in &setting.models {
            let unpinned = say.pick("no hash was pinned", "未固定哈希值");
            let name = format!("{} ({})", model.card, model.what);
            page.code_row(&name, model.sha256.as_deref().unwrap_or(unpinned));
        }
    } else {
        let words = "The bundle does not say which models looked: it was made before bundles did.";
        page.row(say.pick("Models", "模型"), say.pick(words, "证据包未注明所用模型：由较早版本生成。"));
    }
    page.raw("</table>\n");
}
