//! `/api/v1/incidents/{id}/files/{name}`: the pictures, clips and papers of a bundle; a part of a clip where it is asked for.

use std::fs::{self, File};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::range::{Part, part};
use super::{Page, VIEWER, ask, incidents, page, stream};
use crate::access::Session;
use crate::bilingual::both;
use crate::context::Context;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/incidents/{id}/files/{name}", VIEWER, get(file))]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(file))]
pub(super) struct Described;

/// What a file of a bundle is; none for what a bundle does not hold.
fn kind(name: &str) -> Option<&'static str> {
    // What the path names must lead nowhere else.
    if name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return None;
    }
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "jpg" => "image/jpeg",
        "mp4" => "video/mp4",
        "json" => "application/json",
        "jsonl" => "application/jsonl",
        "pem" => "text/plain; charset=utf-8",
        "sig" | "tsr" | "age" => "application/octet-stream",
        _ => return None,
    })
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/files/{name}",
    summary = "A picture, clip or paper of the evidence; `Range:` takes a part",
    responses((status = 200, description = "The file", body = [u8], content_type = "*/*"), (status = 206, description = "A part of it"), (status = 416, description = "No such part", body = crate::refusal::Told))
))]
async fn file(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let nothing =
        || Refusal::nothing(both!("the evidence of this incident has no such file", "此事件的证据中没有该文件"));
    let kind = kind(&name).ok_or_else(nothing)?;
    let of_page = headers.clone();
    let (file, bytes) = ask(move || {
        let (record, _) = incidents::find(&context, &session, &id)?;
        let path = context.bundle(&record).ok_or_else(nothing)?.join(&name);
        let meta = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file).ok_or_else(nothing)?;
        let file = File::open(&path).map_err(|_| nothing())?;
        context.note_look(&session.name, &record, &of_page);
        Ok::<_, Refusal>((file, meta.len()))
    })
    .await??;
    served(&headers, kind, file, bytes)
}

/// A file, or the part of it that is asked for.
pub(super) fn served(headers: &HeaderMap, kind: &str, file: File, bytes: u64) -> Result<Response, Refusal> {
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "private, max-age=600");
    let answer = match part(range, bytes) {
        Part::Whole => answer.header(header::CONTENT_LENGTH, bytes).body(stream::file(file, 0, bytes)),
        Part::Of(first, n) => answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{}/{bytes}", first + n - 1))
            .header(header::CONTENT_LENGTH, n)
            .body(stream::file(file, first, n)),
        Part::None => {
            let why = both!(
                "the file has only {bytes} bytes, and none of them was asked for",
                "文件仅有 {bytes} 字节，所请求的部分不存在"
            );
            let whole = [(header::CONTENT_RANGE, format!("bytes */{bytes}"))];
            return Ok((whole, Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, why)).into_response());
        }
    };
    answer.map_err(Refusal::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_of_what_a_bundle_holds_are_served() {
        assert_eq!(kind("confirmed.mp4"), Some("video/mp4"));
        assert_eq!(kind("confirmed.mp4.age"), Some("application/octet-stream"), "nobody here can show it");
        for name in ["", "mp4", ".jpg", "../incident.json", "a/b.jpg", "a\\b.jpg", "a\0.jpg", "x.html", "..", "chain"] {
            assert_eq!(kind(name), None, "{name:?}");
        }
    }
}
