//! The port through which commands are done.

use forewarn_domain::WallTime;
use serde_json::Value;

use crate::command::Command;
use crate::configure::Begun;
use crate::kept::Quiet;

/// Does what is asked. May take as long as a loudspeaker speaks.
pub trait Hands: Send {
    /// Does what a command asks, and says what was found, or why it cannot be done.
    fn carry_out(&mut self, command: &Command, now: WallTime) -> Result<Value, String>;

    /// What is kept of a command before it is done, so that an agent that is started anew can end it; none where that needs no end.
    fn begin(&mut self, command: &Command) -> Option<Begun>;

    /// Brings a change of the site file, during which the agent stopped, to its end.
    fn end(&mut self, begun: &Begun) -> Result<Value, String>;

    /// Announces nothing in a place until a time.
    fn silence(&mut self, quiet: &Quiet, now: WallTime) -> Result<(), String>;
}
