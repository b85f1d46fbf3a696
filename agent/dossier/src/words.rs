//! What the page says, in both languages side by side, so that none can lack a sentence.

use std::borrow::Cow;

use forewarn_domain::violation::Language;
use forewarn_domain::{Cause, FailureKind, IncidentState, Moment, Proof, Receipt, Tried, Verdict};
use forewarn_evidence::{ClockState, Lack, Synchronised};

/// Says things in the language of the page.
#[derive(Debug, Clone, Copy)]
pub struct Say(pub Language);

impl Say {
    /// The sentence in the language of the page.
    pub fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self.0 {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// The state of an incident.
    pub fn state(self, state: IncidentState) -> &'static str {
        use IncidentState as S;
        let (en, zh) = match state {
            S::Suspected => ("suspected", "疑似"),
            S::Confirmed => ("confirmed", "已确认"),
            S::Warned => ("warned", "已警告"),
            S::Observing => ("observing", "观察中"),
            S::Persisted => ("persisted", "警告后仍持续"),
            S::Complied => ("complied", "已听从"),
            S::Escalated => ("escalated", "已上报处理"),
            S::Lost => ("lost from sight", "目标丢失"),
            S::Over => ("over", "已过去"),
            S::Closed => ("closed", "已结束"),
        };
        self.pick(en, zh)
    }

