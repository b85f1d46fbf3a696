//! Robots in groups of DingTalk and of WeCom: Markdown over HTTP, of which an answer with status 200 is no delivery yet.
//!
//! Both take twenty messages a minute; what is more comes in one message that tells of all. Described for operators in
//! `docs/recipients/dingtalk.md` and `docs/recipients/wecom.md`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_base::http::{Answer, Ask};
use forewarn_base::secret::Secret;
use forewarn_base::setting::SettingError;
use forewarn_domain::WallTime;
use ring::hmac;
use serde::Deserialize;
use url::Url;

use super::Start;
use super::http::table::http_table;
use super::http::{Recipient, Verdict, of_status};
use super::pattern::Pattern;
use super::people::{People, cut};
use super::settings::{AdapterSettings, Surroundings, Usual};
use crate::outbox::QueuedReport;

/// The longest text of WeCom. Source: <https://developer.work.weixin.qq.com/document/path/99110>.
const MOST_WECOM_BYTES: usize = 4096;
/// The longest text of DingTalk, well below what it takes.
const MOST_DINGTALK_BYTES: usize = 16_000;
/// DingTalk lets nobody say anything for so long who said too much. Source:
/// <https://open.dingtalk.com/document/robots/custom-robot-access>.
const DINGTALK_PEACE: Duration = Duration::from_mins(10);
/// WeCom counts a minute.
const WECOM_PEACE: Duration = Duration::from_mins(1);

http_table! {
    /// A robot of DingTalk as the site file describes it.
    pub struct DingTalkConfig {
        /// A file whose first line is the access token and, after a blank, the secret that signs, `SEC…`.
        secret;
        /// The address of the picture that is shown, with `{bundle}`, `{incident}` and `{camera}`.
        #[serde(default)]
        pub picture_url: Option<String>,
    }
}

http_table! {
    /// A robot of WeCom as the site file describes it.
    pub struct WeComConfig {
        /// A file whose first line is the robot's key.
        secret;
        /// The address of the picture that is linked, with `{bundle}`, `{incident}` and `{camera}`.
        #[serde(default)]
        pub picture_url: Option<String>,
    }
}

/// What the secret of a robot is, said where there is none.
fn missing(what: &'static str) -> SettingError {
    SettingError::value("password_file", format!("{what} is missing"), "put it into a file, and name that here")
}

impl AdapterSettings for DingTalkConfig {
    fn usual(&self) -> Usual {
        Usual::PEOPLE
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let keys = self.http();
        let secret = keys.secret(around)?.ok_or_else(|| missing("the access token of the robot"))?;
        let mut words = secret.expose().split_whitespace();
        let token = Secret::new(words.next().unwrap_or_default());
        let signs = words.next().map(Secret::new);
        if signs.as_ref().is_some_and(|secret| !secret.expose().starts_with("SEC")) {
            let mend = "write the access token, a blank and the secret, SEC…";
            return Err(SettingError::value(keys.secret_key(), "what follows the token is no secret of a robot", mend));
        }
        let robot = DingTalk {
            url: keys.address()?,
            token,
            signs,
            picture_at: Pattern::of_picture(self.picture_url.as_deref())?,
            people: Arc::clone(around.people),
        };
        Ok(Arc::new(keys.open("robot of DingTalk at", robot, around)?))
    }
}

impl AdapterSettings for WeComConfig {
    fn usual(&self) -> Usual {
        Usual::PEOPLE
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let keys = self.http();
        let key = keys.secret(around)?.ok_or_else(|| missing("the key of the robot"))?;
        let robot = WeCom {
            url: keys.address()?,
            key,
            picture_at: Pattern::of_picture(self.picture_url.as_deref())?,
            people: Arc::clone(around.people),
        };
        Ok(Arc::new(keys.open("robot of WeCom at", robot, around)?))
    }
}

/// Says reports in a group of DingTalk.
#[derive(Clone)]
pub struct DingTalk {
    url: Url,
    token: Secret,
    signs: Option<Secret>,
    picture_at: Option<Pattern>,
    people: Arc<People>,
}

/// Says reports in a group of WeCom.
#[derive(Clone)]
pub struct WeCom {
    url: Url,
    key: Secret,
    picture_at: Option<Pattern>,
    people: Arc<People>,
}

impl fmt::Debug for DingTalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DingTalk").field("is_signed", &self.signs.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for WeCom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeCom")
    }
}

