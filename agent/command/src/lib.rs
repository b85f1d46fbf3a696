//! What upstream asks of the agent over MQTT, or over HTTP through the [`Door`]: to speak a text, take a step of a case,
//! judge an incident, silence a zone, look now, cut a clip.
//!
//! A [command](Command) is signed with a secret that both sides share, names its site and when it expires, and is done at
//! most once, whatever is repeated and wherever a kill falls. The [`Gate`] decides who is let in, and is pure. The [`Desk`]
//! notes on the disk that a command was let in, has the [`Hands`] do it, answers under its id, and writes the audit log.
//! [`Commands`] is the connection to the broker with its two threads. A
//! [wish](Wish) comes over an upstream, nobody signs it, and it is for a loudspeaker that the site file names for that upstream; the same desk has it
//! done. Told for those who send commands in `docs/commands.md`.

mod command;
mod config;
mod configure;
mod desk;
mod gate;
mod hands;
mod kept;
mod link;
mod message;
mod reloads;
mod reply;
#[cfg(test)]
mod tests;
mod ways;
mod wish;
mod wishes;

pub use command::{Ask, Command, LookFor};
pub use config::{CommandsConfig, ResolvedCommands};
pub use configure::{Begun, SiteFile};
pub use desk::Desk;
pub use gate::{Gate, Refusal};
pub use hands::Hands;
pub use kept::{Kept, Quiet};
pub use link::{Commands, Door, LinkError, QUEUE, Tell};
pub use reloads::Reloads;
pub use reply::{Outcome, Reply};
pub use ways::Ways;
pub use wish::Wish;
pub use wishes::Wishes;
