//! A simulated camera: a real RTSP server that plays clips in real time, as they are coded.
//!
//! All clients share one presentation. It begins when the first client plays and is torn down with the last one.
//! Clips are held in memory and follow each other without a seam: timestamps grow on, also over the loop.
//! RTCP sender reports are sent as by a camera with a correct clock.

mod feed;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use forewarn_base::secret::Credentials;
use gst::glib;
use gst_rtsp_server::prelude::*;
use gst_rtsp_server::{RTSPAuth, RTSPFilterResult, RTSPMediaFactory, RTSPServer, RTSPToken};

use self::feed::Feed;
use crate::plugin::make;
use crate::{InitError, MissingElement, ReplayError};

/// Long after whoever sends to a connection has seen that it is closed.
const KEPT_AFTER_CLOSING_S: u32 = 10;

/// What a simulated camera shows, and where.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// H.264 or H.265 files, played one after another; all of one codec.
    pub clips: Vec<PathBuf>,
    /// Address to listen at; loopback unless stated otherwise.
    pub host: String,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// Path of the stream.
    pub path: String,
    /// Begin anew after the last clip; otherwise the camera ends the stream.
    pub is_looped: bool,
    /// Ask for these by digest authentication.
    pub credentials: Option<Credentials>,
}

impl SimConfig {
    /// Plays `clip` in a loop on a free port of the loopback interface, at `/stream`.
    pub fn new(clip: impl Into<PathBuf>) -> Self {
        Self {
            clips: vec![clip.into()],
            host: "127.0.0.1".to_owned(),
            port: 0,
            path: "stream".to_owned(),
            is_looped: true,
            credentials: None,
        }
    }
}

/// Why there is no simulated camera.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// GStreamer is not there.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A missing element.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// A clip cannot be read.
    #[error("failed to load a clip of the simulated camera: {0}")]
    Clip(#[from] ReplayError),
    /// A clip in another coding.
    #[error("{path} cannot be served as it is; give H.264 or H.265 video of one codec, or convert it first")]
    Codec {
        /// The clip.
        path: String,
    },
    /// Nothing to play.
    #[error("the simulated camera has no clip to play")]
    NoClip,
    /// The port is taken, or the address is not of this machine.
    #[error("failed to listen at {host}:{port}: {reason}")]
    Listen {
        /// The address.
        host: String,
        /// The port.
        port: u16,
        /// The reason.
        reason: String,
    },
}

/// A simulated camera. Dropping it stops it and closes its connections.
pub struct SimCamera {
    url: String,
    server: RTSPServer,
    context: glib::MainContext,
    is_stopping: Arc<AtomicBool>,
    source: Option<glib::Source>,
    thread: Option<JoinHandle<()>>,
    is_paused: Arc<AtomicBool>,
}

impl SimCamera {
    /// Loads the clips and starts to listen.
    pub fn start(config: &SimConfig) -> Result<Self, SimError> {
        crate::init()?;
        let feed = Arc::new(Feed::load(&config.clips, config.is_looped)?);
        for element in ["appsrc", feed.codec.parser(), feed.codec.payloader()] {
            make(element)?;
        }
        let listen = |reason: String| SimError::Listen { host: config.host.clone(), port: config.port, reason };
        let is_paused = Arc::new(AtomicBool::new(false));
        let factory = factory(&feed, &is_paused);
        let server = RTSPServer::new();
        if let Some(pool) = server.thread_pool() {
            // Everything of a connection is done in the thread below. One that is closed while another thread reads from it has
            // that thread read from nothing for ever.
            pool.set_max_threads(0);
        }
        server.set_address(&config.host);
        server.set_service(&config.port.to_string());
        if let Some(credentials) = &config.credentials {
            require_login(&server, &factory, credentials);
        }
        let mounts = server.mount_points().ok_or_else(|| listen("the server has no mount points".into()))?;
        mounts.add_factory(&format!("/{}", config.path.trim_start_matches('/')), factory);
        let context = glib::MainContext::new();
        outlive_closing(&server, &context);
        let taken = "the port is taken, or the address is not of this machine";
        let id = server.attach(Some(&context)).map_err(|_| listen(taken.to_owned()))?;
        let source = context.find_source_by_id(&id);
        let port = server.bound_port();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (in_thread, asked, served) = (context.clone(), is_stopping.clone(), server.clone());
        let thread = std::thread::Builder::new()
            .name("sim-camera".to_owned())
            .spawn(move || serve(&in_thread, &served, &asked))
            .map_err(|e| listen(e.to_string()))?;
        let url = format!("rtsp://{}:{port}/{}", config.host, config.path.trim_start_matches('/'));
        tracing::info!(%url, "simulated camera listens");
        Ok(Self { url, server, context, is_stopping, source, thread: Some(thread), is_paused })
    }

