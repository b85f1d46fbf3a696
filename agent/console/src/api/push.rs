//! `/api/v1/push`: browsers and phones that are told by Web Push, signed up by whoever holds them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use forewarn_base::hash::sha256_of_bytes;
use forewarn_report::push::{Phone, PhoneError, Phones};
use serde::{Deserialize, Serialize};

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

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, add, remove))]
pub(super) struct Described;

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

/// A phone or browser that is told.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Phone))]
#[derive(Serialize)]
struct PhoneTold {
    id: String,
    by: String,
    /// Whose service it is told by; null where its address names none.
    service: Option<String>,
}

/// A recipient of Web Push.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Recipient {
    name: String,
    phones: Vec<PhoneTold>,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Recipients {
    /// The site's public key; null before there is a recipient.
    #[cfg_attr(test, schema(required))]
    key: Option<String>,
    recipients: Vec<Recipient>,
}

/// By which it is signed off.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct SignedUp {
    id: String,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/push",
    summary = "The recipients of Web Push, with one's own phones; everybody's for an administrator",
    responses((status = 200, description = "Recipients, and the site's public key; null before there is a recipient", body = Recipients))
))]
async fn list(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Recipients>, Refusal> {
    ask(move || {
        let all = phones(&context).all().map_err(refused)?;
        let (key, all) = all.map_or((None, None), |(key, all)| (Some(key), Some(all)));
        let told = all.into_iter().flatten().map(|(name, phones)| {
            let own = phones.iter().filter(|phone| may(&session, phone)).map(|phone| PhoneTold {
                id: id_of(phone),
                by: phone.by.clone(),
                service: phone.service(),
            });
            Recipient { name, phones: own.collect() }
        });
        Ok(Json(Recipients { key, recipients: told.collect() }))
    })
    .await?
}

/// A subscription as browsers write it.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    keys: Keys,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/push/{name}",
    summary = "Sign this browser or phone up",
    request_body = Subscription,
    responses((status = 201, description = "It is told from now on", body = SignedUp))
))]
async fn add(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
    Json(Subscription { endpoint, keys }): Json<Subscription>,
) -> Result<(StatusCode, Json<SignedUp>), Refusal> {
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
        Ok((StatusCode::CREATED, Json(SignedUp { id })))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/push/{name}/{id}",
    summary = "Sign a browser or phone off",
    responses((status = 204, description = "It is told no more"))
))]
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
