//! The agent's HTTP side: metrics for Prometheus, health for supervisors, the console for people.
//!
//! Two [listeners](Listener), each a thread of its own and each optional. The one of [metrics](Server::of_metrics) listens on
//! loopback only, because nobody there is asked who he is:
//!
//! | path | port |
//! |---|---|
//! | `/metrics` | [`Metrics`] |
//! | `/healthz` | [`Health`] |
//! | `/api/v1/incidents` | [`Incidents`] |
//!
//! The [console](Server::of_console) is a page, embedded, and the interface that it asks: `src/api/openapi.json` tells all of it.
//! Whoever asks is signed in and has a role. They decide nothing; what they show comes through the [ports](Ports) that the
//! application gives, and out of the files of the storage directory.

mod access;
mod act;
mod again;
mod api;
mod bilingual;
mod calls;
mod context;
#[cfg(test)]
mod document;
mod gate;
mod health;
mod hosts;
mod job;
mod listener;
mod onlookers;
mod ports;
mod redactor;
mod refusal;
mod rehearsals;
mod server;
mod setup;
mod still;
mod store;
mod tls;

pub use bilingual::Bilingual;
pub use health::{HealthBook, HealthReport, PartNow, PartState, PartTold, Turn, words};
pub use hosts::Hosts;
pub use listener::Listener;
pub use onlookers::Onlookers;
pub use ports::{
    Called, Caller, CameraNow, Cameras, ChangedLine, Choices, Desk, DraftNow, DraftTold, Health, Incidents, LineTold,
    Metrics, NoCall, Offer, Passing, PlacesNow, Ports, Refused, SiteEditor, StatsAsked,
};
pub use server::{ConsoleError, Server};
pub use setup::{Found, Places, Setup};
pub use still::jpeg;
pub use tls::Tls;
