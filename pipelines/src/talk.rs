//! What `rtspsrc` and a camera say to each other: heard, and one word put in.
//!
//! `rtspsrc` tells neither the time-out of a session nor what a camera offers, and its actions send no request that the
//! camera does not offer. But it makes one of each *extension* for itself, an element of the registry with the interface
//! `GstRTSPExtension`, shows it every request with its answer, and sends what the extension asks it to. The element here
//! is such an extension. It changes nothing of what it is shown.

#![expect(unsafe_code, reason = "the bindings have no extensions; each call says why it is sound")]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use gst::glib;
use gst::prelude::*;
use gst_rtsp::ffi;

/// The time-out of a session that states none: RFC 2326, 12.37.
const USUAL_TIMEOUT: Duration = Duration::from_mins(1);

/// What was heard on one connection.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    heard: Mutex<Heard>,
    extension: glib::WeakRef<Extension>,
}

#[derive(Debug, Default)]
struct Heard {
    timeout: Option<Duration>,
    offers_get_parameter: bool,
    offers_kept_coding: bool,
    /// What is played.
    address: Option<CString>,
}

impl Talk {
    /// How long the camera keeps a session without a request.
    pub(crate) fn timeout(&self) -> Duration {
        lock(&self.heard).timeout.unwrap_or(USUAL_TIMEOUT)
    }

    /// Whether the camera says that it takes `GET_PARAMETER`.
    pub(crate) fn offers_get_parameter(&self) -> bool {
        lock(&self.heard).offers_get_parameter
    }

    /// Whether the description of the stream names H.264 or H.265.
    pub(crate) fn offers_kept_coding(&self) -> bool {
        lock(&self.heard).offers_kept_coding
    }

    /// Sends `OPTIONS` within the session and does not wait for the answer, which `rtspsrc` passes over.
    pub(crate) fn ask_for_options(&self) {
        let Some(extension) = self.extension.upgrade() else { return };
        let Some(address) = lock(&self.heard).address.clone() else { return };
        let mut request = ptr::null_mut();
        // SAFETY: the address is a string that outlives the call, which copies it. The message is made by the first call,
        // given to `rtspsrc` for the time of the second, and freed by the third. Without a place for an answer `rtspsrc`
        // sends under its lock and reads nothing, as it does with receiver reports from other threads.
        unsafe {
            if ffi::gst_rtsp_message_new_request(&raw mut request, ffi::GST_RTSP_OPTIONS, address.as_ptr()) == 0 {
                ffi::gst_rtsp_extension_send(extension.as_ptr().cast(), request, ptr::null_mut());
                ffi::gst_rtsp_message_free(request);
            }
        }
    }

    fn hear(&self, method: ffi::GstRTSPMethod, address: &CStr, answer: &Answer) {
        let mut heard = lock(&self.heard);
        match method {
            ffi::GST_RTSP_OPTIONS => {
                let mut offered =
                    answer.headers(ffi::GST_RTSP_HDR_PUBLIC).chain(answer.headers(ffi::GST_RTSP_HDR_ALLOW));
                heard.offers_get_parameter = offered.any(|methods| methods.contains("GET_PARAMETER"));
            }
            ffi::GST_RTSP_DESCRIBE => {
                let description = answer.body().to_ascii_uppercase();
                heard.offers_kept_coding = description.contains("H264/") || description.contains("H265/");
            }
            ffi::GST_RTSP_SETUP | ffi::GST_RTSP_PLAY => {
                heard.timeout = answer.headers(ffi::GST_RTSP_HDR_SESSION).find_map(timeout_of).or(heard.timeout);
                if method == ffi::GST_RTSP_PLAY {
                    heard.address = Some(address.to_owned());
                }
            }
            _ => {}
        }
    }
}

/// The time-out of a `Session` header such as `12345678;timeout=60`.
fn timeout_of(session: &str) -> Option<Duration> {
    let value = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"').parse().ok().filter(|&seconds| seconds > 0);
        name.trim().eq_ignore_ascii_case("timeout").then_some(value?)
    };
    session.split(';').skip(1).find_map(value).map(Duration::from_secs)
}

/// An answer that `rtspsrc` shows for the time of a call.
struct Answer(*const ffi::GstRTSPMessage);

impl Answer {
    fn body(&self) -> String {
        let (mut bytes, mut size) = (ptr::null_mut(), 0);
        // SAFETY: the message is valid while the answer is shown, and the bytes are copied.
        unsafe {
            let result = ffi::gst_rtsp_message_get_body(self.0, &raw mut bytes, &raw mut size);
            if result != ffi::GST_RTSP_OK || bytes.is_null() {
                return String::new();
            }
            String::from_utf8_lossy(std::slice::from_raw_parts(bytes, size as usize)).into_owned()
        }
    }

