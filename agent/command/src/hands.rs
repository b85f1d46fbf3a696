//! The port through which commands are done.

use forewarn_domain::WallTime;
use serde_json::Value;

use crate::command::Command;
use crate::kept::Quiet;

/// Does what is asked. May take as long as a loudspeaker speaks.
pub trait Hands: Send {
    /// Does what a command asks, and says what was found, or why it cannot be done.
    fn carry_out(&mut self, command: &Command, now: WallTime) -> Result<Value, String>;

    /// Announces nothing in a place until a time.
    fn silence(&mut self, quiet: &Quiet, now: WallTime) -> Result<(), String>;
}
