//! The way by which wishes of an upstream come in.

use std::fmt;

use forewarn_domain::Clock;
use forewarn_domain::violation::Language;
use forewarn_report::{Heard, Wish as Asked};
use forewarn_telemetry::queue::{LeaveOut, Sender};
use serde_json::{Value, json};

use crate::command::Ask;
use crate::message::{Message, To, What};
use crate::reply::Reply;
use crate::wish::Wish;

/// The way by which wishes come in. Clones are the same.
#[derive(Clone)]
pub struct Wishes(pub(crate) Sender<Message, LeaveOut>);

impl fmt::Debug for Wishes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wishes")
    }
}

impl Wishes {
    /// Takes in what was heard over an upstream. It is answered there when it is done.
    pub fn take(&self, heard: Heard, language: Language, clock: &dyn Clock) {
        let (speaker, ask) = match heard.wish {
            Asked::Speak { speaker, text } => {
                (speaker.clone(), Ask::Speak { speaker: speaker.to_string(), text, language })
            }
            Asked::Play { speaker, prepared } => {
                (speaker.clone(), Ask::Play { speaker: speaker.to_string(), prepared, language })
            }
        };
        let by = format!("upstream {}", heard.upstream);
        let wish = Wish { by, ask, is_kept: heard.is_kept, heard_at: clock.now() };
        let answer = heard.answer;
        let told = move |reply: &Reply, at: String| {
            let mut told = serde_json::to_value(reply).unwrap_or_default();
            if let Value::Object(told) = &mut told {
                told.extend([("speaker".to_owned(), json!(speaker)), ("at".to_owned(), json!(at))]);
            }
            answer.tell(told.to_string());
        };
        self.0.put(Message { what: What::Wished(wish), to: To::Teller(Box::new(told)) });
    }
}
