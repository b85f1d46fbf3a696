//! Events over HTTP to a service of the site's own. Described for consumers in `docs/recipients/webhook.md`.
//!
//! A question is a CloudEvent in structured JSON, signed as the Standard Webhooks specification says
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>): HMAC-SHA256 over id, time
//! and body, so that the other side can tell who sent it and that nobody sends it again.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_base::http::Ask;
use forewarn_base::setting::SettingError;
use forewarn_domain::WallTime;
use forewarn_wire::CONTENT_TYPE;
use ring::hmac;

use super::Start;
use super::http::Recipient;
use super::http::table::http_table;
use super::pattern::{Pattern, event_of};
use super::settings::{AdapterSettings, Surroundings};
use crate::outbox::QueuedReport;

/// What a secret begins with. Source: Standard Webhooks, "Signature scheme".
const PREFIX: &str = "whsec_";
/// Bytes of a secret. Source: the same.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const SECRET_MEND: &str = "make one that both sides know: echo whsec_$(openssl rand -base64 32)";

http_table! {
    /// A webhook as the site file describes it.
    pub struct WebhookConfig {
        /// A file whose first line is the secret by which reports are signed, `whsec_…`; they are not signed without one.
        secret;
        /// Where the recipient finds an incident's evidence, with `{bundle}`, `{incident}` and `{camera}`; told as
        /// `data.evidence.url`.
        #[serde(default)]
        pub evidence_url: Option<String>,
    }
}

impl AdapterSettings for WebhookConfig {
    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let keys = self.http();
        let key = keys.secret(around)?.map(|secret| signing_key(secret.expose(), keys.secret_key())).transpose()?;
        let evidence = Pattern::of_evidence(self.evidence_url.as_deref())?;
        let webhook = Webhook { url: keys.address()?.into(), key, evidence };
        Ok(Arc::new(keys.open("webhook", webhook, around)?))
    }
}

fn signing_key(secret: &str, key: &'static str) -> Result<hmac::Key, SettingError> {
    let wrong = |why: &str| SettingError::value(key, why, SECRET_MEND);
    let coded = secret.strip_prefix(PREFIX).ok_or_else(|| wrong("the secret does not begin with whsec_"))?;
    let bytes = STANDARD.decode(coded.trim()).map_err(|_| wrong("what follows whsec_ is no base64"))?;
    if !SECRET_BYTES.contains(&bytes.len()) {
        return Err(wrong("the secret is not of 24 to 64 bytes"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// Says events.
#[derive(Clone)]
pub struct Webhook {
    url: String,
    key: Option<hmac::Key>,
    evidence: Option<Pattern>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Many services put a secret into the address.
        f.debug_struct("Webhook").field("is_signed", &self.key.is_some()).finish_non_exhaustive()
    }
}

impl Recipient for Webhook {
    fn ask(&self, reports: &[QueuedReport], sent_at: WallTime) -> Ask {
        let Some(queued) = reports.first() else { return Ask::default() };
        let event = event_of(queued, self.evidence.as_ref());
        // An event of texts and numbers always has a JSON form.
        let body = serde_json::to_string(&event).unwrap_or_default();
        let at_s = sent_at.as_micros().div_euclid(1_000_000);
        let signature = self.key.as_ref().map(|key| {
            let tag = hmac::sign(key, format!("{}.{at_s}.{body}", event.id).as_bytes());
            format!("v1,{}", STANDARD.encode(tag))
        });
        let ask = Ask::post(&self.url, CONTENT_TYPE, body)
            .with("webhook-id", &event.id)
            .with("webhook-timestamp", at_s.to_string())
            .with("idempotency-key", &event.id);
        match signature {
            Some(signature) => ask.with("webhook-signature", signature),
            None => ask,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use forewarn_wire::Event;
    use forewarn_wire::samples::{report, source};

    use super::*;

    fn resolve(rest: &str, secret: &str) -> Result<(), String> {
        let config: WebhookConfig =
            serde_json::from_str(&format!(r#"{{"url":"https://a.example/x"{rest}}}"#)).map_err(|e| e.to_string())?;
        let environment = |name: &str| (name == "SECRET").then(|| secret.to_owned());
        let (directory, people) = (Path::new("/nowhere"), Arc::default());
        let around = Surroundings { id: "city", site: "north", directory, people: &people, environment: &environment };
        config.resolve_in(around).map(|_| ()).map_err(|error| error.line())
    }

    /// The example of the specification, "Signature scheme" and "Verifying webhook authenticity".
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "password_env").unwrap();
        let content = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let tag = STANDARD.encode(hmac::sign(&key, content.as_bytes()));
        assert_eq!(tag, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_event_is_signed_as_it_is_sent_and_is_known_by_its_id() {
        let key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "password_env").unwrap();
        let webhook = Webhook { url: "http://a.example/x".to_owned(), key: Some(key.clone()), evidence: None };
        let queued = QueuedReport { seq: 4, report: report(1, 5), source: source() };
        let ask = webhook.ask(std::slice::from_ref(&queued), WallTime::from_micros(1_769_839_472_250_000));
        let body = serde_json::to_string(&Event::from_report(&report(1, 5), &source())).unwrap();
        assert_eq!((ask.method, ask.body.as_slice()), ("POST", body.as_bytes()));
        let id = queued.id();
        assert_eq!((ask.header("webhook-id"), ask.header("idempotency-key")), (Some(id.as_str()), Some(id.as_str())));
        assert_eq!(ask.header("webhook-timestamp"), Some("1769839472"));
        let signature = ask.header("webhook-signature").and_then(|s| s.strip_prefix("v1,")).unwrap();
        let tag = STANDARD.decode(signature).unwrap();
        hmac::verify(&key, format!("{id}.1769839472.{body}").as_bytes(), &tag).unwrap();
        let plain = Webhook { key: None, ..webhook };
        assert_eq!(plain.ask(&[queued], WallTime::from_micros(0)).header("webhook-signature"), None);
    }

    #[test]
    fn refusals_name_the_key_and_what_to_do() {
        let whole = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(resolve("", ""), Ok(()));
        assert_eq!(resolve(r#","password_env":"SECRET""#, whole), Ok(()));
        for (rest, secret, says) in [
            (r#","password_env":"SECRET""#, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_; make one"),
            (r#","password_env":"SECRET""#, "whsec_%%", "is no base64"),
            (r#","password_env":"SECRET""#, "whsec_MfKQ", "24 to 64 bytes"),
            (r#","password_env":"OTHER""#, whole, "the environment has no variable OTHER"),
            (r#","evidence_url":"https://a.example/""#, "", "evidence_url: it is one address for all"),
            (r#","timeout_s":0"#, "", "timeout_s: 0 is out of range; write 1 to 300"),
            (r#","ca_file":"ca.pem""#, "", "ca_file: failed to read /nowhere/ca.pem"),
            (r#","colour":1"#, "", "unknown field `colour`"),
        ] {
            let refusal = resolve(rest, secret).unwrap_err();
            assert!(refusal.contains(says) && !refusal.contains("MfKQ"), "{rest}: {refusal}");
        }
    }
}
