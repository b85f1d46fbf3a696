//! Why something is refused, as an answer in both languages.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::access::{AccountError, OpenError, PasswordError, ReachError, SignInError, TokenError};
use crate::bilingual::{Bilingual, both};
use crate::store::IndexError;

/// What the framework says of a request that it cannot read is no longer than this.
const LONGEST_BYTES: usize = 8 * 1024;

/// An answer that is none: its status, and why for people.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    why: Bilingual,
    wait_s: Option<u64>,
    /// A code of the authenticator app is what is missing.
    needs_code: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, why: Bilingual) -> Self {
        Self { status, why, wait_s: None, needs_code: false }
    }

    /// Why.
    pub(crate) fn why(&self) -> &Bilingual {
        &self.why
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What was asked for is not there.
    pub(crate) fn nothing(why: Bilingual) -> Self {
        Self::new(StatusCode::NOT_FOUND, why)
    }

    /// What was asked for cannot be.
    pub(crate) fn wrong(why: Bilingual) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }

    /// What was asked for does not go with what is there.
    pub(crate) fn conflict(why: Bilingual) -> Self {
        Self::new(StatusCode::CONFLICT, why)
    }

    /// It failed here.
    pub(crate) fn failed(why: impl std::fmt::Display) -> Self {
        tracing::error!("the console: {why}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Bilingual::quoted(why, "程序内部出错"))
    }
}

/// Why something is refused.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Refusal))]
#[derive(Serialize)]
pub(crate) struct Told {
    error: String,
    /// The same in Chinese.
    error_zh: String,
    /// A code of the authenticator app is what is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    needs_code: bool,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Bilingual { en, zh } = self.why;
        let told = Told { error: en.into_owned(), error_zh: zh.into_owned(), needs_code: self.needs_code };
        let mut answer = (self.status, Json(told)).into_response();
        if let Some(wait_s) = self.wait_s {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        answer
    }
}

/// Makes a refusal of what the framework itself refuses in plain text: a query, a path or a body that cannot be read, a method
/// that is none, a body that is too long.
pub(crate) async fn as_json(request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    let status = answer.status();
    let is_told =
        answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || is_told {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let said = to_bytes(body, LONGEST_BYTES).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let said = if said.is_empty() { status.canonical_reason().unwrap_or("refused").into() } else { said };
    let lead_zh = match status {
        StatusCode::METHOD_NOT_ALLOWED => "不支持此操作",
        StatusCode::PAYLOAD_TOO_LARGE => "请求内容过长",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "请求内容须为 JSON",
        _ if status.is_server_error() => "程序内部出错",
        _ => "请求格式有误",
    };
    let refusal = Refusal::new(status, Bilingual::quoted(said, lead_zh)).into_response();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(refusal.headers().clone());
    Response::from_parts(parts, Body::new(refusal.into_body()))
}

impl From<IndexError> for Refusal {
    fn from(error: IndexError) -> Self {
        Self::failed(error)
    }
}

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Self {
        let why = both!("the page could not be made; the agent's log says why", "无法生成内容，原因见程序日志");
        Self::new(status, why)
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Length => Self::wrong(Bilingual {
                en: error.to_string().into(),
                zh: "密码须为 12 至 256 个字符，几个词连在一起最好记".into(),
            }),
            PasswordError::Hash(_) => Self::failed(error),
        }
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        let en = error.to_string().into();
        let told = |zh: String| Bilingual { en, zh: zh.into() };
        match error {
            AccountError::File { .. } | AccountError::Damaged { .. } => Self::failed(error),
            AccountError::Unknown(name) => Self::nothing(told(format!("没有账户 {name}"))),
            AccountError::Taken(name) => Self::conflict(told(format!("账户 {name} 已存在"))),
            AccountError::LastAdmin(name) => Self::conflict(told(format!("{name} 是最后一个管理员，请先创建另一个"))),
            AccountError::TooMany => Self::conflict(told("账户数量已达上限，请先删除一个".to_owned())),
            AccountError::Name => Self::wrong(told(NAME_ZH.to_owned())),
            AccountError::Reach(error) => error.into(),
            AccountError::Password(error) => error.into(),
        }
    }
}

impl From<ReachError> for Refusal {
    fn from(error: ReachError) -> Self {
        let zh = match &error {
            ReachError::LimitedAdmin => "管理员可更改站点，因此可访问所有摄像机；如需限制请选择其他角色".to_owned(),
            ReachError::NoCamera => "请至少选择一台摄像机，或选择全部".to_owned(),
            ReachError::Unknown { camera, known } => format!("站点没有摄像机 {camera}，现有：{known}"),
        };
        Self::wrong(Bilingual { en: error.to_string().into(), zh: zh.into() })
    }
}

const NAME_ZH: &str = "名称由 1 至 64 个拉丁字母、数字、`.`、`-` 或 `_` 组成，以字母或数字开头";

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        let en = error.to_string().into();
        let told = |zh: String| Bilingual { en, zh: zh.into() };
        match error {
            TokenError::File { .. } | TokenError::Damaged { .. } => Self::failed(error),
            TokenError::Unknown(name) => Self::nothing(told(format!("没有令牌 {name}"))),
            TokenError::Taken(name) => Self::conflict(told(format!("令牌 {name} 已存在"))),
            TokenError::TooMany => Self::conflict(told("令牌数量已达上限，请先删除一个".to_owned())),
            TokenError::Name => Self::wrong(told(NAME_ZH.to_owned())),
            TokenError::Reach(error) => error.into(),
            TokenError::NoScope => Self::wrong(told("请指定令牌的权限，例如 `incidents:read`".to_owned())),
            TokenError::Days => Self::wrong(told("令牌有效期为 1 至 3650 天".to_owned())),
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Accounts(error) => error.into(),
            OpenError::Tokens(error) => error.into(),
        }
    }
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        let en = error.to_string().into();
        let told = |zh: String| Bilingual { en, zh: zh.into() };
        match error {
            SignInError::Account(error) => error.into(),
            SignInError::Wrong => Self::new(StatusCode::UNAUTHORIZED, told("用户名或密码错误".to_owned())),
            SignInError::NoCode => {
                let why = told("此账户还需要身份验证器应用显示的验证码".to_owned());
                Self { needs_code: true, ..Self::new(StatusCode::UNAUTHORIZED, why) }
            }
            SignInError::WrongCode => {
                let zh = "验证码错误、已使用或已过期；请等待下一个验证码，并检查手机和设备的时钟";
                Self { needs_code: true, ..Self::new(StatusCode::UNAUTHORIZED, told(zh.to_owned())) }
            }
            SignInError::Link => {
                let zh = "此链接已使用，或属于程序先前的一次启动；程序启动时会打印新的链接";
                Self::new(StatusCode::UNAUTHORIZED, told(zh.to_owned()))
            }
            SignInError::Wait(wait) => {
                let wait_s = wait.as_secs() + 1;
                let why = told(format!("失败次数过多，请在 {wait_s} 秒后重试"));
                Self { wait_s: Some(wait_s), ..Self::new(StatusCode::TOO_MANY_REQUESTS, why) }
            }
        }
    }
}
