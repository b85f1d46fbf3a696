//! What is ready to be said over a loudspeaker, by a person's press of a button.

use crate::violation::Text;

/// The text of one of the site's warnings, or one of its sound files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// By what it is asked for.
    pub id: String,
    /// What people call it.
    pub title: Text,
    /// The words; none of a sound alone.
    pub text: Text,
    /// The sound file that is played in their place.
    pub sound: Option<String>,
}
