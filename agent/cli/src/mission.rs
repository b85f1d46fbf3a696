//! `forewarn mission` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::language::PageLanguage;

/// `forewarn mission`.
#[derive(Debug, Subcommand)]
pub enum Mission {
    /// Begin a flight: a running agent notes which ground its cameras that fly see, and whom
    #[command(
        after_help = "Example:\n  forewarn mission start --config site.toml --route \"Hill 3\" --pilot \"Li Wei\""
    )]
    Start {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Which way is flown.
        #[arg(long, value_parser = named)]
        route: String,
        /// Who flies.
        #[arg(long, value_parser = named)]
        pilot: String,
        /// What else is to be said of it.
        #[arg(long)]
        note: Option<String>,
    },
    /// End the flight
    #[command(after_help = "Example:\n  forewarn mission stop --config site.toml")]
    Stop {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Write a flight as one page that needs nothing else: map, people, incidents
    #[command(
        after_help = "Examples:\n  forewarn mission report --config site.toml --out flight.html\n  forewarn mission report 2026-11-30T09-15-00Z --config site.toml \\\n      --out flight.html --geojson flight.geojson --lang zh"
    )]
    Report(MissionReport),
}

/// `forewarn mission report`.
#[derive(Debug, Args)]
pub struct MissionReport {
    /// The mission; the latest without it.
    #[arg(value_name = "MISSION")]
    pub id: Option<String>,
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The page; it is replaced if it is there.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Also write the map for other programs, as GeoJSON.
    #[arg(long, value_name = "FILE")]
    pub geojson: Option<PathBuf>,
    /// The language of the page; the site's without it.
    #[arg(long, value_enum)]
    pub lang: Option<PageLanguage>,
}

/// A name that stands in a report, which blanks alone are not.
fn named(text: &str) -> Result<String, String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err("it is empty, and stands in the report; write a name, such as \"Hill 3\"".to_owned());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_has_names_of_one_line() {
        assert_eq!(named(" Hill\n 3 "), Ok("Hill 3".to_owned()));
        assert!(named(" \t").is_err_and(|told| told.contains("it is empty")));
    }
}
