//! Session descriptions as `webrtcbin` takes and gives them, and the questions that it answers later.
//!
//! They are boxed in a type of a library that GStreamer loads with the element. The program is not linked with it: its
//! headers would bring some hundred and fifty packages, for two fields.
#![expect(unsafe_code, reason = "the type has no bindings here; each call says why it is sound")]

use std::ffi::{c_int, c_void};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use gst::glib;
use gst::glib::gobject_ffi::{g_value_get_boxed, g_value_set_boxed};
use gst::glib::translate::{ToGlibPtr as _, ToGlibPtrMut as _};
use gst::prelude::*;
use gst_sdp::{SDPMessage, SDPMessageRef};

/// The name under which the library registers it when `webrtcbin` is made.
const NAME: &str = "GstWebRTCSessionDescription";
/// `GST_WEBRTC_SDP_TYPE_OFFER`.
const OFFER: c_int = 1;
/// `webrtcbin` may take so long for one step.
const STEP_WITHIN: Duration = Duration::from_secs(5);

/// `struct _GstWebRTCSessionDescription`, which is public and of a stable library.
#[repr(C)]
struct Raw {
    kind: c_int,
    sdp: *const gst_sdp::ffi::GstSDPMessage,
}

/// An offer, boxed.
pub(super) fn offer(text: &str) -> Result<glib::Value, String> {
    boxed(OFFER, text)
}

fn boxed(kind: c_int, text: &str) -> Result<glib::Value, String> {
    let sdp = SDPMessage::parse_buffer(text.as_bytes()).map_err(|error| error.to_string())?;
    let of_type = glib::Type::from_name(NAME).ok_or("GStreamer's WebRTC library is not there")?;
    let raw = Raw { kind, sdp: sdp.as_ptr() };
    let mut value = glib::Value::from_type(of_type);
    // SAFETY: the value is of the boxed type that `raw` has the layout of, and what it points at is copied here.
    unsafe { g_value_set_boxed(value.to_glib_none_mut().0, (&raw const raw).cast::<c_void>()) };
    Ok(value)
}

/// The text of a boxed description.
pub(super) fn text_of(value: &glib::Value) -> Option<String> {
    if value.type_().name() != NAME {
        return None;
    }
    // SAFETY: the value is of the boxed type that `Raw` has the layout of; what it holds is lent for as long as the value, and
    // read here.
    unsafe {
        let raw = g_value_get_boxed(value.to_glib_none().0).cast::<Raw>();
        let sdp = raw.as_ref().filter(|raw| !raw.sdp.is_null())?.sdp;
        (*sdp.cast::<SDPMessageRef>()).as_text().ok()
    }
}

/// Has `webrtcbin` do something, and waits for what becomes of it.
pub(super) fn ask(webrtc: &gst::Element, action: &str, about: glib::Value) -> Result<Option<gst::Structure>, String> {
    let (told, wait) = sync_channel(1);
    let promise = gst::Promise::with_change_func(move |reply| {
        let _ = told.try_send(reply.map(|reply| reply.map(gst::StructureRef::to_owned)));
    });
    webrtc.emit_by_name_with_values(action, &[about, promise.to_value()]);
    let reply = wait.recv_timeout(STEP_WITHIN).map_err(|_| format!("`{action}` took too long"))?;
    let reply = reply.map_err(|error| format!("`{action}`: {error:?}"))?;
    match reply.as_ref().and_then(|reply| reply.get::<glib::Error>("error").ok()) {
        Some(error) => Err(format!("`{action}`: {}", error.message())),
        None => Ok(reply),
    }
}

/// `GST_WEBRTC_SDP_TYPE_ANSWER`, boxed: of tests, which offer.
#[cfg(test)]
pub(super) fn answer(text: &str) -> Result<glib::Value, String> {
    boxed(3, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_boxed_and_read_again() {
        crate::init().unwrap();
        let _registers = crate::plugin::make("webrtcbin").unwrap();
        let text = "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
        let boxed = offer(text).unwrap();
        assert_eq!(text_of(&boxed.clone()).as_deref(), Some(text));
        drop(boxed);
        assert_eq!(text_of(&7_i32.to_value()), None);
        assert_eq!(text_of(&glib::Value::from_type(glib::Type::from_name(NAME).unwrap())), None, "an empty one");
    }
}
