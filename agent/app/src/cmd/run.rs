//! `forewarn run`: the agent until it is told to stop.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use forewarn_base::supervisor::Supervisor;
use forewarn_cli::Run;
use forewarn_console::Found;
use forewarn_inference::Models;

use crate::config::{self, Site};
use crate::detector::{self, LiveModel};
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::live::{Agent, Shutdown};

/// How often the agent's parts are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Runs the command.
pub fn run(args: &Run) -> CommandResult {
    let supervisor = Supervisor::of_environment();
    let file = site_file(args)?;
    let mut site = config::load(&file).or_exit(ExitCode::BadConfig)?;
    detector::tuned::apply_and_log(&mut site);
    for doubt in config::doubts::doubts(&site, |_| None) {
        tracing::warn!("{}: {}; {}", doubt.about, doubt.problem, doubt.mend);
    }
    let LiveModel { detector, signalled } = detector::start_live(&site, &file)?;
    let shutdown = Shutdown::listen()?;
    let reader = detector::reader_of_site(&site)?;
    let agent = Agent::start(&site, Models { detector, reader }, None)?;
    let _reload = signalled.listen(agent.adopter())?;
    tracing::info!(site = %site.header.id, cameras = site.cameras.len(), http = ?agent.addresses(), "watching");
    supervisor.ready(&detector::in_short(&site));
    say(&in_a_few_lines(&site, agent.addresses(), agent.console()));
    while !shutdown.wait(LOOK_AFTER) {
        if let Some(part) = agent.broken() {
            // Stopping keeps what the other parts have; a supervisor such as systemd starts the agent again.
            let ended = || anyhow!("the part `{part}` of the agent ended; see the log");
            return Err(agent.stop().err().unwrap_or_else(ended).into());
        }
    }
    tracing::info!("stopping");
    supervisor.stopping();
    agent.stop()?;
    Ok(())
}

/// The site file; where none is named and none is there, a box begins with one of its own.
fn site_file(args: &Run) -> Result<PathBuf, CommandError> {
    if let Some(file) = &args.config {
        return Ok(file.clone());
    }
    let file = PathBuf::from("site.toml");
    if config::write_first(&file, config::BESIDE).or_exit(ExitCode::BadConfig)? {
        say("site.toml is written; cameras, zones, rules and loudspeakers are added in the console\n");
    }
    Ok(file)
}

/// What is watched, who is warned, and where to look, for whoever started it by hand.
fn in_a_few_lines(site: &Site, addresses: &[SocketAddr], console: Option<&Found>) -> String {
    let mut text = format!("forewarn watches site {} by {}\n", site.header.id, site.model.card.name);
    if site.cameras.is_empty() {
        text.push_str("no camera yet: add the first in the console\n");
    }
    // Writing to a string cannot fail.
    for camera in &site.cameras {
        let rules: Vec<String> =
            camera.rules.iter().map(|rule| format!("{} in {}", rule.key.violation, rule.key.zone)).collect();
        let speakers: Vec<&str> = camera.speakers.all().into_iter().map(forewarn_domain::SpeakerId::as_str).collect();
        let or = |list: String, none: &str| if list.is_empty() { none.to_owned() } else { list };
        let (rules, speakers) = (or(rules.join(", "), "no rule"), or(speakers.join(", "), "nobody"));
        let watched = camera.watched.as_ref().map(|source| format!(", watched on {source}")).unwrap_or_default();
        let _ = writeln!(text, "camera {}: {}{watched}: {rules}; warns by {speakers}", camera.id, camera.source);
    }
    let upstreams: Vec<String> = site.upstreams.iter().map(|it| format!("{} ({})", it.id, it.adapter.peer())).collect();
    let reports =
        if upstreams.is_empty() { "nobody; they wait in the outbox".to_owned() } else { upstreams.join(", ") };
    let _ = writeln!(text, "reports go to {reports}; everything is kept in {}", site.storage.dir.path().display());
    // Those of metrics come first, and where there are none, the console tells it, too.
    let of_console = console.and_then(|found| found.address.split('#').next()).map(str::to_owned);
    let of_metrics = addresses.first().filter(|_| addresses.len() > usize::from(console.is_some()));
    if let Some(at) = of_metrics.map(|address| format!("http://{address}/")).or(of_console) {
        let _ = writeln!(text, "how it fares: {at}healthz");
    }
    if let Some(Found { address, fingerprint }) = console {
        let first = if address.contains('#') { "; this link, once, makes the first account" } else { "" };
        let _ = writeln!(text, "console: {address}{first}");
        if let Some(sha256) = fingerprint {
            let _ = writeln!(text, "its certificate, which browsers ask about once: SHA-256 {sha256}");
        }
    }
    text.push_str("stop it with Ctrl-C; `--log info` tells what happens\n");
    text
}

/// Says it on the terminal; a terminal that takes nothing is not waited for.
fn say(text: &str) {
    let (mut terminal, _written_when_dropped) = tracing_appender::non_blocking(std::io::stdout());
    // Nobody need listen.
    let _ = terminal.write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_say_what_runs_and_where_to_look() {
        let text = "[site]\nid = \"market\"\n[[speaker]]\nid = \"horn\"\nkind = \"local\"\n[upstream.mqtt]\nurl = \"mqtt://b\"\n\
                    [[camera]]\nid = \"gate\"\nurl = \"rtsp://u:s3cret@cam/1\"\nspeakers = [\"horn\"]\n\
                    [[camera.rule]]\nviolation = \"loitering\"\n";
        let site = config::resolve(&config::source::Source::new("site.toml", text)).unwrap();
        let (address, fingerprint) = ("https://127.0.0.1:9465/#setup=5".to_owned(), Some("AB:CD".to_owned()));
        let found = Found { address, fingerprint };
        let addresses = ["127.0.0.1:9464", "127.0.0.1:9465"].map(|address| address.parse().unwrap());
        let said = in_a_few_lines(&site, &addresses, Some(&found));
        let alone = in_a_few_lines(&site, &addresses[1..], Some(&found));
        assert!(alone.contains("how it fares: https://127.0.0.1:9465/healthz"), "{alone}");
        for part in [
            "site market",
            "camera gate: rtsp://",
            "loitering in whole; warns by horn",
            "mqtt (the broker b:1883)",
            "http://127.0.0.1:9464/healthz",
            "console: https://127.0.0.1:9465/#setup=5; this link, once",
            "SHA-256 AB:CD",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("s3cret") && said.lines().count() < 10, "{said}");
    }
}
