//! `/api/v1/push`: browsers and phones that are told by Web Push, signed up by whoever holds them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use forewarn_base::hash::sha256_of_bytes;
use forewarn_report::push::{Phone, PhoneError, Phones};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{OPERATOR, Page, ask, page};
use crate::access::{Role, Session};
use crate::act::Act;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::refusal::Refusal;

/// Letters of the name by which a phone is signed off.
const ID_LETTERS: usize = 16;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/push", OPERATOR, get(list)),
        page(Method::POST, "/api/v1/push/{name}", OPERATOR, post(add)),
        page(Method::DELETE, "/api/v1/push/{name}/{id}", OPERATOR, delete(remove)),
    ]
}

/// The phones of all accounts.
pub(super) fn phones(context: &Context) -> Phones {
    Phones::at(&context.setup.places.web_push)
}

fn id_of(phone: &Phone) -> String {
    let mut id = sha256_of_bytes(phone.endpoint.as_bytes());
    id.truncate(ID_LETTERS);
    id
}

/// One's own, and for an administrator everybody's.
fn may(session: &Session, phone: &Phone) -> bool {
    session.role == Role::Admin || phone.by == session.name
}

async fn list(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Value>, Refusal> {
    ask(move || {
        let all = phones(&context).all().map_err(refused)?;
        let (key, all) = all.map_or((None, None), |(key, all)| (Some(key), Some(all)));
        let told = all.into_iter().flatten().map(|(name, phones)| {
            let own = phones
                .iter()
                .filter(|phone| may(&session, phone))
                .map(|phone| json!({ "id": id_of(phone), "by": phone.by, "service": phone.service() }));
            json!({ "name": name, "phones": own.collect::<Vec<_>>() })
        });
        Ok(Json(json!({ "key": key, "recipients": told.collect::<Vec<_>>() })))
    })
    .await?
}

/// A subscription as browsers write it.
#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

async fn add(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
    Json(Subscription { endpoint, keys }): Json<Subscription>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    if !session.cameras.is_all() {
        let why = both!(
            "messages are about the whole site, and this account is limited to cameras",
            "推送涉及整个站点，而此账户仅限部分摄像机"
        );
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    ask(move || {
        let phone = Phone { endpoint, p256dh: keys.p256dh, auth: keys.auth, by: session.name.clone() };
        let id = id_of(&phone);
        phones(&context).add(&name, phone).map_err(refused)?;
        context.note(Some(&session.name), Act::SignedPhoneUp, Some(&name), None);
        Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
    })
    .await?
}

async fn remove(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        let is_it = |upstream: &str, phone: &Phone| upstream == name && id_of(phone) == id && may(&session, phone);
        if phones(&context).remove(is_it).map_err(refused)? == 0 {
            return Err(Refusal::nothing(both!("there is no such phone", "没有此手机")));
        }
        context.note(Some(&session.name), Act::SignedPhoneOff, Some(&name), None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

fn refused(error: PhoneError) -> Refusal {
    let told = |zh: &'static str| Bilingual { en: error.to_string().into(), zh: zh.into() };
    match &error {
        PhoneError::Unknown(_) => Refusal::nothing(told("没有此推送接收者，请在站点文件的 `[upstream]` 下添加")),
        PhoneError::Endpoint => Refusal::wrong(told("推送服务地址有误")),
        PhoneError::Keys => Refusal::wrong(told("订阅密钥有误，请重新登记")),
        PhoneError::TooMany => Refusal::conflict(told("手机数量已达上限，请先取消一部")),
        PhoneError::File { .. } => Refusal::failed(error),
    }
}
