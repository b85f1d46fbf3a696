//! What the agent keeps in files beside incidents and their evidence.
//!
//! | file | kept by |
//! |---|---|
//! | where the time line stands | [`ClockWatch`] |
//! | the empty scenes that were learned | [`SceneKeeper`] |
//! | since when somebody is missed | [`MemoryKeeper`] |
//! | where people stay, by minute | [`heat`] |
//! | what operators said of incidents | [`feedback`] |
//! | which instances are passed over | [`suppressions`] |
//! | who did what | [`trail`] |
//!
//! What is asked of the agent while it runs goes through a [`Call`].
//!
//! Those who keep something while the agent runs are [`Keeper`]s; they write through a [`Shelf`]. One of
//! them, the [`Heartbeat`], keeps nothing and gives signs of life. Where a file lies is said by the caller.

mod call;
mod clock_watch;
pub mod feedback;
mod heartbeat;
pub mod heat;
mod keeper;
mod learned_scenes;
mod rules_memory;
mod shelf;
pub mod suppressions;
pub mod trail;

pub use call::{Asked, Call, Voices};
pub use clock_watch::{ClockNews, ClockWatch};
pub use heartbeat::Heartbeat;
pub use keeper::{Due, Keeper, Kept};
pub use learned_scenes::SceneKeeper;
pub use rules_memory::MemoryKeeper;
pub use shelf::Shelf;
