//! The checkout and the programs that are run in it.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A build profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For tests.
    Dev,
    /// For the demo: quick to build, quick where a frame goes through.
    Demo,
    /// For everything that is measured.
    Release,
}

/// The checkout.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Its top folder.
    pub(crate) root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout from this program's own manifest, as cargo tells it.
    pub(crate) fn locate() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`, not by itself")?;
        let root = Path::new(&manifest).parent().context("xtask lies in no workspace")?.to_owned();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// The folder of all that is built.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where cargo puts a program of a profile.
    pub(crate) fn program(&self, profile: Profile, name: &str) -> PathBuf {
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Demo => "demo",
            Profile::Release => "release",
        };
        self.target.join(folder).join(name)
    }

    /// A command of cargo, of the same cargo that runs this program.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // Cargo's variables for this package must not reach the next cargo, which would rebuild what looks at them.
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME").args(args).current_dir(&self.root);
        command
    }

    /// A command in the checkout.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Becomes `program demo ARGS`, so that signals reach it and its exit code is this program's. Returns only if
    /// that fails.
    pub(crate) fn become_program(&self, program: &Path, args: &[String]) -> anyhow::Error {
        announce("forewarn demo");
        let error = self.command(program).arg("demo").args(args).exec();
        anyhow::Error::new(error).context(format!("failed to start {}", program.display()))
    }
}

/// Prints a heading of what comes next.
pub(crate) fn announce(what: &str) {
    eprintln!("\n==> {what}");
}

/// The command as one would type it, without the folders of the program.
pub(crate) fn as_typed(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

/// Runs a command whose output the user sees; a failure names the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let typed = as_typed(command);
    announce(&typed);
    let start = Stopwatch::start();
    let status = command.status().with_context(|| format!("failed to start `{typed}`"))?;
    if !status.success() {
        bail!("`{typed}` failed ({status}) after {}", minutes(start.elapsed()));
    }
    eprintln!("    {typed}: done in {}", minutes(start.elapsed()));
    Ok(())
}

/// Runs a command and returns what it prints; its complaints pass through.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let typed = as_typed(command);
    let out = command.stderr(Stdio::inherit()).output().with_context(|| format!("failed to start `{typed}`"))?;
    if !out.status.success() {
        bail!("`{typed}` failed ({})", out.status);
    }
    String::from_utf8(out.stdout).with_context(|| format!("`{typed}` printed no UTF-8"))
}

/// Whether a command ends well; all it prints is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Measures how long a chore takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts to measure.
    #[expect(clippy::disallowed_methods, reason = "chores decide nothing by the time; it is only shown")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long ago that was.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// A duration as people read it.
pub(crate) fn minutes(span: Duration) -> String {
    let s = span.as_secs();
    if s < 60 { format!("{:.1} s", span.as_secs_f64()) } else { format!("{} min {:02} s", s / 60, s % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_the_command_and_successes_pass() {
        assert!(run(Command::new("true").arg("x")).is_ok());
        let failed = run(Command::new("/bin/false").arg("--fast")).unwrap_err().to_string();
        assert!(failed.contains("`false --fast` failed"), "{failed}");
        let missing = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert!(missing.contains("failed to start `no-such-program`"), "{missing}");
        assert_eq!(output(Command::new("echo").arg("hi")).unwrap(), "hi\n");
    }

    #[test]
    fn durations_are_readable() {
        assert_eq!(minutes(Duration::from_millis(1250)), "1.2 s");
        assert_eq!(minutes(Duration::from_secs(125)), "2 min 05 s");
    }
}
