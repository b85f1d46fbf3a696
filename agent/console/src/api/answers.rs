//! `/api/v1/answers`: what a phone says by a link of its message. Whoever has the link needs no account; it names what it is
//! for, works once and ends.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use forewarn_domain::CaseCommand;
use forewarn_domain::violation::Language;
use forewarn_memory::feedback::Opinion;
use forewarn_report::answers::{Answer, AnswerLink, LinkError, Links};
use serde::Serialize;

use super::{Page, ask, deeds, page};
use crate::act::Act;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::gate::Need;
use crate::health::words;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    const ANSWERS: &str = "/api/v1/answers/{token}";
    vec![page(Method::GET, ANSWERS, Need::Link, get(show)), page(Method::POST, ANSWERS, Need::Link, post(answer))]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(show, answer))]
pub(super) struct Described;

/// A page with one button: whatever looks at links before people do, such as a messenger, answers nothing by that.
const ASKS: &str = include_str!("answers.html");
/// The page has its own style, and sends its one form to where it came from.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/answers/{token}",
    summary = "A page with one button: what a link of a message is for",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
))]
async fn show(
    State(context): State<Arc<Context>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let shown = ask(move || -> Result<Response, Refusal> {
        let link = links(&context).read(&token, context.wall_now()).map_err(told)?;
        Ok(page_of(&link, "false"))
    });
    Ok(shown.await?.unwrap_or_else(|why| refused(why, &headers)))
}

/// Whether the answer is for somebody's eyes.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|kinds| kinds.as_bytes().starts_with(b"text/html"))
}

/// Why nothing comes of a link: in a browser as a page, in the language that it asks for.
fn refused(why: Refusal, headers: &HeaderMap) -> Response {
    if !wants_page(headers) {
        return why.into_response();
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let first = |tag: &str| accepted.to_ascii_lowercase().find(tag).unwrap_or(usize::MAX);
    let (lang, title, text) = if first("zh") < first("en") {
        ("zh-CN", "未登记", &why.why().zh)
    } else {
        ("en", "Nothing was noted", &why.why().en)
    };
    (why.status(), filled(lang, title, text, "refused")).into_response()
}

/// What was answered.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Noted {
    #[cfg_attr(test, schema(value_type = crate::document::Answer))]
    answer: Answer,
    incident: String,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/answers/{token}",
    summary = "Answer by a link of a message, once",
    responses((status = 200, description = "It is noted", content((Noted = "application/json"), (String = "text/html"))))
))]
async fn answer(
    State(context): State<Arc<Context>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let wants_page = wants_page(&headers);
    let answered = ask(move || -> Result<Response, Refusal> {
        let links = links(&context);
        let record = context.index.get(links.read(&token, context.wall_now()).map_err(told)?.incident.as_str())?;
        let link = links.take(&token, context.wall_now()).map_err(told)?;
        let done = carry_out(&context, &link, record.map(|(record, _)| record));
        let (who, about) = (format!("{} by link", link.upstream), link.incident.to_string());
        let refused = done.as_ref().err().map(|why| format!(": {why}")).unwrap_or_default();
        let detail = format!("{}{refused}", link.answer.as_str());
        context.note(Some(&who), Act::AnsweredByLink, Some(&about), Some(detail));
        done.map_err(Refusal::conflict)?;
        if wants_page {
            return Ok(page_of(&link, "true"));
        }
        let told = Noted { answer: link.answer, incident: link.incident.to_string() };
        // The link itself says who may: a page that has it, such as that of a push server, may know what came of it.
        Ok(([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(told)).into_response())
    });
    Ok(answered.await?.unwrap_or_else(|why| refused(why, &headers)))
}

fn links(context: &Context) -> Links {
    Links::at(&context.setup.places.answer_links)
}

fn carry_out(
    context: &Context,
    link: &AnswerLink,
    record: Option<forewarn_domain::IncidentRecord>,
) -> Result<(), Bilingual> {
    let by = format!("{} by link", link.upstream);
    if let Some(stage) = link.answer.stage() {
        let command = CaseCommand { incident: link.incident.clone(), stage, by, note: String::new() };
        return context.ports.desk.case(command).map_err(words::no_step);
    }
    let record =
        record.ok_or_else(|| both!("the console does not know this incident any more", "控制台已没有此事件"))?;
    let kept = deeds::keep_opinion(context, record, Opinion::FalseAlarm, by);
    let unkept = |why: Refusal| {
        let Bilingual { en, zh } = why.why();
        both!("the opinion could not be kept: {en}", "无法保存判断：{zh}")
    };
    kept.map(drop).map_err(unkept)
}

fn told(error: LinkError) -> Refusal {
    let zh = match &error {
        LinkError::Unknown => "此链接不是本设备生成的，请完整打开消息中的链接",
        LinkError::Ended(_) => "此链接已过期，请在控制台或通过更新的消息答复",
        LinkError::Used => "此链接已使用过，每个链接只能使用一次；请在控制台或通过更新的消息答复",
        LinkError::File { .. } => return Refusal::failed(error),
    };
    let status = if matches!(error, LinkError::Unknown) { StatusCode::NOT_FOUND } else { StatusCode::GONE };
    Refusal::new(status, Bilingual { en: error.to_string().into(), zh: zh.into() })
}

fn page_of(link: &AnswerLink, is_done: &str) -> Response {
    let id: String =
        link.incident.as_str().chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let words = |answer: Answer| format!("{} · {}", answer.words(Language::En), answer.words(Language::Zh));
    filled("en", &words(link.answer), &id, is_done)
}

fn filled(lang: &str, answer: &str, text: &str, is_done: &str) -> Response {
    let text: String = text.chars().filter(|c| !"<>&\"".contains(*c)).collect();
    let filled = ASKS.replace("{lang}", lang).replace("{answer}", answer).replace("{is_done}", is_done);
    let headers: [(HeaderName, &str); 1] = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, Html(filled.replace("{text}", &text))).into_response()
}
