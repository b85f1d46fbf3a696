//! What is said to a dock and what its answers mean, without any connection.
//!
//! | what | belongs to an order when |
//! |---|---|
//! | a reply | its `tid` is that of the order; `method` is left out in the published examples |
//! | progress | its `tid` or its `bid` is that of the order: an event may have a `tid` of its own |
//!
//! Whatever else comes is late, doubled or somebody else's, and is counted and passed over.

use serde_json::{Value, json};

use super::error::DjiError;
use forewarn_base::random::uuid;

/// One thing that a dock is told to do.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) method: &'static str,
    tid: String,
    bid: String,
    data: Value,
}

/// Where a dock's messages come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `services_reply`.
    Replies,
    /// `events`.
    Events,
}

/// What a message means for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// The dock has taken the order.
    Taken,
    /// It is on it; `is_playing` once sound comes.
    OnIt { step: String, is_playing: bool },
    /// It says that it has played it.
    Done { told: String },
    /// It is about something else.
    Other,
}

impl Order {
    pub(super) fn new(method: &'static str, data: Value) -> Self {
        Self { method, tid: uuid(), bid: uuid(), data }
    }

    /// The message.
    pub(super) fn message(&self, now_ms: i64) -> Vec<u8> {
        let message = json!({
            "tid": self.tid, "bid": self.bid, "timestamp": now_ms, "method": self.method, "data": self.data,
        });
        message.to_string().into_bytes()
    }

    /// What a message of the dock means for this order.
    pub(super) fn hear(&self, place: Place, message: &Value) -> Result<Heard, DjiError> {
        let is = |key: &str, value: &str| message.get(key).and_then(Value::as_str) == Some(value);
        match place {
            Place::Replies if is("tid", &self.tid) => match number(message.pointer("/data/result")) {
                Some(0) => Ok(Heard::Taken),
                Some(number) => Err(DjiError::Refused { method: self.method, number }),
                None => Ok(Heard::Other),
            },
            Place::Events if is("method", &format!("{}_progress", self.method)) => {
                let is_ours = is("tid", &self.tid) || is("bid", &self.bid);
                if is_ours { progress(message.get("data").unwrap_or(&Value::Null)) } else { Ok(Heard::Other) }
            }
            Place::Replies | Place::Events => Ok(Heard::Other),
        }
    }
}

fn progress(data: &Value) -> Result<Heard, DjiError> {
    let text = |path: &str| data.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (status, key) = (text("/output/status"), text("/output/progress/step_key"));
    let percent = number(data.pointer("/output/progress/percent"));
    let at = percent.map_or_else(String::new, |percent| format!(" at {percent} %"));
    let step = format!("{}{at}", if key.is_empty() { "nothing" } else { &key });
    if let Some(number) = number(data.get("result")).filter(|result| *result != 0) {
        return Err(DjiError::GaveUp { step, number });
    }
    Ok(match status.as_str() {
        // The list of words has `ok`, the example has `success`.
        "ok" | "success" => Heard::Done { told: format!("{status}, {step}") },
        "failed" | "rejected" | "canceled" | "cancelled" | "timeout" => {
            return Err(DjiError::Ended { status, step: format!("at {step}") });
        }
        _ => Heard::OnIt { is_playing: key == "play", step },
    })
}

/// A number; some docks write theirs as texts.
fn number(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The answer to an event that asks for one; none to any other.
pub(super) fn reply_to(event: &Value, now_ms: i64) -> Option<Vec<u8>> {
    let is_asked = number(event.get("need_reply")) == Some(1);
    let take = |key: &str| event.get(key).cloned().unwrap_or(Value::Null);
    is_asked.then(|| {
        let reply = json!({
            "tid": take("tid"), "bid": take("bid"), "timestamp": now_ms, "method": take("method"), "data": { "result": 0 },
        });
        reply.to_string().into_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order::new("speaker_tts_play_start", json!({ "psdk_index": 2 }))
    }

    /// A published example of progress, with the ids of an order.
    fn event(order: &Order, status: &str, step: &str, percent: i64) -> Value {
        json!({
            "bid": order.bid, "tid": order.tid, "gateway": "4TADKAQ000002J", "timestamp": 1_689_911_352_309_i64,
            "method": "speaker_tts_play_start_progress",
            "data": { "result": 0, "output": {
                "md5": "bacee8ed225fa346f6da87f67c914728", "psdk_index": 2, "status": status,
                "progress": { "percent": percent, "step_key": step },
            } },
        })
    }

    #[test]
    fn a_reply_belongs_to_its_tid_alone_and_needs_no_method() {
        let order = order();
        let reply = |tid: &str, result: Value| json!({ "bid": order.bid, "tid": tid, "data": { "result": result } });
        assert_eq!(order.hear(Place::Replies, &reply(&order.tid, json!(0))).unwrap(), Heard::Taken);
        assert_eq!(order.hear(Place::Replies, &reply("another", json!(327_052))).unwrap(), Heard::Other);
        assert_eq!(order.hear(Place::Replies, &json!({ "tid": order.tid })).unwrap(), Heard::Other);
        let refused = order.hear(Place::Replies, &reply(&order.tid, json!("327052"))).unwrap_err();
        assert!(matches!(refused, DjiError::Refused { number: 327_052, .. }), "{refused}");
    }

    #[test]
    fn both_words_for_the_end_are_known_and_others_events_passed_over() {
        let order = order();
        let hear = |event: &Value| order.hear(Place::Events, event);
        let playing = hear(&event(&order, "in_progress", "play", 40)).unwrap();
        assert_eq!(playing, Heard::OnIt { step: "play at 40 %".to_owned(), is_playing: true });
        assert!(matches!(
            hear(&event(&order, "in_progress", "upload", 89)).unwrap(),
            Heard::OnIt { is_playing: false, .. }
        ));
        for word in ["ok", "success"] {
            assert_eq!(
                hear(&event(&order, word, "play", 100)).unwrap(),
                Heard::Done { told: format!("{word}, play at 100 %") }
            );
        }
        let mut of_its_own = event(&order, "ok", "play", 100);
        of_its_own["tid"] = json!("of the event");
        assert!(matches!(hear(&of_its_own).unwrap(), Heard::Done { .. }), "the bid tells whose it is");
        of_its_own["bid"] = json!("of another");
        assert_eq!(hear(&of_its_own).unwrap(), Heard::Other);
        let mut of_sound = event(&order, "ok", "play", 100);
        of_sound["method"] = json!("speaker_audio_play_start_progress");
        assert_eq!(hear(&of_sound).unwrap(), Heard::Other);
    }

    #[test]
    fn what_fails_on_the_way_is_told_with_its_step() {
        let order = order();
        let mut failed = event(&order, "in_progress", "upload", 30);
        failed["data"]["result"] = json!(327_053);
        let told = order.hear(Place::Events, &failed).unwrap_err().to_string();
        assert!(told.contains("gave up upload at 30 %: error 327053"), "{told}");
        let ended = order.hear(Place::Events, &event(&order, "canceled", "play", 50)).unwrap_err().to_string();
        assert!(ended.contains("\"canceled\" at play at 50 %"), "{ended}");
    }

    #[test]
    fn an_event_is_answered_where_it_asks_for_it() {
        let mut asking = event(&order(), "in_progress", "play", 1);
        assert!(reply_to(&asking, 7).is_none());
        asking["need_reply"] = json!(1);
        let reply: Value = serde_json::from_slice(&reply_to(&asking, 7).unwrap()).unwrap();
        assert_eq!((&reply["tid"], &reply["data"]["result"]), (&asking["tid"], &json!(0)));
    }
}