    pub(crate) fn cause(self, cause: Cause) -> &'static str {
        use Cause as C;
        let (en, zh) = match cause {
            C::ConditionHeld => ("the condition began to hold", "违规条件开始成立"),
            C::HeldLongEnough => ("it held for long enough", "持续时间已达到规定"),
            C::NotConfirmed => ("it ceased before it was confirmed", "确认之前已停止"),
            C::WarningSent => ("a warning was sent to the loudspeaker", "警告已发送到扬声器"),
            C::PlaybackProven => ("the warning was played", "警告已播放"),
            C::CoveredByRecentWarning => {
                ("an announcement of the same kind was heard here a moment ago", "此处刚播放过同类警告")
            }
            C::WarningNotDelivered => ("no loudspeaker played the warning", "没有扬声器播放该警告"),
            C::QuietHours => ("quiet hours forbid announcements", "静默时段内不播放警告"),
            C::NoWarningConfigured => ("no warning or no loudspeaker is configured", "未配置警告或扬声器"),
            C::StillViolating => ("it still went on when the observation ran out", "观察期结束时违规仍在继续"),
            C::SeenComplying => ("the subject is seen and no longer violates", "目标可见且不再违规"),
            C::NoLongerJudged => ("there is nothing to be told any more", "事情已过去，或规则的时段已结束"),
            C::NoLongerSeen => ("the subject left; its place is in clear view", "目标已离开，其位置清晰可见"),
            C::WarningsUsedUp => ("all warnings were given", "所有警告均已发出"),
            C::ToldToEscalate => ("somebody wanted people to be told at once", "人工要求立即通知人员"),
            C::OutOfSight => ("nothing was seen of the place for too long", "该位置长时间不可见"),
            C::StreamInterrupted => ("the video was interrupted for too long", "视频中断过久"),
            C::Settled => ("the time for the last evidence is over", "最后取证时间已结束"),
        };
        self.pick(en, zh)
    }

    /// What kind of proof of playback there is.
    pub(crate) fn proof(self, proof: Option<Proof>) -> &'static str {
        let (en, zh) = match proof {
            None => ("nothing is said of it", "未作说明"),
            Some(Proof::Assumed) => (
                "assumed: a replay has no loudspeaker and counts on the length of the text",
                "推定：回放没有扬声器，按文本长度估算",
            ),
            Some(Proof::Written) => ("a sound file was written in place of a loudspeaker", "以写入音频文件代替扬声器"),
            Some(Proof::Sent) => {
                ("every packet left the box; the far end did not answer", "全部数据包已发出；对端未作答复")
            }
            Some(Proof::Rendered) => ("the box's own sound card took the last sample", "本机声卡已接收最后一个采样"),
            Some(Proof::Acknowledged) => ("the device itself said that it played it", "设备自身确认已播放"),
            Some(Proof::Heard) => ("a microphone heard it", "麦克风已听到播放"),
        };
        self.pick(en, zh)
    }

    /// A loudspeaker that was tried, with what shows what came of it.
    pub(crate) fn tried(self, tried: &Tried) -> String {
        let lasted = tried.lasted_ms.map(|ms| format!("{:.1} {}", ms as f64 / 1000.0, self.pick("s", "秒")));
        let failed = tried.failed.map(|kind| self.failure(kind).to_owned());
        let Receipt { kind, sent, answer } = &tried.receipt;
        let answer = answer.as_ref().map(|answer| format!("{}{answer}", self.pick("answered ", "答复：")));
        let known = [failed, lasted, Some(kind.clone()), Some(sent.clone()), answer, tried.why.clone()];
        let parts: Vec<String> = known.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        format!("{}: {}", tried.speaker, parts.join("; "))
    }

    fn failure(self, kind: FailureKind) -> &'static str {
        use FailureKind as F;
        let (en, zh) = match kind {
            F::Unreachable => ("it was not reached", "无法连接"),
            F::Refused => ("it refused", "设备拒绝"),
            F::Busy => ("it was busy", "设备正忙"),
            F::TimedOut => ("it did not end in time", "超时"),
            F::Speech => ("no speech could be made", "无法合成语音"),
            F::SoundFile => ("the sound file could not be read", "无法读取音频文件"),
            F::DeviceLost => ("there is no such device", "设备不存在或已断开"),
            F::Broken => ("playing broke off", "播放中断"),
            F::Stopped => ("the agent stopped", "程序已停止"),
            F::QueueFull => ("too many announcements waited", "等待的播报过多"),
            F::Misconfigured => ("it is set up wrongly", "配置有误"),
            F::OutOfRange => ("the subject was too far away to hear it", "对象距离太远，无法听到"),
            F::Cut => ("it was cut for something more urgent", "被更紧急的播报打断"),
        };
        self.pick(en, zh)
    }

    pub(crate) fn moment(self, moment: Moment) -> &'static str {
        let (en, zh) = match moment {
            Moment::Confirmed => ("When it was confirmed", "确认时"),
            Moment::AfterWarning => ("After the warning", "警告之后"),
            Moment::Ended => ("At the end", "结束时"),
        };
        self.pick(en, zh)
    }

    pub(crate) fn verdict(self, verdict: Verdict) -> &'static str {
        let (en, zh) = match verdict {
            Verdict::Yes => ("yes", "是"),
            Verdict::No => ("no", "否"),
            Verdict::CannotTell => ("cannot be told", "无法判断"),
        };
        self.pick(en, zh)
    }

    /// How far the clock could be believed, and how it was last set.
    pub(crate) fn clock(self, clock: Option<&ClockState>, civil: impl Fn(&str) -> String) -> String {
        let Some(clock) = clock else {
            return self.pick("nothing is said of the clock", "未说明时钟状态").to_owned();
        };
        let synchronised = match clock.synchronised {
            Synchronised::Yes => self.pick("synchronised", "已同步"),
            Synchronised::No => {
                self.pick("NOT synchronised: the times are the box's own word", "未同步：时间仅为设备自身所述")
            }
            Synchronised::Unknown => self.pick("nobody could tell whether it was synchronised", "无法得知是否同步"),
        };
        let step = match &clock.last_step {
            None => self.pick("the agent knows of no time when it was set", "未发现时钟被调整").to_owned(),
            Some(step) => {
                let (by, at) = (format!("{:.3} s", step.by_s.abs()), civil(&step.at));
                let is_back = step.by_s < 0.0;
                match self.0 {
                    Language::En => format!("last set {} by {by}, at {at}", if is_back { "back" } else { "forward" }),
                    Language::Zh => format!("最近一次于 {at} 向{}调整 {by}", if is_back { "后" } else { "前" }),
                }
            }
        };
        format!("{synchronised}{}{step}", self.pick("; ", "；"))
    }

    /// Why something lacks, as the agent wrote it into the bundle; what is not known is told as it stands.
    pub(crate) fn why(self, why: &str) -> Cow<'_, str> {
        use Lack as L;
        let Some(lack) = Lack::of(why).filter(|_| self.0 == Language::Zh) else { return Cow::Borrowed(why) };
        Cow::Borrowed(match lack {
            L::GoesOn => "封存时事件仍在继续",
            L::NoFrame => "未保存该时刻的画面",
            L::NoClip => "未保存该时刻的录像",
            L::Gone => "曾经保存，现已不在",
            L::NoFrameInTime => "当时没有可用画面",
            L::NoBestLook => "最清晰的画面已不可用",
            L::DiskTooSlow => "磁盘未能及时写入",
            L::NothingEncoded => "该视频流不保留编码视频",
            L::Stopped => "程序在保存之前已停止",
            L::StreamEnded => "视频流在片段结束之前已终止",
            L::Interrupted => "视频流中断",
            L::FormatChanged => "画面格式发生变化",
            L::TooLarge => "片段达到大小上限",
            L::EndedEarly => "程序已停止，或摄像机一直未恢复",
            L::Gap => "录像有一处间断",
            L::Gaps(gaps) => return Cow::Owned(format!("录像有 {gaps} 处间断")),
            L::Late(late) => return Cow::Owned(format!("之前的录像未保留，片段晚 {late} 秒开始")),
            L::NoVideo(from, to) => {
                return Cow::Owned(format!("{from} 至 {to} 之间没有保留录像；视频流中断，或缓冲过短"));
            }
        })
    }

    /// What lacks: a file by its name, or a part of one.
    pub(crate) fn lacking(self, what: &str) -> Cow<'_, str> {
        match (self.0, what.strip_prefix("part of ")) {
            (Language::Zh, Some(file)) => Cow::Owned(format!("{file} 的一部分")),
            (Language::Zh, None) if what == "the end of the incident" => Cow::Borrowed("事件的结尾"),
            _ => Cow::Borrowed(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_is_told_in_chinese_with_its_figures() {
        let say = Say(Language::Zh);
        let late = "the video before was not kept; the clip begins 2.4 s late";
        assert_eq!(say.why(late), "之前的录像未保留，片段晚 2.4 秒开始");
        let away = "no video was kept between 3.0 and 9.5; the stream was away or the ring is too short";
        assert_eq!(say.why(away), "3.0 至 9.5 之间没有保留录像；视频流中断，或缓冲过短");
        assert_eq!(say.lacking("part of ended.mp4"), "ended.mp4 的一部分");
        assert_eq!(Say(Language::En).why(late), late);
        assert_eq!(say.why("what a disk said"), "what a disk said");
    }
}
