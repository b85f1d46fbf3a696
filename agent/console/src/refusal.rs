//! Why something is refused, as an answer.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::access::{AccountError, OpenError, SignInError, TokenError};
use crate::store::IndexError;

/// An answer that is none: its status, and why for people.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    why: String,
    wait_s: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into(), wait_s: None }
    }

    /// What was asked for is not there.
    pub(crate) fn nothing(why: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, why)
    }

    /// What was asked for cannot be.
    pub(crate) fn wrong(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }

    /// It failed here.
    pub(crate) fn failed(why: impl std::fmt::Display) -> Self {
        tracing::error!("the console: {why}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, why.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut answer = (self.status, Json(json!({ "error": self.why }))).into_response();
        if let Some(wait_s) = self.wait_s {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        answer
    }
}

impl From<IndexError> for Refusal {
    fn from(error: IndexError) -> Self {
        Self::failed(error)
    }
}

impl From<StatusCode> for Refusal {
    fn from(status: StatusCode) -> Self {
        Self::new(status, "the page could not be made; the agent's log says why")
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::File { .. } | AccountError::Damaged { .. } => Self::failed(error),
            AccountError::Unknown(_) => Self::nothing(error.to_string()),
            AccountError::Taken(_) | AccountError::LastAdmin(_) | AccountError::TooMany => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            AccountError::Name | AccountError::Password(_) => Self::wrong(error.to_string()),
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::File { .. } | TokenError::Damaged { .. } => Self::failed(error),
            TokenError::Unknown(_) => Self::nothing(error.to_string()),
            TokenError::Taken(_) | TokenError::TooMany => Self::new(StatusCode::CONFLICT, error.to_string()),
            TokenError::Name | TokenError::NoScope | TokenError::Days => Self::wrong(error.to_string()),
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
        let why = error.to_string();
        match error {
            SignInError::Account(error) => error.into(),
            SignInError::Wrong | SignInError::Link => Self::new(StatusCode::UNAUTHORIZED, why),
            SignInError::Wait(wait) => {
                Self { wait_s: Some(wait.as_secs() + 1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, why) }
            }
        }
    }
}
