//! What publishers to this box and those who look at its cameras have in common: `webrtcbin`, and how it agrees on a session.
//! Candidates are not trickled: an answer holds all addresses of this box.

mod description;
pub(crate) mod offer;

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use self::description::{ask, text_of};
use crate::MissingElement;
use crate::plugin::make;

/// This box's own addresses must be gathered by then.
const GATHERED_WITHIN: Duration = Duration::from_secs(5);
/// The state that says whether they are.
const GATHERING: &str = "ice-gathering-state";
/// The question that has the agent of ICE listen at one address alone.
const ADD_ADDRESS: &str = "add-local-ip-address";

/// An element that has lost packets sent again.
pub(crate) fn bin() -> Result<gst::Element, MissingElement> {
    // `webrtcbin` makes these when an offer comes, and says little where they are missing.
    for needed in ["nicesrc", "dtlssrtpdec", "srtpdec"] {
        make(needed)?;
    }
    let webrtc = make("webrtcbin")?;
    webrtc.set_property_from_str("bundle-policy", "max-bundle");
    webrtc.connect("on-new-transceiver", false, |values| {
        let transceiver = values.get(1)?.get::<glib::Object>().ok()?;
        if transceiver.find_property("do-nack").is_some() {
            transceiver.set_property("do-nack", true);
        }
        None
    });
    Ok(webrtc)
}

/// Has packets go and come at one address of this box alone.
pub(crate) fn listen_at(webrtc: &gst::Element, address: IpAddr) {
    let agent = webrtc.property::<glib::Object>("ice-agent");
    if glib::subclass::SignalId::lookup(ADD_ADDRESS, agent.type_()).is_some() {
        let _ = agent.emit_by_name_with_values(ADD_ADDRESS, &[address.to_string().to_value()]);
    }
}

/// Has packets go and come in datagrams, by ports from one to another. Otherwise TCP is offered beside them, at more ports.
pub(crate) fn by_datagrams(webrtc: &gst::Element, ports: RangeInclusive<u32>) {
    let ice = webrtc.property::<glib::Object>("ice-agent");
    for (name, port) in [("max-rtp-port", *ports.end()), ("min-rtp-port", *ports.start())] {
        if ice.find_property(name).is_some() {
            ice.set_property(name, port);
        }
    }
    let agent = ice.find_property("agent").and_then(|_| ice.property::<Option<glib::Object>>("agent"));
    if let Some(agent) = agent.filter(|agent| agent.find_property("ice-tcp").is_some()) {
        agent.set_property("ice-tcp", false);
    }
}

/// The nick of a state that `webrtcbin` is in.
pub(crate) fn state(webrtc: &gst::Element, name: &str) -> String {
    let value = webrtc.property_value(name);
    glib::EnumValue::from_value(&value).map(|(_, value)| value.nick().to_owned()).unwrap_or_default()
}

/// Whether the session is over for good.
pub(crate) fn is_over(webrtc: &gst::Element) -> bool {
    matches!(state(webrtc, "connection-state").as_str(), "failed" | "closed")
}

/// Takes an offer, and gives the answer with every address of this box in it.
pub(crate) fn agree(webrtc: &gst::Element, offer: &str) -> Result<String, String> {
    ask(webrtc, "set-remote-description", description::offer(offer)?)?;
    let reply = ask(webrtc, "create-answer", None::<gst::Structure>.to_value())?.ok_or("there is no answer")?;
    let answer = reply.value("answer").map_err(|error| error.to_string())?.clone().into();
    tell(webrtc, answer)
}

/// Has it take a description of its own; gives that with every address of this box in it.
fn tell(webrtc: &gst::Element, description: glib::Value) -> Result<String, String> {
    let (told, news) = sync_channel(1);
    let tell = webrtc.connect_notify(Some(GATHERING), move |_, _| {
        let _ = told.try_send(());
    });
    ask(webrtc, "set-local-description", description)?;
    while state(webrtc, GATHERING) != "complete" {
        let late = |_| "the addresses of this box were not gathered in time".to_owned();
        news.recv_timeout(GATHERED_WITHIN).map_err(late)?;
    }
    webrtc.disconnect(tell);
    text_of(&webrtc.property_value("local-description")).ok_or_else(|| "the description has no text".to_owned())
}

/// An offer of a test that wants to see a video.
#[cfg(test)]
pub(crate) fn offer_to_see(webrtc: &gst::Element, caps: &gst::Caps) -> String {
    let kind = glib::Type::from_name("GstWebRTCRTPTransceiverDirection").unwrap();
    let direction = glib::EnumClass::with_type(kind).unwrap().to_value_by_nick("recvonly").unwrap();
    webrtc.emit_by_name_with_values("add-transceiver", &[direction, caps.to_value()]);
    let reply = ask(webrtc, "create-offer", None::<gst::Structure>.to_value()).unwrap().unwrap();
    tell(webrtc, reply.value("offer").unwrap().clone().into()).unwrap()
}

/// The answer to it.
#[cfg(test)]
pub(crate) fn take_answer(webrtc: &gst::Element, sdp: &str) {
    ask(webrtc, "set-remote-description", description::answer(sdp).unwrap()).unwrap();
}
