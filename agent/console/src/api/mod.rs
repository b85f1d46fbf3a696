//! The pages, one file for each subject. Each says who may ask for it; `openapi.json` tells the same to others.

mod accounts;
mod again;
mod announced;
mod answers;
mod assets;
mod cameras;
mod commands;
mod deeds;
mod drawing;
mod events;
mod files;
mod finding;
mod health;
mod incidents;
pub(crate) mod live;
mod map;
mod metrics;
mod numbers;
mod open;
mod openapi;
mod preview;
mod push;
mod range;
mod rehearsal;
mod said;
mod session;
mod site;
mod speakers;
mod stream;
mod take_out;
mod tokens;
mod told;
mod whep;

use std::sync::{Arc, Mutex, TryLockError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::MethodRouter;
use forewarn_base::sync::lock;

use crate::access::Role;
use crate::bilingual::Bilingual;
use crate::context::Context;
use crate::gate::{Need, by_name, by_role};
use crate::hosts::Hosts;
use crate::ports::Ports;
use crate::refusal::{Refusal, as_json};

/// The longest body of a request.
const BODY_BYTES: usize = 64 * 1024;

/// A page of the console's interface.
pub(crate) struct Page {
    /// By what it is asked for; the handler says the same to those who ask.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests walk the pages by it"))]
    pub method: Method,
    /// Where.
    pub path: &'static str,
    /// Who may.
    pub need: Need,
    handler: MethodRouter<Arc<Context>>,
}

const VIEWER: Need = Need::Role(Role::Viewer);
const OPERATOR: Need = Need::Role(Role::Operator);
const ADMIN: Need = Need::Role(Role::Admin);

fn page(method: Method, path: &'static str, need: Need, handler: MethodRouter<Arc<Context>>) -> Page {
    Page { method, path, need, handler }
}

/// All pages of the console's interface.
pub(crate) fn all() -> Vec<Page> {
    let of = [
        session::pages(),
        incidents::pages(),
        numbers::pages(),
        map::pages(),
        files::pages(),
        said::pages(),
        deeds::pages(),
        take_out::pages(),
        preview::pages(),
        again::pages(),
        cameras::pages(),
        drawing::pages(),
        rehearsal::pages(),
        site::pages(),
        finding::pages(),
        speakers::pages(),
        commands::pages(),
        health::pages(),
        events::pages(),
        live::pages(),
        whep::pages(),
        accounts::pages(),
        tokens::pages(),
        push::pages(),
        answers::pages(),
        openapi::pages(),
    ];
    of.into_iter().flatten().collect()
}

/// What each page takes and answers with.
#[cfg(test)]
pub(crate) fn described() -> Vec<utoipa::openapi::OpenApi> {
    use utoipa::OpenApi as _;
    vec![
        accounts::Described::openapi(),
        again::Described::openapi(),
        answers::Described::openapi(),
        cameras::Described::openapi(),
        commands::Described::openapi(),
        deeds::Described::openapi(),
        drawing::Described::openapi(),
        events::Described::openapi(),
        files::Described::openapi(),
        finding::Described::openapi(),
        health::Described::openapi(),
        incidents::Described::openapi(),
        live::Described::openapi(),
        map::Described::openapi(),
        numbers::Described::openapi(),
        openapi::Described::openapi(),
        preview::Described::openapi(),
        push::Described::openapi(),
        rehearsal::Described::openapi(),
        said::Described::openapi(),
        session::Described::openapi(),
        site::Described::openapi(),
        speakers::Described::openapi(),
        take_out::Described::openapi(),
        tokens::Described::openapi(),
        whep::Described::openapi(),
    ]
}

/// The pages of the listener of metrics.
pub(crate) fn of_metrics(ports: &Ports, hosts: Hosts) -> Router {
    let pages = health::whole(ports.health.clone()).merge(open::routes(ports.incidents.clone()));
    let pages = pages.merge(metrics::routes(ports.metrics.clone()));
    pages.layer(from_fn_with_state(Arc::new(hosts), by_name))
}

/// The pages of the console.
pub(crate) fn of_console(context: &Arc<Context>) -> Router {
    let mut routes = Router::new();
    for Page { path, need, handler, .. } in all() {
        let gate = from_fn_with_state((Arc::clone(context), need), by_role);
        routes = routes.route(path, handler.route_layer(gate));
    }
    let routes = routes.with_state(Arc::clone(context)).merge(health::brief(context.ports.health.clone()));
    let hosts = Arc::new(context.setup.hosts.clone());
    let limit = DefaultBodyLimit::max(BODY_BYTES);
    routes
        .fallback(assets::serve)
        .layer(limit)
        .layer(from_fn(as_json))
        .layer(from_fn(assets::harden))
        .layer(from_fn_with_state(hosts, by_name))
}

#[cfg(test)]
pub(crate) use openapi::DOCUMENT;

/// Does work that one alone may do at a time, so that those who wait take no threads from those who look. Work that
/// panics has had its turn.
fn one_at_a_time<T>(turn: &Mutex<()>, busy: Bilingual, work: impl FnOnce() -> T) -> Result<T, Refusal> {
    let _turn = match turn.try_lock() {
        Ok(turn) => turn,
        Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(Refusal::conflict(busy)),
    };
    Ok(work())
}

/// Asks a port on a thread that may wait. A port that panics is an error of the server, and of this request alone.
async fn ask<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Result<T, StatusCode> {
    let answer = Arc::new(Mutex::new(None));
    let place = Arc::clone(&answer);
    // Boxed, because the runtime's machinery for each question of its own would be a third of this crate's code.
    let question: Box<dyn FnOnce() + Send> = Box::new(move || *lock(&place) = Some(question()));
    let asked = tokio::task::spawn_blocking(question).await;
    if let Err(error) = &asked {
        tracing::error!(%error, "a page could not be made");
    }
    let answer = lock(&answer).take();
    answer.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    const BUSY: Bilingual = Bilingual { en: Cow::Borrowed("somebody else does it"), zh: Cow::Borrowed("正在进行") };

    #[test]
    fn one_does_it_at_a_time_and_a_panic_gives_the_turn_back() {
        let turn = Mutex::new(());
        let second_is_refused = one_at_a_time(&turn, BUSY, || one_at_a_time(&turn, BUSY, || ()).is_err());
        assert!(second_is_refused.is_ok_and(|refused| refused));
        let panics = || one_at_a_time(&turn, BUSY, || -> () { panic!("a port that panics") }).is_ok();
        assert!(std::panic::catch_unwind(panics).is_err());
        assert!(one_at_a_time(&turn, BUSY, || ()).is_ok());
    }
}
