//! What is taken out of the box: a bundle as one file, and its page for people.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, Method, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_base::private;
use forewarn_domain::IncidentRecord;
use forewarn_domain::violation::Language;
use forewarn_evidence::Deed;
use serde::Deserialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{OPERATOR, Page, ask, incidents, page, stream};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::job::Busy;
use crate::redactor::{Hidden, Order, Progress};
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/incidents/{id}/export", OPERATOR, get(export)),
        page(Method::GET, "/api/v1/incidents/{id}/report", OPERATOR, get(report)),
        page(Method::GET, "/api/v1/incidents/{id}/redacted", OPERATOR, get(redacted_so_far)),
        page(Method::POST, "/api/v1/incidents/{id}/redacted", OPERATOR, post(redact)),
        page(Method::GET, "/api/v1/incidents/{id}/redacted/export", OPERATOR, get(export_redacted)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(export, redact, redacted_so_far, export_redacted, report))]
pub(super) struct Described;

/// The bundle as it is, file by file, in a ZIP that does not compress what is compressed.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/export",
    summary = "The evidence as a ZIP file",
    responses((status = 200, description = "The file", body = [u8], content_type = "application/zip"))
))]
async fn export(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (file, bytes, name) = ask(move || {
        let (record, bundle) = kept(&context, &session, &id)?;
        context.note_access(&session.name, &record, Deed::Exported, Some("as a ZIP file".to_owned()));
        let (file, bytes) =
            zipped(&bundle, &context.setup.places.scratch, record.id.as_str()).map_err(Refusal::failed)?;
        Ok::<_, Refusal>((file, bytes, record.id.to_string()))
    })
    .await??;
    attached(file, bytes, &name)
}

fn attached(file: File, bytes: u64, name: &str) -> Result<Response, Refusal> {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/zip")
        .header(header::CONTENT_LENGTH, bytes)
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.zip\"", plain(name)))
        .body(stream::file(file, 0, bytes))
        .map_err(Refusal::failed)
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redaction {
    hidden: ToHide,
}

/// What somebody may ask to be hidden: a copy in which nothing is would be no redacted one.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToHide {
    Faces,
    PersonsButSubject,
    Plates,
}

impl From<ToHide> for Hidden {
    fn from(asked: ToHide) -> Self {
        match asked {
            ToHide::Faces => Self::Faces,
            ToHide::PersonsButSubject => Self::PersonsButSubject,
            ToHide::Plates => Self::Plates,
        }
    }
}

/// Begins to make a copy in which something is hidden. The command that makes it writes into the evidence's own log who asked.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/redacted",
    summary = "Begin to make a copy in which something is hidden; one is made at a time, and takes minutes",
    request_body = Redaction,
    responses((status = 200, description = "How far it has come", body = Progress))
))]
async fn redact(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(Redaction { hidden }): Json<Redaction>,
) -> Result<Json<Progress>, Refusal> {
    let hidden = Hidden::from(hidden);
    ask(move || {
        let (record, bundle) = kept(&context, &session, &id)?;
        let setup = &context.setup;
        let order = Order {
            incident: record.id.as_str(),
            bundle: &bundle,
            hidden,
            who: &session.name,
            site_file: setup.site_file.as_deref(),
            scratch: &setup.places.scratch,
            program: &setup.program,
        };
        context.redactor.begin(&order).map_err(Refusal::failed)?.map_err(|Busy| {
            Refusal::conflict(both!("a copy is being made; wait until it is done", "正在生成另一份副本，请等待完成"))
        })?;
        let detail = Some(format!("without {}", hidden.as_str()));
        context.note(Some(&session.name), Act::Evidence(Deed::Exported), Some(record.id.as_str()), detail);
        Ok(Json(context.redactor.progress(record.id.as_str())))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/redacted",
    summary = "How far a copy has come in which something is hidden",
    responses((status = 200, description = "How far it has come", body = Progress))
))]
async fn redacted_so_far(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Json<Progress>, Refusal> {
    ask(move || {
        let (record, _) = kept(&context, &session, &id)?;
        Ok(Json(context.redactor.progress(record.id.as_str())))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/redacted/export",
    summary = "The copy in which something is hidden, as a ZIP file",
    responses((status = 200, description = "The file", body = [u8], content_type = "application/zip"))
))]
async fn export_redacted(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (file, bytes, name) = ask(move || {
        let (record, _) = kept(&context, &session, &id)?;
        let (copy, hidden) = context
            .redactor
            .done(record.id.as_str())
            .ok_or_else(|| Refusal::conflict(both!("no copy of this incident is ready", "此事件没有已生成的副本")))?;
        let name = format!("{}-without-{}", record.id, hidden.as_str());
        let (file, bytes) = zipped(&copy, &context.setup.places.scratch, &name).map_err(Refusal::failed)?;
        Ok::<_, Refusal>((file, bytes, name))
    })
    .await??;
    attached(file, bytes, &name)
}

pub(super) fn kept(
    context: &Context,
    session: &Session,
    id: &str,
) -> Result<(IncidentRecord, std::path::PathBuf), Refusal> {
    let (record, _) = incidents::find(context, session, id)?;
    let bundle = context
        .bundle(&record)
        .ok_or_else(|| Refusal::nothing(both!("nothing is kept of this incident", "此事件的证据已不再保留")))?;
    Ok((record, bundle))
}

/// What may stand in a file's name everywhere.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

/// A file without a name, which is gone when nobody holds it any more.
fn zipped(bundle: &FilePath, scratch: &FilePath, id: &str) -> io::Result<(File, u64)> {
    private::create_dirs(scratch)?;
    let path = scratch.join(format!("export-{}.zip", crate::access::token()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(private::FILE_MODE).open(&path)?;
    fs::remove_file(&path)?;
    let mut zip = ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    let mut names: Vec<_> = fs::read_dir(bundle)?.collect::<io::Result<_>>()?;
    names.sort_by_key(fs::DirEntry::file_name);
    for entry in names.iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            zip.start_file(format!("{id}/{name}"), options)?;
            io::copy(&mut File::open(entry.path())?, &mut zip)?;
        }
    }
    let mut file = zip.finish()?;
    let bytes = file.seek(SeekFrom::End(0))?;
    Ok((file, bytes))
}

#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[derive(Deserialize)]
struct Asked {
    /// `en` or `zh`.
    #[serde(default)]
    #[cfg_attr(test, param(value_type = Option<String>))]
    lang: String,
}

type ReportPage = ([(HeaderName, &'static str); 2], String);

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/report",
    summary = "The evidence as a page for people",
    params(Asked),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
))]
async fn report(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Query(language): Query<Asked>,
) -> Result<ReportPage, Refusal> {
    ask(move || {
        let (record, bundle) = kept(&context, &session, &id)?;
        context.note_access(&session.name, &record, Deed::Reported, None);
        let language = if language.lang.starts_with("zh") { Language::Zh } else { Language::En };
        let page = context
            .ports
            .desk
            .report(&bundle, language)
            .map_err(|why| Refusal::wrong(Bilingual::quoted(why, "无法生成报告")))?;
        // The page brings its pictures and its style, and asks nobody for anything.
        let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
        let html = "text/html; charset=utf-8";
        Ok(([(header::CONTENT_TYPE, html), (header::CONTENT_SECURITY_POLICY, policy)], page))
    })
    .await?
}
