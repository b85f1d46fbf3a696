//! The package registries' ordinary clients, run as child processes.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::FetchError;

/// Lines of a client's complaint that an error repeats.
const COMPLAINT_LINES: usize = 12;

/// Runs a client to its end. `install` says how to come by it.
pub(crate) fn run(command: &mut Command, install: &'static str) -> Result<Output, FetchError> {
    let client = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            FetchError::MissingClient { client: client.clone(), install }
        } else {
            FetchError::Client { client: client.clone(), status: "cannot be run".to_owned(), said: source.to_string() }
        }
    })?;
    if output.status.success() {
        return Ok(output);
    }
    Err(FetchError::Client { client, status: output.status.to_string(), said: complaint(&output) })
}

/// The last lines that a client wrote, its standard error before its standard output.
pub(crate) fn complaint(output: &Output) -> String {
    let bytes = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(bytes);
    // pip says five times that it tries again, in a page of its own classes, before it says what is wrong.
    let says = |line: &&str| !line.is_empty() && !line.starts_with("WARNING: Retrying");
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(says).collect();
    lines[lines.len().saturating_sub(COMPLAINT_LINES)..].join("\n")
}

/// `npm pack` into a folder.
pub(crate) fn npm_pack(package: &str, version: &str, into: &Path) -> Result<PathBuf, FetchError> {
    let spec = format!("{package}@{version}");
    let mut command = Command::new("npm");
    command.args(["pack", "--ignore-scripts", "--no-update-notifier", "--no-fund", "--no-audit", &spec]);
    run(command.current_dir(into), "install Node.js with npm (Debian: `apt install npm`)")?;
    only_file(into, "tgz", &spec)
}

/// Which wheel of a package is wanted.
pub(crate) struct WheelTarget<'a> {
    /// The platform tag and the Python version; of the machine itself if absent.
    pub(crate) platform: Option<(&'a str, &'a str)>,
    pub(crate) package: &'a str,
    pub(crate) version: &'a str,
}

/// `pip download` into a folder.
pub(crate) fn pip_download(target: &WheelTarget<'_>, into: &Path) -> Result<PathBuf, FetchError> {
    const INSTALL: &str = "install Python 3 with pip (Debian: `apt install python3-pip`)";
    let spec = format!("{}=={}", target.package, target.version);
    let mut args = vec!["download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"];
    args.extend(["--disable-pip-version-check", "--progress-bar=off"]);
    if let Some((platform, python)) = target.platform {
        args.extend(["--platform", platform, "--python-version", python, "--implementation", "cp"]);
    }
    args.extend(["--dest", ".", &spec]);
    // A machine may have pip as a module of Python, as `pip3` or as `pip`; the first that exists does it.
    let forms: [(&str, &[&str]); 3] = [("python3", &["-m", "pip"]), ("pip3", &[]), ("pip", &[])];
    let form = forms.iter().find(|(program, prefix)| {
        let mut probe = Command::new(program);
        run(probe.args(*prefix).arg("--version"), INSTALL).is_ok()
    });
    let Some((program, prefix)) = form else {
        return Err(FetchError::MissingClient { client: "pip".to_owned(), install: INSTALL });
    };
    run(Command::new(program).args(*prefix).args(&args).current_dir(into), INSTALL)?;
    only_file(into, "whl", &spec)
}

/// `apt-get download` into a folder.
pub(crate) fn apt_download(package: &str, into: &Path) -> Result<PathBuf, FetchError> {
    const INSTALL: &str = "this file comes out of a Debian package, so it can be fetched on Debian and its kin only";
    let mut command = Command::new("apt-get");
    // The sandbox user of apt cannot write to a private folder, which root would be warned of.
    command.args(["-q", "-o", "APT::Sandbox::User=root", "download", package]).current_dir(into);
    run(&mut command, INSTALL).map_err(|error| match error {
        FetchError::Client { client, status, said } if said.contains("Unable to locate") => {
            let said = format!("{said}\nThe package lists may be missing or old: run `apt-get update` as root first.");
            FetchError::Client { client, status, said }
        }
        other => other,
    })?;
    only_file(into, "deb", package)
}

/// What `curl` came to.
pub(crate) enum CurlOutcome {
    /// The file is complete.
    Done,
    /// The server does not continue the partial file; start afresh.
    CannotContinue,
}

/// `curl` of an address into a file, going on where an earlier attempt stopped.
pub(crate) fn curl(url: &str, into: &Path) -> Result<CurlOutcome, FetchError> {
    const INSTALL: &str = "install curl (Debian: `apt install curl`)";
    /// Exit statuses for an HTTP error (such as 416, range not satisfiable), for a refused range, and for a
    /// partial file that is longer than what is served.
    const NOT_CONTINUED: [i32; 3] = [22, 33, 36];
    let is_partial = into.exists();
    let mut command = Command::new("curl");
    command.args(["--fail", "--location", "--silent", "--show-error", "--retry", "3", "--continue-at", "-"]);
    command.args(["--proto", "=https,http,file", "--output"]).arg(into).args(["--", url]);
    let output = command.stdin(Stdio::null()).output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => FetchError::MissingClient { client: "curl".to_owned(), install: INSTALL },
        _ => FetchError::Client {
            client: "curl".to_owned(),
            status: "cannot be run".to_owned(),
            said: source.to_string(),
        },
    })?;
    match output.status.code() {
        Some(0) => Ok(CurlOutcome::Done),
        Some(status) if is_partial && NOT_CONTINUED.contains(&status) => Ok(CurlOutcome::CannotContinue),
        _ => {
            let (status, said) = (output.status.to_string(), complaint(&output));
            Err(FetchError::Client { client: "curl".to_owned(), status, said })
        }
    }
}

/// The one file with that ending that a client left in a folder.
fn only_file(dir: &Path, ending: &str, wanted: &str) -> Result<PathBuf, FetchError> {
    let entries = std::fs::read_dir(dir).map_err(|source| FetchError::io("read", dir, source))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect();
    found.sort();
    found.pop().ok_or_else(|| FetchError::NoFile { wanted: wanted.to_owned(), ending: ending.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_client_says_what_to_install() {
        let error = run(&mut Command::new("forewarn-no-such-client"), "install it").unwrap_err().to_string();
        assert!(error.contains("forewarn-no-such-client") && error.contains("install it"), "{error}");
    }

    #[test]
    fn a_failing_client_is_quoted() {
        let error = run(Command::new("sh").args(["-c", "echo no route >&2; exit 3"]), "").unwrap_err().to_string();
        assert!(error.contains("no route") && error.contains('3'), "{error}");
        let script =
            "for n in 1 2 3 4 5; do echo \"WARNING: Retrying (Retry(total=$n\" >&2; done; echo ERROR: no >&2; exit 1";
        let error = run(Command::new("sh").args(["-c", script]), "").unwrap_err().to_string();
        assert!(error.ends_with("copy the model store of a machine that has one\nERROR: no"), "{error}");
    }
}
