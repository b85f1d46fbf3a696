//! What is done in the console, as its audit log names it: one word of English in the file, both languages on the page.

use forewarn_evidence::Deed;

/// Something that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Evidence was looked at or taken out.
    Evidence(Deed),
    SetUp,
    SignedIn,
    FailedToSignIn,
    SignedOut,
    Judged,
    ToldCase,
    AnsweredByLink,
    Held,
    Released,
    Suppressed,
    EndedSuppression,
    MadeAccount,
    LimitedAccount,
    DeletedAccount,
    ChangedPassword,
    SetUpTotp,
    RemovedTotp,
    MadeToken,
    DeletedToken,
    SignedPhoneUp,
    SignedPhoneOff,
    Drew,
    AddedCamera,
    AddedSpeaker,
    AddedRule,
    RemovedRule,
    Rehearsed,
    ChoseSpeakers,
    TookBack,
    Spoke,
    Played,
    Talked,
}

impl Act {
    #[rustfmt::skip]
    const ALL: [Self; 36] = [
        Self::Evidence(Deed::Shown), Self::Evidence(Deed::Exported), Self::Evidence(Deed::Reported), Self::Evidence(Deed::Replayed),
        Self::SetUp, Self::SignedIn, Self::FailedToSignIn, Self::SignedOut, Self::Judged, Self::ToldCase, Self::AnsweredByLink, Self::Held,
        Self::Released, Self::Suppressed, Self::EndedSuppression, Self::MadeAccount, Self::LimitedAccount, Self::DeletedAccount,
        Self::ChangedPassword, Self::SetUpTotp, Self::RemovedTotp, Self::MadeToken, Self::DeletedToken, Self::SignedPhoneUp, Self::SignedPhoneOff, Self::Drew, Self::AddedCamera, Self::AddedSpeaker, Self::AddedRule,
        Self::RemovedRule, Self::Rehearsed, Self::ChoseSpeakers, Self::TookBack, Self::Spoke, Self::Played, Self::Talked,
    ];

    /// As it stands in the file.
    pub(crate) fn as_str(self) -> &'static str {
        self.words().0
    }

    /// What the page shows in Chinese for a word of the file; the word itself where an older or newer agent wrote it.
    pub(crate) fn in_chinese(word: &str) -> &str {
        Self::ALL.into_iter().map(Self::words).find(|(en, _)| *en == word).map_or(word, |(_, zh)| zh)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Evidence(deed) => {
                let zh = match deed {
                    Deed::Shown => "查看",
                    Deed::Exported => "导出",
                    Deed::Reported => "生成报告",
                    Deed::Replayed => "重新判定",
                };
                (deed.as_str(), zh)
            }
            Self::SetUp => ("set the console up", "首次设置控制台"),
            Self::SignedIn => ("signed in", "登录"),
            Self::FailedToSignIn => ("failed to sign in", "登录失败"),
            Self::SignedOut => ("signed out", "退出登录"),
            Self::Judged => ("judged", "判断"),
            Self::ToldCase => ("told a step of the case", "登记处置步骤"),
            Self::AnsweredByLink => ("answered by a link", "通过链接答复"),
            Self::Held => ("held", "保全证据"),
            Self::Released => ("released", "解除保全"),
            Self::Suppressed => ("suppressed", "忽略对象"),
            Self::EndedSuppression => ("ended a suppression", "取消忽略"),
            Self::MadeAccount => ("made an account", "创建账户"),
            Self::LimitedAccount => ("chose the cameras of an account", "设置账户可访问的摄像机"),
            Self::DeletedAccount => ("deleted an account", "删除账户"),
            Self::ChangedPassword => ("changed a password", "修改密码"),
            Self::SetUpTotp => ("set an authenticator app up", "启用身份验证器"),
            Self::RemovedTotp => ("removed an authenticator app", "停用身份验证器"),
            Self::MadeToken => ("made a token", "创建令牌"),
            Self::DeletedToken => ("deleted a token", "删除令牌"),
            Self::SignedPhoneUp => ("signed a phone up", "登记手机推送"),
            Self::SignedPhoneOff => ("signed a phone off", "取消手机推送"),
            Self::Drew => ("drew", "绘制区域"),
            Self::AddedCamera => ("added a camera", "添加摄像机"),
            Self::AddedSpeaker => ("added a loudspeaker", "添加扬声器"),
            Self::AddedRule => ("added a rule", "添加规则"),
            Self::RemovedRule => ("removed a rule", "删除规则"),
            Self::Rehearsed => ("tried a change on footage", "用录像试运行更改"),
            Self::ChoseSpeakers => ("chose loudspeakers", "选择扬声器"),
            Self::Spoke => ("spoke over a loudspeaker", "喊话"),
            Self::Played => ("played something prepared", "播放预置内容"),
            Self::Talked => ("talked over a loudspeaker", "对讲喊话"),
            Self::TookBack => ("took the last change of the site file back", "撤回站点文件的上次更改"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_word_of_its_own_in_both_languages() {
        for act in Act::ALL {
            let zh = Act::in_chinese(act.as_str());
            assert!(!zh.is_ascii(), "{act:?}: {zh}");
            assert_eq!(Act::ALL.into_iter().filter(|other| other.as_str() == act.as_str()).count(), 1, "{act:?}");
        }
        assert_eq!(Act::in_chinese("danced"), "danced", "of a newer agent");
    }
}
