//! One announcement told over one connection, and the device's answer.

use std::time::Duration;

use forewarn_base::broker::Broker;
use forewarn_domain::clock::Stopwatch;

use super::error::MqttError;
use crate::speaker::line::Line;
use crate::speaker::run::Limits;
use crate::speaker::template::{Pattern, Words, shown};

/// What is told, and what answers it.
pub(super) struct Order {
    pub(super) topic: String,
    pub(super) payload: String,
    pub(super) ack_topic: Option<String>,
    pub(super) ack: Option<Pattern>,
    pub(super) refusal: Option<Pattern>,
    pub(super) within: Duration,
}

/// How it went.
pub(super) struct Told {
    /// What the device answered, where it answers.
    pub(super) answer: Option<String>,
    /// How long after it was told.
    pub(super) after: Duration,
}

/// Tells the device, and waits for its answer where it answers, for the broker's where it does not.
pub(super) fn tell(broker: &Broker, order: &Order, words: &Words, limits: &Limits) -> Result<Told, MqttError> {
    let mut line = Line::open(broker);
    line.listen(order.ack_topic.as_deref().as_slice(), "ack_topic", limits)?;
    let watch = Stopwatch::start();
    line.tell(&order.topic, order.payload.as_bytes())?;
    let Some(ack_topic) = &order.ack_topic else {
        line.until_told(limits)?;
        return Ok(Told { answer: None, after: watch.elapsed() });
    };
    let end = order.within.min(limits.left());
    let (mut n_others, mut last) = (0, String::new());
    loop {
        let Some(left) = end.checked_sub(watch.elapsed()).filter(|left| !left.is_zero()) else {
            let others = format!(", but {n_others} that fit nothing, the last: {last}");
            return Err(MqttError::NoAck {
                topic: ack_topic.clone(),
                after_s: watch.elapsed().as_secs_f64(),
                others: if n_others > 0 { others } else { String::new() },
            });
        };
        let Some(answer) = line.hear(left)? else { continue };
        let text = String::from_utf8_lossy(&answer.payload).into_owned();
        if order.refusal.as_ref().is_some_and(|pattern| pattern.fits(&text, words)) {
            return Err(MqttError::DeviceRefused { answer: shown(&text) });
        }
        if order.ack.as_ref().is_none_or(|pattern| pattern.fits(&text, words)) {
            return Ok(Told { answer: Some(shown(&text)), after: watch.elapsed() });
        }
        (n_others, last) = (n_others + 1, shown(&text));
    }
}