impl Recipient for DingTalk {
    const MAX_PER_MINUTE: Option<u32> = Some(20);
    const CAN_JOIN: bool = true;

    fn ask(&self, reports: &[QueuedReport], sent_at: WallTime) -> Ask {
        let note = self.people.note(reports);
        let mut text = format!("### {}\n\n", note.title);
        text.extend(note.lines.iter().map(|line| format!("- {line}\n")));
        let mut text = cut(&text, MOST_DINGTALK_BYTES).to_owned();
        if let (Some(pattern), [one]) = (&self.picture_at, reports) {
            text.extend(["\n![](", &pattern.of(&one.report), ")\n"]);
        }
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("access_token", self.token.expose());
        if let Some(secret) = &self.signs {
            let at_ms = sent_at.as_micros().div_euclid(1000);
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
            let tag = hmac::sign(&key, format!("{at_ms}\n{}", secret.expose()).as_bytes());
            url.query_pairs_mut()
                .append_pair("timestamp", &at_ms.to_string())
                .append_pair("sign", &STANDARD.encode(tag));
        }
        let body = serde_json::json!({ "msgtype": "markdown", "markdown": { "title": note.title, "text": text } });
        Ask::post(url, "application/json; charset=utf-8", body.to_string())
    }

    fn read(&self, answer: &Answer) -> Verdict {
        read(answer, |code| match code {
            130_101 | 410_100 => Some(("it gets more than twenty messages a minute", Some(DINGTALK_PEACE))),
            300_001 | 400_101 | 400_106 => Some(("it knows no such robot; check the access token", None)),
            310_000 => Some(("its security settings refuse this box: check secret, keywords and addresses", None)),
            400_013 => Some(("the group is dissolved; make another robot", None)),
            400_102 => Some(("the robot is switched off; switch it on", None)),
            _ => None,
        })
    }
}

impl Recipient for WeCom {
    const MAX_PER_MINUTE: Option<u32> = Some(20);
    const CAN_JOIN: bool = true;

    fn ask(&self, reports: &[QueuedReport], _: WallTime) -> Ask {
        let note = self.people.note(reports);
        let link = match (&self.picture_at, reports) {
            (Some(pattern), [one]) => format!("\n[{}]({})", "▶", pattern.of(&one.report)),
            _ => String::new(),
        };
        let mut content = format!("**{}**", note.title);
        content.extend(note.lines.iter().map(|line| format!("\n>{line}")));
        let content = cut(&content, MOST_WECOM_BYTES.saturating_sub(link.len())).to_owned() + &link;
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("key", self.key.expose());
        let body = serde_json::json!({ "msgtype": "markdown", "markdown": { "content": content } });
        Ask::post(url, "application/json; charset=utf-8", body.to_string())
    }

    fn read(&self, answer: &Answer) -> Verdict {
        read(answer, |code| match code {
            45_009 | 45_033 => Some(("it gets more than twenty messages a minute", Some(WECOM_PEACE))),
            93_000 => Some(("it knows no such robot, or it was removed from its group; check the key", None)),
            93_004 => Some(("the robot is switched off; switch it on", None)),
            93_008 => Some(("the robot is not in the group any more; add it again", None)),
            _ => None,
        })
    }
}

/// What both answer.
#[derive(Deserialize)]
struct Told {
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

/// Only `errcode` 0 is a delivery. What a number means in words, and how long to wait, is the kind's.
fn read(answer: &Answer, words: impl Fn(i64) -> Option<(&'static str, Option<Duration>)>) -> Verdict {
    if !(200..300).contains(&answer.status) {
        return of_status(answer);
    }
    let Ok(Told { errcode, errmsg }) = serde_json::from_slice(&answer.body) else {
        return Verdict::later("what answers there is no robot; check `url`");
    };
    let errmsg: String = errmsg.chars().filter(|c| !c.is_control()).take(200).collect();
    match (errcode, words(errcode)) {
        (0, _) => Verdict::Delivered,
        (_, Some((words, after))) => Verdict::Later { why: format!("error {errcode}, {words}: \"{errmsg}\""), after },
        // Of the message itself: its form, its length, words or links that are not allowed.
        (40_008 | 40_035 | 40_058 | 400_105 | 430_101..=430_104 | 460_101, None) => {
            Verdict::Never(format!("error {errcode}, it does not take this message: \"{errmsg}\""))
        }
        (_, None) => Verdict::later(format!("error {errcode}: \"{errmsg}\"")),
    }
}