    /// The values of all headers of this name. A list that was sent as one comes in pieces.
    fn headers(&self, field: ffi::GstRTSPHeaderField) -> impl Iterator<Item = &str> {
        let texts = (0..).map_while(move |i| {
            let mut value: *mut c_char = ptr::null_mut();
            // SAFETY: the message is valid while the answer is shown, and owns the text that is lent with its lifetime.
            unsafe {
                let result = ffi::gst_rtsp_message_get_header(self.0, field, &raw mut value, i);
                (result == ffi::GST_RTSP_OK && !value.is_null()).then(|| CStr::from_ptr(value))
            }
        });
        texts.filter_map(|text| text.to_str().ok())
    }
}

thread_local! {
    /// What the next extension is to tell; `rtspsrc` makes its extensions while it is made itself, in the same thread.
    static NEXT: RefCell<Option<Arc<Talk>>> = const { RefCell::new(None) };
}

/// Makes what `make` makes; an `rtspsrc` in it tells `talk`.
pub(super) fn overheard<T>(talk: &Arc<Talk>, make: impl FnOnce() -> T) -> T {
    NEXT.set(Some(talk.clone()));
    let made = make();
    NEXT.set(None);
    made
}

/// Puts the extension into the registry. `rtspsrc` looks for extensions when the first one is made.
pub(crate) fn register() -> Result<(), glib::BoolError> {
    gst::Element::register(None, "forewarnrtsptalk", gst::Rank::MARGINAL, Extension::static_type())
}

glib::wrapper! {
    /// The interface of extensions.
    pub struct RtspExtension(Interface<ffi::GstRTSPExtension, ffi::GstRTSPExtensionInterface>);

    match fn {
        type_ => || ffi::gst_rtsp_extension_get_type(),
    }
}

// SAFETY: the function that is put into the interface has the signature that the interface asks for, and the interface
// leaves every other one empty, which stands for the usual answer.
unsafe impl glib::subclass::types::IsImplementable<imp::Extension> for RtspExtension {
    fn interface_init(interface: &mut glib::Interface<Self>) {
        interface.as_mut().after_send = Some(after_send);
    }
}

unsafe extern "C" fn after_send(
    extension: *mut ffi::GstRTSPExtension,
    request: *mut ffi::GstRTSPMessage,
    response: *mut ffi::GstRTSPMessage,
) -> ffi::GstRTSPResult {
    let (mut method, mut address, mut version) = (ffi::GST_RTSP_INVALID, ptr::null(), 0);
    // SAFETY: `rtspsrc` calls this with an extension that it holds and with messages that are valid for the time of the
    // call; the address belongs to the request.
    unsafe {
        let is_request = !request.is_null()
            && !response.is_null()
            && ffi::gst_rtsp_message_get_type(request) == ffi::GST_RTSP_MESSAGE_REQUEST;
        if is_request
            && ffi::gst_rtsp_message_parse_request(request, &raw mut method, &raw mut address, &raw mut version) == 0
            && !address.is_null()
        {
            let extension: glib::translate::Borrowed<Extension> = glib::translate::from_glib_borrow(
                extension.cast::<<Extension as glib::object::ObjectType>::GlibType>(),
            );
            extension.hear(method, CStr::from_ptr(address), &Answer(response));
        }
    }
    ffi::GST_RTSP_OK
}

glib::wrapper! {
    /// The extension of one `rtspsrc`.
    pub struct Extension(ObjectSubclass<imp::Extension>) @extends gst::Element, gst::Object, @implements RtspExtension;
}

impl Extension {
    fn hear(&self, method: ffi::GstRTSPMethod, address: &CStr, answer: &Answer) {
        use glib::subclass::prelude::*;
        if let Some(talk) = &self.imp().talk {
            talk.hear(method, address, answer);
        }
    }
}

mod imp {
    use std::sync::{Arc, LazyLock};

    use gst::glib;
    use gst::glib::subclass::prelude::*;
    use gst::subclass::prelude::*;

    use super::{NEXT, Talk};

    pub struct Extension {
        pub(super) talk: Option<Arc<Talk>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Extension {
        const NAME: &'static str = "ForewarnRtspTalk";
        type Type = super::Extension;
        type ParentType = gst::Element;
        type Interfaces = (super::RtspExtension,);

        fn new() -> Self {
            Self { talk: NEXT.take() }
        }
    }

    impl ObjectImpl for Extension {
        fn constructed(&self) {
            self.parent_constructed();
            if let Some(talk) = &self.talk {
                talk.extension.set(Some(&self.obj()));
            }
        }
    }

    impl GstObjectImpl for Extension {}

    impl ElementImpl for Extension {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "RTSP talk",
                    "Network/Extension/Protocol",
                    "Hears what rtspsrc and a camera say to each other",
                    "Forewarn",
                )
            });
            Some(&METADATA)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_out_of_a_session_is_read() {
        let of = |session| timeout_of(session).map(|timeout| timeout.as_secs());
        assert_eq!((of("12345678;timeout=20"), of("1 ; Timeout = 60 ; x=1")), (Some(20), Some(60)));
        assert_eq!(
            (of("12345678"), of("1;timeout=0"), of("1;timeout=soon"), of("timeout=9")),
            (None, None, None, None)
        );
        assert_eq!(Talk::default().timeout().as_secs(), 60);
    }
}
