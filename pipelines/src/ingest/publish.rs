//! RTMP that is sent to this box: a drone, its controller or an encoder publishes, and what it sends goes on as Flash video.
//!
//! One publisher is heard at a time, for as long as the pipeline runs; others are refused meanwhile. When it ends, the stream does;
//! the port stays open until it is opened anew, so that who publishes in between waits for a moment and is not refused. Nor is who
//! comes while nothing is heard: it may be the same publisher, over a new connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use forewarn_base::thread::Thread;
use forewarn_domain::clock::Stopwatch;
use gst::glib::WeakRef;
use gst::prelude::*;
use gst_app::AppSrc;
use rtmp_runtime::server::{ServerEvent, ServerSession};

use super::Site;
use super::listen::{TURN, is_there};
use super::refuse::Refusals;
use super::wanted::{NO_KEY, Wanted};
use crate::plugin::make;
use crate::{SourceUrl, StreamFault};

/// What is sent to a publisher must be taken within this.
const WRITE_WITHIN: Duration = Duration::from_secs(3);
/// Who has not named the key by then, in time or in bytes, is sent away: until then anybody may be talking. It takes four ways
/// there and back, of a second each over a link that holds packets back.
const KEY_WITHIN: Duration = Duration::from_secs(20);
/// So is who says nothing for so long until then.
const WORD_WITHIN: Duration = Duration::from_secs(5);
const KEY_WITHIN_BYTES: usize = 1 << 16;
/// Bytes that wait for the demuxer; beyond that the publisher waits.
const MOST_BYTES: u64 = 4 << 20;

/// A source of what is published to this box.
pub(super) fn build(site: &Arc<Site>, source: &SourceUrl) -> Result<gst::Element, StreamFault> {
    let (listener, port) = site.options.door.open(source)?;
    let element = make("appsrc")?;
    let caps = gst::Caps::builder("video/x-flv").build();
    element.set_property("caps", &caps);
    element.set_property("is-live", true);
    element.set_property("block", true);
    element.set_property("max-bytes", MOST_BYTES);
    let app = element.clone().downcast::<AppSrc>().map_err(|_| StreamFault::other("appsrc is none"))?;
    let (app, wanted, site) = (app.downgrade(), Wanted::of(source), Arc::downgrade(site));
    Thread::spawn(format!("rtmp-{port}"), move || hear(&listener, &app, &wanted, &site)).map_err(StreamFault::other)?;
    Ok(element)
}

/// Hears publishers until one of them has sent something and ended, or until nobody wants the stream.
fn hear(listener: &TcpListener, source: &WeakRef<AppSrc>, wanted: &Wanted, site: &Weak<Site>) {
    loop {
        let is_there = is_there(listener, TURN);
        // Who comes from now on waits for whoever opens the stream anew.
        if source.upgrade().is_none() {
            return;
        }
        if !is_there {
            continue;
        }
        let Ok((publisher, from)) = listener.accept() else { continue };
        match take(publisher, listener, source, (wanted, site)) {
            Ok(false) => {}
            Ok(true) => break,
            Err(why) => {
                tracing::warn!("what {from} sends over RTMP cannot be taken: {why}");
            }
        }
    }
    if let Some(source) = source.upgrade() {
        let _ = source.end_of_stream();
    }
}

/// Takes what one publisher sends, until it ends. Whether there was any of it.
fn take(
    mut publisher: TcpStream,
    listener: &TcpListener,
    source: &WeakRef<AppSrc>,
    (wanted, site): (&Wanted, &Weak<Site>),
) -> Result<bool, String> {
    let in_words = |error: std::io::Error| error.to_string();
    publisher.set_read_timeout(Some(TURN)).map_err(in_words)?;
    publisher.set_write_timeout(Some(WRITE_WITHIN)).map_err(in_words)?;
    let (mut session, mut buffer, mut has_sent) = (ServerSession::new(wanted.config()), vec![0; 1 << 14], false);
    let (mut is_known, mut n_heard, mut others) = (false, 0, Refusals::default());
    let (came, mut spoke) = (Stopwatch::start(), Stopwatch::start());
    loop {
        let is_late = || came.elapsed() > KEY_WITHIN || spoke.elapsed() > WORD_WITHIN;
        if !is_known && (n_heard > KEY_WITHIN_BYTES || is_late()) {
            return Err(NO_KEY.to_owned());
        }
        let Some(source) = source.upgrade() else { return Ok(has_sent) };
        let length = match publisher.read(&mut buffer) {
            Ok(0) => return Ok(has_sent),
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) if has_sent => return Ok(true),
            Err(error) => return Err(error.to_string()),
        };
        n_heard += length;
        spoke = Stopwatch::start();
        // Something is on its way, and the stream is not opened anew, which would cut it off, before pictures could come.
        if let Some(site) = site.upgrade() {
            site.intake.data();
        }
        if has_sent {
            others.turn(listener, wanted);
        }
        let (answer, events) = match session.handle_data(&buffer[..length]) {
            Ok(told) => told,
            Err(error) if has_sent => {
                tracing::warn!("a publisher's RTMP is damaged, and it is heard anew: {error}");
                return Ok(true);
            }
            Err(error) => return Err(error.to_string()),
        };
        publisher.write_all(&answer).map_err(in_words)?;
        for event in events {
            match event {
                ServerEvent::Connected { app } if !wanted.is_app(&app) => {
                    return Err(format!("it publishes to `{app}`, and the camera's address names another"));
                }
                ServerEvent::Publish { .. } => is_known = true,
                ServerEvent::Media { flv } => {
                    has_sent = true;
                    if source.push_buffer(gst::Buffer::from_mut_slice(flv)).is_err() {
                        return Ok(true);
                    }
                }
                ServerEvent::Eof => return Ok(has_sent),
                _ => {}
            }
        }
    }
}
