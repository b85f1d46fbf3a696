//! The page itself: built from `agent/console/web`, embedded as it was compressed when it was built.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use include_dir::{Dir, include_dir};

use crate::bilingual::both;
use crate::refusal::Refusal;

static BUILT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/web/built");

/// Nothing but what this listener serves is loaded, run or shown; and nobody shows it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; \
                      connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page. Every path that is none shows the page, which finds its view by the path.
pub(super) async fn serve(request: Request) -> Result<Response, Refusal> {
    let path = request.uri().path();
    if !matches!(*request.method(), Method::GET | Method::HEAD) || path.starts_with("/api/") {
        return Err(Refusal::nothing(both!("there is no such page", "没有此页面")));
    }
    let (name, cache) = match path.strip_prefix("/assets/") {
        // Their names change with what is in them.
        Some(name) => (name, "public, max-age=31536000, immutable"),
        None => ("index.html", "no-cache"),
    };
    let file = BUILT
        .get_file(format!("{name}.gz"))
        .ok_or_else(|| Refusal::nothing(both!("there is no such file", "没有此文件")))?;
    let kind = match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, "gzip"), (header::CACHE_CONTROL, cache)];
    Ok((StatusCode::OK, headers, file.contents()).into_response())
}

/// What every answer says to the browser.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    let usual = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in usual {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use forewarn_base::hash;

    use super::*;

    #[test]
    fn the_page_is_built_from_the_sources_that_are_here() {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let digests = BUILT.get_file("SOURCES.sha256").unwrap().contents_utf8().unwrap();
        let mut named = Vec::new();
        for line in digests.lines() {
            let (digest, path) = line.split_once("  ").unwrap();
            let found = hash::sha256_of_bytes(&fs::read(web.join(path)).unwrap());
            assert_eq!(found, digest, "{path} has changed: `cargo xtask assets --page` builds the page anew");
            named.push(path.strip_prefix("src/").unwrap_or_default().to_owned());
        }
        for entry in fs::read_dir(web.join("src")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(named.contains(&name), "{name} is new: `cargo xtask assets --page` builds the page anew");
        }
    }

    #[test]
    fn the_whole_page_is_small() {
        let bytes: usize = BUILT.files().map(|file| file.contents().len()).sum();
        assert!(bytes <= 150_000, "{bytes} bytes");
        let page = BUILT.files().filter(|file| file.path().extension().is_some_and(|of| of == "gz")).count();
        assert_eq!(page, 5, "the page, its script, its style, its icon and what shows messages");
    }
}
