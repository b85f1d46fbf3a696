//! What somebody who helps from afar needs: log, metrics, health, configuration, versions and disk, as text. No picture, clip,
//! key or account is in it, and every secret that is known or looks like one is blotted out of all of it.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use forewarn_base::child::{self, Limits};
use forewarn_base::http::{Ask, Http};
use forewarn_base::packet::Packet;
use forewarn_base::private::FILE_MODE;
use forewarn_config::StorageDir;
use toml::{Table, Value};

use crate::backup::place_of_secret;
use crate::error::UpkeepError;
use crate::secrets::{Blotter, files, variables, without_secrets};

/// What each question may take.
const LIMITS: Limits = Limits { time: Duration::from_secs(30), output_bytes: MOST_BYTES as u64 };
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Most bytes of one text; of a log the latest.
const MOST_BYTES: usize = 8 << 20;
/// Lines of the service's journal.
const JOURNAL_LINES: &str = "5000";

/// What stands in place of a site file that is no TOML.
const NO_SITE_FILE: &str = "# left out: it cannot be read as TOML, so that it is unknown which of its words are secrets; check.txt says where\n";

/// Where to look.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The site file, which need not be right.
    pub site_file: &'a Path,
    /// Logs in files; the service's journal if there are none.
    pub logs: &'a [PathBuf],
}

/// Writes the file. The names of what is in it, and what could not be had.
pub fn make(out: &Path, asked: &Asked<'_>) -> Result<Vec<String>, UpkeepError> {
    let Read { table, broken } = read(asked.site_file)?;
    let directory = forewarn_base::private::folder_of(asked.site_file).to_owned();
    let storage = table.get("storage").and_then(|table| table.get("dir")).and_then(Value::as_str);
    let storage = StorageDir::new(directory.join(storage.unwrap_or("forewarn-data")));
    let mut blotter = blotter(&table, &directory, &storage);
    for line in &broken {
        blotter.know(line);
    }
    let site_file = if broken.is_empty() { without_secrets(&table).to_string() } else { NO_SITE_FILE.to_owned() };
    let own = env::current_exe().map_err(UpkeepError::io("find", "/proc/self/exe"))?;
    let by = |arguments: &[&str]| answer_of(&own, arguments);
    let check = answer_of(&own, &["check", &asked.site_file.to_string_lossy()]);
    let mut texts = vec![
        ("versions.txt".to_owned(), format!("{}\n{}", by(&["--version"]), text_of("/etc/os-release"))),
        ("site.toml".to_owned(), site_file),
        ("check.txt".to_owned(), check),
        ("updates.txt".to_owned(), by(&["update", "status"])),
        ("box.txt".to_owned(), of_box()),
        ("storage.txt".to_owned(), of_storage(&storage)),
    ];
    if let Some(address) = listens(&table) {
        for (name, path) in [("metrics.txt", "/metrics"), ("health.json", "/healthz")] {
            texts.push((name.to_owned(), asked_over_http(address, path)));
        }
    }
    if asked.logs.is_empty() {
        let arguments = ["-u", "forewarn", "-n", JOURNAL_LINES, "--no-pager", "-o", "short-iso"];
        texts.push(("journal.txt".to_owned(), answer_of(Path::new("journalctl"), &arguments)));
    }
    for (n, log) in asked.logs.iter().enumerate() {
        let text = fs::read(log).map_err(UpkeepError::io("read", log))?;
        let latest = &text[text.len().saturating_sub(MOST_BYTES)..];
        texts.push((format!("log-{n}.txt"), String::from_utf8_lossy(latest).into_owned()));
    }
    let mut packet = Packet::begin(out, FILE_MODE).map_err(UpkeepError::packed(out))?;
    for (name, text) in &texts {
        let text = blotter.blot(text);
        packet.add(name, text.len() as u64, &mut text.as_bytes()).map_err(UpkeepError::packed(out))?;
    }
    packet.finish().map_err(UpkeepError::packed(out))?;
    Ok(texts.into_iter().map(|(name, _)| name).collect())
}

/// A site file, as far as it can be read.
struct Read {
    table: Table,
    /// Lines that nobody can read; what stands in them may be secret.
    broken: Vec<String>,
}

