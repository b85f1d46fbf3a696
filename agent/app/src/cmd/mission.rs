//! `forewarn mission`.

use forewarn_mission::MissionError;

use crate::exit::{CommandError, ExitCode};

impl CommandError {
    /// What failed of a mission, with the code that says how.
    pub fn of_mission(error: MissionError) -> Self {
        let failed = if error.is_of_the_input() { ExitCode::BadInput } else { ExitCode::Failed };
        Self { code: if error.is_of_the_site() { ExitCode::BadConfig } else { failed }, error: error.into() }
    }
}
