//! What a person sees while things are fetched.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How progress is shown, always on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// Not at all.
    Silent,
    /// A spinner with the time gone by on a terminal, plain lines elsewhere.
    #[default]
    Shown,
}

/// One thing that is under way; it ends when dropped.
pub(crate) struct Activity {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Says that something goes on from now.
    pub(crate) fn begin(self, what: &str) -> Activity {
        if self == Self::Silent {
            return Activity { bar: None };
        }
        if !std::io::stderr().is_terminal() {
            eprintln!("{what} ...");
            return Activity { bar: None };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Activity { bar: Some(bar) }
    }

    /// Says that something is done or was there already.
    pub(crate) fn note(self, what: &str) {
        if self == Self::Shown {
            eprintln!("{what}");
        }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