    /// The camera's address, without user and password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port that it listens at.
    pub fn port(&self) -> u16 {
        u16::try_from(self.server.bound_port()).unwrap_or(0)
    }

    /// Stops to send pictures but keeps the connections, as a camera that hangs. A client that connects after it
    /// was set back is served; those from before stay without pictures.
    pub fn set_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::SeqCst);
    }
}

impl Drop for SimCamera {
    fn drop(&mut self) {
        if let Some(source) = self.source.take() {
            source.destroy();
        }
        self.is_stopping.store(true, Ordering::SeqCst);
        self.context.wakeup();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves until it is asked to stop, which may be before it begins; a wake-up is not lost, unlike the quit of a
/// main loop that does not run yet.
fn serve(context: &glib::MainContext, server: &RTSPServer, is_stopping: &AtomicBool) {
    let _ = context.with_thread_default(|| {
        while !is_stopping.load(Ordering::SeqCst) {
            context.iteration(true);
        }
        // Connections outlive the listening socket unless they are removed one by one.
        server.client_filter(Some(&mut |_, _| RTSPFilterResult::Remove));
    });
}

/// Keeps every connection's object for a while after it was closed.
///
/// Where sending to a client fails, GStreamer 1.22 has the connection closed later, by a pointer that holds nothing; closing
/// then gives up the last reference while the object's own lock is held, and GLib aborts the process.
fn outlive_closing(server: &RTSPServer, context: &glib::MainContext) {
    let context = context.clone();
    server.connect_client_connected(move |_, client| {
        let context = context.clone();
        client.connect_closed(move |client| {
            let kept = client.clone();
            let let_go = move || {
                let _ = &kept;
                glib::ControlFlow::Break
            };
            glib::timeout_source_new_seconds(KEPT_AFTER_CLOSING_S, None, glib::Priority::LOW, let_go)
                .attach(Some(&context));
        });
    });
}

fn factory(feed: &Arc<Feed>, is_paused: &Arc<AtomicBool>) -> RTSPMediaFactory {
    let factory = RTSPMediaFactory::new();
    let (parser, payloader) = (feed.codec.parser(), feed.codec.payloader());
    // The units bring their parameter sets; a payloader that puts them in does so between the slices of a picture, too.
    factory.set_launch(&format!("( appsrc name=feed format=time ! {parser} ! {payloader} name=pay0 pt=96 )"));
    factory.set_shared(true);
    let (feed, is_paused) = (feed.clone(), is_paused.clone());
    factory.connect_media_configure(move |_, media| {
        let element = media.element();
        let appsrc = element.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("feed"));
        if let Some(appsrc) = appsrc.and_then(|e| e.downcast::<gst_app::AppSrc>().ok()) {
            feed.serve(&appsrc, is_paused.clone());
        }
    });
    factory
}

fn require_login(server: &RTSPServer, factory: &RTSPMediaFactory, credentials: &Credentials) {
    const ROLE: &str = "viewer";
    let auth = RTSPAuth::new();
    auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Digest);
    let token = RTSPToken::builder().field("media.factory.role", ROLE).build();
    auth.add_digest(&credentials.user, credentials.password.expose(), &token);
    server.set_auth(Some(&auth));
    let permissions = gst::Structure::builder(ROLE)
        .field("media.factory.access", true)
        .field("media.factory.construct", true)
        .build();
    factory.add_role_from_structure(&permissions);
}
