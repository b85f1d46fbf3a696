//! One flight of a camera from its order to its report: which ground it saw and how finely, how many people with and without
//! what they should wear, and the incidents with their pictures and places.
//!
//! | part | does |
//! |---|---|
//! | [`paper`] | the flight as it is ordered: who flies which route, from when to when; one at a time |
//! | [`keeper`] | notes what cameras that fly see while a mission is on |
//! | [`log`] | these notes in files, each written as a whole |
//! | [`people`] | who of all those tracks is one person; how many there are, with an interval. Pure |
//! | [`flown`] | what the notes come to: ground, way, heights. Pure |
//! | [`found`] | the incidents of the flight, from their evidence |
//! | [`ways`] | the ways of the latest flights, for the console's map |
//! | `report`, `plan`, `geojson` | the page and the map of it. Pure |
//! | [`staged`] | a flight made of the footage of a standing camera, for the demo |
//! | [`command`] | `forewarn mission` |

pub mod command;
mod error;
pub mod flown;
pub mod found;
mod geojson;
pub mod keeper;
pub mod log;
pub mod paper;
pub mod people;
mod plan;
mod report;
pub mod staged;
pub mod ways;

pub use error::MissionError;
