//! The warn-first machine from outside: scenarios, properties, a journal, and the page that describes it.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its texts with hashes")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

mod case;
mod clocks;
mod journal;
mod outages;
mod page;
mod properties;
mod restarts;
mod scenarios;
mod several;
mod silence;
mod urgency;
mod words;
