//! What does not hold, in the language of the page.

use forewarn_domain::violation::Language;
use forewarn_evidence::{ChainProblem, Flaw, Opened, Problem, Unheld, VerifyError};

use crate::words::Say;

/// Every problem, as a sentence.
pub(super) fn of(say: Say, opened: &Opened) -> Vec<String> {
    let of_bundle: Vec<String> = match &opened.verified {
        Ok(found) => found.problems.iter().map(|problem| in_words(say, problem)).collect(),
        // A copy is sealed by another paper, of which its verdict speaks.
        Err(_) if opened.copy.is_some() => Vec::new(),
        Err(error) => vec![unverified(say, error)],
    };
    let of_chain = opened.chain.iter().flat_map(|chain| &chain.problems).map(|problem| chain(say, problem));
    of_bundle.into_iter().chain(of_chain).collect()
}

pub(crate) fn unverified(say: Say, error: &VerifyError) -> String {
    match (say.0, error) {
        (Language::En, _) => error.to_string(),
        (Language::Zh, VerifyError::Unsealed { .. }) => "没有 manifest.json：事件尚未封存，或清单已被移除".to_owned(),
        (Language::Zh, VerifyError::Absent { path }) => format!("{} 不存在", path.display()),
        (Language::Zh, VerifyError::Damaged { why, .. }) => format!("manifest.json 已损坏：{why}"),
        (Language::Zh, VerifyError::Unreadable { path, source }) => format!("无法读取 {}：{source}", path.display()),
    }
}

pub(crate) fn in_words(say: Say, problem: &Problem) -> String {
    if say.0 == Language::En {
        return problem.to_string();
    }
    match problem {
        Problem::Gone { file } => format!("{file}：文件缺失"),
        Problem::Changed { file, sealed, found } => format!(
            "{file}：已被改动：封存时 {} 字节，sha256 {}；现在 {} 字节，sha256 {}",
            sealed.bytes, sealed.sha256, found.bytes, found.sha256
        ),
        Problem::Extra { file } => format!("{file}：清单中没有此文件"),
        Problem::NotAFile { file } => format!("{file}：不是此文件夹内的普通文件"),
        Problem::Credentials { file, why } => format!("{file}：内容凭证不成立：{}", unheld(*why)),
        Problem::Stamp { file, why } => format!("{file}：时间戳无效（{why}）"),
        Problem::Unproven(flaw) => match flaw {
            Flaw::Gone => "manifest.sig 缺失：清单注明了签名者，却没有签名".to_owned(),
            Flaw::Wrong { key } => {
                format!("manifest.sig 不是清单所注明密钥 {key} 对此 manifest.json 的签名：二者之一被改动，或由他人签名")
            }
            Flaw::OtherCertificate { key, why } => format!("signer.pem 不是签名密钥 {key} 的证书：{why}"),
            Flaw::NotTrusted { key, why } => format!("签名密钥 {key} 没有您信任的一方担保：{why}"),
            Flaw::Unsigned => "manifest.json 没有签名，没有您信任的一方为其担保".to_owned(),
            Flaw::Earlier { number, why } => format!("较早的第 {number} 号封存不成立：{why}"),
        },
    }
}

fn unheld(why: Unheld) -> &'static str {
    match why {
        Unheld::Unread => "已损坏，或由其他程序写入",
        Unheld::Signature => "签名与其声明不符",
        Unheld::Assertions => "其内容在签名后被改动",
        Unheld::File => "属于另一文件，或该文件此后被改动",
    }
}

pub(crate) fn chain(say: Say, problem: &ChainProblem) -> String {
    use ChainProblem as P;
    if say.0 == Language::En {
        return problem.to_string();
    }
    match problem {
        P::Missing { from, to } => format!("证据链第 {from} 至 {to} 环缺失：所封存内容已被取走，设备并未说明曾删除"),
        P::CutOff { from, to } => format!("证据链末端被截断：缺少第 {from} 至 {to} 环"),
        P::HeadPutBack { head, last } => format!("证据链的链头被倒退：链头为 {head}，而第 {last} 环存在"),
        P::OtherHead { number, lies_in } => format!("{lies_in}：第 {number} 环不是链头所指的那一环"),
        P::Doubled { number, places: [a, b] } => format!("第 {number} 环出现两次：{a} 与 {b}"),
        P::Forked { number, places: [a, b] } => format!("两个不同的环使用同一编号 {number}：{a} 与 {b}"),
        P::OutOfOrder { number, lies_in } => format!("{lies_in}：第 {number} 环与其前一环不相接"),
        P::OtherEarlier { number, lies_in, earlier } => {
            format!("{lies_in}：第 {number} 环所取代的第 {earlier} 环与现存的不同")
        }
        P::OtherKey { number, lies_in, key, expected } => {
            format!("{lies_in}：第 {number} 环由另一密钥 {key} 签名；证据链的密钥为 {expected}，从未移交给它")
        }
        P::DeletedUnderHold { number, incident, held_by } => {
            format!("第 {number} 环：{incident} 的证据自第 {held_by} 环起被保全且未解除，却被删除")
        }
    }
}