/// Reads a site file; line by line where it is no TOML.
fn read(site_file: &Path) -> Result<Read, UpkeepError> {
    let text = fs::read_to_string(site_file).map_err(UpkeepError::io("read", site_file))?;
    if let Ok(table) = toml::from_str(&text) {
        return Ok(Read { table, broken: Vec::new() });
    }
    let (mut broken, mut keys, mut section) = (Vec::new(), Vec::new(), String::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_start_matches('[').split([']', '.']).next().unwrap_or_default();
            name.trim().clone_into(&mut section);
        } else if let Ok(read) = toml::from_str::<Table>(line) {
            keys.push((section.clone(), read));
        } else {
            broken.push(line.to_owned());
        }
    }
    // Each line is a table of its own in its section, so that none hides another of the same key.
    let mut table = Table::new();
    for (section, read) in keys {
        // These are asked for by their names.
        let is_named = section == "storage" || section == "metrics";
        let empty = if is_named { Value::Table(Table::new()) } else { Value::Array(Vec::new()) };
        match table.entry(section).or_insert(empty) {
            Value::Table(known) => known.extend(read),
            Value::Array(lines) => lines.push(Value::Table(read)),
            _ => {}
        }
    }
    Ok(Read { table, broken })
}

/// Knows all that the site file and what it names hold.
fn blotter(table: &Table, directory: &Path, storage: &StorageDir) -> Blotter {
    let mut blotter = Blotter::of(table);
    for path in files(table) {
        // Certificates are no secrets, and templates may hold some.
        blotter.know(&fs::read_to_string(place_of_secret(directory, &path)).unwrap_or_default());
    }
    for variable in variables(table) {
        blotter.know(&env::var(variable).unwrap_or_default());
    }
    // Names of accounts and tokens are told by the log; what stands behind them is not, and stays here anyway.
    let own = [storage.console_accounts(), storage.console_tokens(), storage.answer_links(), storage.web_push()];
    for path in own {
        let text = fs::read_to_string(path).unwrap_or_default();
        let quoted = text.split('"').skip(1).step_by(2).filter(|text| text.len() >= 16);
        quoted.for_each(|text| blotter.know(text));
    }
    blotter
}

fn listens(table: &Table) -> Option<SocketAddr> {
    table.get("metrics")?.get("listen")?.as_str()?.parse().ok()
}

fn asked_over_http(address: SocketAddr, path: &str) -> String {
    let asked = Http::new(None, ANSWER_TIME).ask(&Ask::get(format!("http://{address}{path}")), MOST_BYTES);
    match asked {
        Ok(answer) => String::from_utf8_lossy(&answer.body).into_owned(),
        Err(error) => format!("{error}\n"),
    }
}

/// What a program says, or why it says nothing.
fn answer_of(program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    match child::run(command, &[], LIMITS) {
        Ok(ended) => {
            let said = String::from_utf8_lossy(&ended.output).into_owned();
            let complaint = ended.complaint.map(|line| format!("{line}\n")).unwrap_or_default();
            format!("{said}{complaint}({})\n", ended.status)
        }
        Err(error) => format!("{error}\n"),
    }
}

fn text_of(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn of_box() -> String {
    let (memory, cores) = (text_of("/proc/meminfo"), text_of("/proc/cpuinfo"));
    let memory = memory.lines().take(3).collect::<Vec<_>>().join("\n");
    let n_cores = cores.lines().filter(|line| line.starts_with("processor")).count();
    let model = cores.lines().find(|line| line.starts_with("model name")).unwrap_or_default();
    let [kernel, load, up] = ["version", "loadavg", "uptime"].map(|name| text_of(&format!("/proc/{name}")));
    format!("{kernel}{model}\ncores: {n_cores}\nload: {load}up: {up}{memory}\n")
}

/// How large what is kept is, by its names; nothing of what is in it.
fn of_storage(storage: &StorageDir) -> String {
    let mut text = String::new();
    if let Ok(found) = rustix::fs::statvfs(storage.path()) {
        let mib = |blocks: u64| blocks.saturating_mul(found.f_frsize) >> 20;
        let _ = writeln!(text, "disk: {} MiB, free {} MiB", mib(found.f_blocks), mib(found.f_bavail));
    }
    for path in storage.entries() {
        let (files, bytes) = size_of(&path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(text, "{name}: {files} files, {bytes} bytes");
    }
    text
}

fn size_of(path: &Path) -> (u64, u64) {
    let Ok(meta) = fs::symlink_metadata(path) else { return (0, 0) };
    if !meta.is_dir() {
        return (1, meta.len());
    }
    let listed = fs::read_dir(path).into_iter().flatten().flatten();
    listed.map(|entry| size_of(&entry.path())).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}
