//! Questions and answers in SOAP 1.2, as cameras speak them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use forewarn_base::secret::Credentials;
use forewarn_domain::WallTime;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use roxmltree::{Document, Node};
use url::Url;

use super::Stream;
use crate::xml::{child, escaped, text_of};
use forewarn_base::random::random;

pub(super) const MEDIA_TYPE: &str = "application/soap+xml; charset=utf-8";

pub(super) const TIME: &str = r#"<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/>"#;
pub(super) const CAPABILITIES: &str =
    r#"<GetCapabilities xmlns="http://www.onvif.org/ver10/device/wsdl"><Category>Media</Category></GetCapabilities>"#;
pub(super) const PROFILES: &str = r#"<GetProfiles xmlns="http://www.onvif.org/ver10/media/wsdl"/>"#;

/// Asks for the address of a profile's stream.
pub(super) fn stream_uri(token: &str) -> String {
    format!(
        r#"<GetStreamUri xmlns="http://www.onvif.org/ver10/media/wsdl"><StreamSetup><Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream><Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport></StreamSetup><ProfileToken>{}</ProfileToken></GetStreamUri>"#,
        escaped(token)
    )
}

pub(super) fn envelope(header: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">{header}<s:Body>{body}</s:Body></s:Envelope>"#
    )
}

/// Who asks, proven by the digest of a number used once, the camera's time and the password.
pub(super) fn security(login: &Credentials, at: WallTime) -> String {
    let (nonce, created) = ([random().to_le_bytes(), random().to_le_bytes()].concat(), at.to_rfc3339());
    let bytes = [&nonce, created.as_bytes(), login.password.expose().as_bytes()].concat();
    let proof = BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &bytes));
    let (user, nonce) = (escaped(&login.user), BASE64_STANDARD.encode(nonce));
    let oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss";
    format!(
        r#"<s:Header><Security s:mustUnderstand="1" xmlns="{oasis}-wssecurity-secext-1.0.xsd"><UsernameToken><Username>{user}</Username><Password Type="{oasis}-username-token-profile-1.0#PasswordDigest">{proof}</Password><Nonce EncodingType="{oasis}-soap-message-security-1.0#Base64Binary">{nonce}</Nonce><Created xmlns="{oasis}-wssecurity-utility-1.0.xsd">{created}</Created></UsernameToken></Security></s:Header>"#
    )
}

/// What a camera answers.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// The answer.
    Body(String),
    /// Why there is none.
    Fault(String),
}

impl Reply {
    /// Reads an answer; else why it is none.
    pub(super) fn of(status: u16, body: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(body).into_owned();
        let document = match Document::parse(text.trim_start_matches('\u{feff}')) {
            Ok(document) => document,
            Err(_) if status == 401 => return Ok(Self::Fault("it refuses this user or password".to_owned())),
            Err(error) => return Err(format!("status {status}, {error}")),
        };
        if document.root_element().tag_name().name() != "Envelope" {
            return Err(format!("status {status}, and no SOAP"));
        }
        if let Some(fault) = child(document.root(), "Fault") {
            let reason = ["Text", "faultstring", "Value"].into_iter().find_map(|name| text_of(fault, name));
            return Ok(Self::Fault(reason.map_or_else(|| format!("status {status}"), str::to_owned)));
        }
        drop(document);
        Ok(Self::Body(text))
    }
}

fn number<T: std::str::FromStr>(node: Node<'_, '_>, name: &str) -> Option<T> {
    text_of(node, name)?.parse().ok()
}

/// What the camera's clock shows.
pub(super) fn time(text: &str) -> Option<WallTime> {
    let document = Document::parse(text).ok()?;
    let utc = child(document.root(), "UTCDateTime")?;
    let of = |name| number::<i16>(utc, name);
    let byte = |name| number::<i8>(utc, name);
    let date = jiff::civil::Date::new(of("Year")?, byte("Month")?, byte("Day")?).ok()?;
    let time = jiff::civil::Time::new(byte("Hour")?, byte("Minute")?, byte("Second")?, 0).ok()?;
    let at = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(WallTime::from_micros(at.timestamp().as_microsecond()))
}

/// The path of the media service.
pub(super) fn media_path(text: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let url = Url::parse(text_of(child(document.root(), "Media")?, "XAddr")?).ok()?;
    Some(url.path().to_owned())
}

/// The profiles with pictures, each with its token; addresses are asked for one by one.
pub(super) fn profiles(text: &str) -> Result<Vec<(String, Stream)>, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let all = document.descendants().filter(|node| node.is_element() && node.tag_name().name() == "Profiles");
    let profile = |node: Node<'_, '_>| {
        let token = node.attribute("token")?.to_owned();
        let encoder = node.children().find(|inner| inner.tag_name().name() == "VideoEncoderConfiguration")?;
        let name = node.children().find(|inner| inner.tag_name().name() == "Name");
        let stream = Stream {
            name: name.and_then(|name| name.text()).map_or_else(|| token.clone(), |name| name.trim().to_owned()),
            coding: encoder.children().find(|inner| inner.tag_name().name() == "Encoding")?.text()?.trim().to_owned(),
            size: (number(encoder, "Width")?, number(encoder, "Height")?),
            fps: number(encoder, "FrameRateLimit").unwrap_or(0.0),
            url: String::new(),
        };
        Some((token, stream))
    };
    Ok(all.filter_map(profile).collect())
}

/// The address in an answer.
pub(super) fn address(text: &str) -> Result<String, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    text_of(document.root(), "Uri").map(str::to_owned).ok_or_else(|| "it names no address".to_owned())
}
