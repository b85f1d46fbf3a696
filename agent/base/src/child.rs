//! Other programs, run to their end: bounded in time and output, and none left behind.
//!
//! A program runs in a process group of its own. When it has ended, or its time is up, whatever it has started and left is
//! stopped with it, so that no process and no pipe outlives the call.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Once, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, kill_process_group, set_child_subreaper, waitid,
};

/// Has a program run at the system's idle priority; the disk's follows it.
const CHRT: &str = "/usr/bin/chrt";
/// Has a program end with the thread that began it, however that ends.
const SETPRIV: &str = "/usr/bin/setpriv";
/// Most bytes that are kept of what a program complains about.
const COMPLAINT_BYTES: u64 = 4096;

/// How often it is asked whether a program is to be stopped.
const ASKED_EVERY: Duration = Duration::from_millis(200);

/// What a program may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time until it has ended.
    pub time: Duration,
    /// The bytes of its output.
    pub output_bytes: u64,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it wrote.
    pub output: Vec<u8>,
    /// The first line that it wrote to stderr, or none.
    pub complaint: Option<String>,
}

impl Ended {
    /// Why it failed, in its own words where it has some.
    pub fn why(self) -> String {
        self.complaint.unwrap_or_else(|| format!("it ended with {}", self.status))
    }
}

/// A program did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There is no such program.
    #[error("there is no program {}", program.display())]
    Missing {
        /// The program.
        program: PathBuf,
    },
    /// It cannot be started or spoken to.
    #[error("failed to run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its time was up.
    #[error("{} did not end within {limit:?} and was stopped", program.display())]
    Timeout {
        /// The program.
        program: PathBuf,
        /// The limit.
        limit: Duration,
    },
    /// It was stopped, as was asked.
    #[error("{} was stopped", program.display())]
    Stopped {
        /// The program.
        program: PathBuf,
    },
    /// It wrote too much.
    #[error("{} wrote more than {limit_bytes} bytes", program.display())]
    TooMuch {
        /// The program.
        program: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
}

/// Runs a program, whose arguments and folder `command` says, with `input` to its end.
pub fn run(command: Command, input: &[u8], limits: Limits) -> Result<Ended, ChildError> {
    run_unless(command, input, limits, &|| false)
}

/// The same, and stops it when `is_stopped` says so, which is asked five times a second.
pub fn run_unless(
    mut command: Command,
    input: &[u8],
    limits: Limits,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Ended, ChildError> {
    let program = PathBuf::from(command.get_program());
    let broke = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ChildError::Missing { program: program.clone() },
        _ => ChildError::Run { program: program.clone(), source },
    };
    adopt();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group(command.process_group(0).spawn().map_err(broke)?);
    let ended = watch(&mut group.0, input, limits).map_err(broke)?;
    let mut left = limits.time;
    let written = loop {
        let turn = left.min(ASKED_EVERY);
        left -= turn;
        match ended.recv_timeout(turn) {
            Ok(written) => break written,
            Err(_) if is_stopped() => return Err(ChildError::Stopped { program }),
            Err(_) if left.is_zero() => return Err(ChildError::Timeout { program, limit: limits.time }),
            Err(_) => {}
        }
    };
    let (output, complaint) = written.map_err(broke)?;
    let status = group.0.wait().map_err(broke)?;
    if output.len() as u64 > limits.output_bytes {
        return Err(ChildError::TooMuch { program, limit_bytes: limits.output_bytes });
    }
    let complaint = String::from_utf8_lossy(&complaint);
    let complaint = complaint.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    Ok(Ended { status, output, complaint })
}

/// A program that has the processor and the disk only while nobody else wants them, and is killed when the thread that begins it
/// has ended, also by a kill.
pub fn idle(program: &Path) -> Command {
    // All are on every Debian; a system without the others still has the first.
    let mut command = Command::new("nice");
    command.args(["-n", "19"]);
    if Path::new(CHRT).exists() {
        command.args([CHRT, "--idle", "0"]);
    }
    if Path::new(SETPRIV).exists() {
        command.args([SETPRIV, "--pdeathsig", "KILL"]);
    }
    command.arg(program);
    command
}

type Written = io::Result<(Vec<u8>, Vec<u8>)>;

/// Feeds and reads the child on threads, so that the caller can stop to wait.
fn watch(child: &mut Child, input: &[u8], limits: Limits) -> io::Result<mpsc::Receiver<Written>> {
    // One byte more than allowed tells that it is too much; then the pipe is closed, which ends most programs.
    let most = limits.output_bytes.saturating_add(1);
    let output = read_on_thread("child-output", child.stdout.take(), move |pipe, kept| {
        pipe.by_ref().take(most).read_to_end(kept).map(|_| ())
    })?;
    let complaint = read_on_thread("child-complaint", child.stderr.take(), |pipe, kept| {
        pipe.by_ref().take(COMPLAINT_BYTES).read_to_end(kept)?;
        // The rest is passed over, lest the child waits for a reader.
        io::copy(pipe, &mut io::sink()).map(|_| ())
    })?;
    if let Some(stdin) = child.stdin.take() {
        write_on_thread(stdin, input.to_vec())?;
    }
    let (done, ended) = mpsc::sync_channel(1);
    let pid = pid_of(child);
    Builder::new().name("child-end".to_owned()).spawn(move || {
        let wait = || -> Written {
            if let Some(pid) = pid {
                // The child is left to be waited for once more, so that its number is not given away before its group is
                // stopped.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                retry_on_intr(|| waitid(WaitId::Pid(pid), options))?;
                stop_group(pid);
            }
            Ok((join(output)?, join(complaint)?))
        };
        // Nobody listens any more once the time limit has passed.
        let _ = done.send(wait());
    })?;
    Ok(ended)
}

fn read_on_thread<P: Read + Send + 'static>(
    name: &str,
    pipe: Option<P>,
    read: impl FnOnce(&mut P, &mut Vec<u8>) -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<io::Result<Vec<u8>>>> {
    Builder::new().name(name.to_owned()).spawn(move || {
        let mut kept = Vec::new();
        pipe.map_or(Ok(()), |mut pipe| read(&mut pipe, &mut kept))?;
        Ok(kept)
    })
}

fn write_on_thread(mut stdin: ChildStdin, input: Vec<u8>) -> io::Result<()> {
    Builder::new().name("child-input".to_owned()).spawn(move || {
        // An error means that the child reads no further; its status and its complaint say more.
        let _ = stdin.write_all(&input);
    })?;
    Ok(())
}

fn join(reader: JoinHandle<io::Result<Vec<u8>>>) -> io::Result<Vec<u8>> {
    reader.join().unwrap_or_else(|_| Err(io::Error::other("the reader of its output panicked")))
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn stop_group(leader: Pid) {
    // It fails harmlessly where nothing is left of the group.
    let _ = kill_process_group(leader, Signal::KILL);
}

/// From now on what a program has started and left becomes this process's to wait for, in place of the system's first
/// process, which may be slow at it or none at all in a container. Where that is refused, it is as before.
fn adopt() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let _ = set_child_subreaper(Some(getpid()));
    });
}

/// Waits for what is left of a group that was stopped.
fn bury(leader: Pid) {
    let next = move |more| retry_on_intr(|| waitid(WaitId::Pgid(Some(leader)), WaitIdOptions::EXITED | more));
    let is_left = loop {
        match next(WaitIdOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    if is_left {
        // A killed process goes on its own way to its end, and a disk may hold it up.
        let wait = move || while matches!(next(WaitIdOptions::empty()), Ok(Some(_))) {};
        // Without a thread they wait for the system.
        drop(Builder::new().name("child-rest".to_owned()).spawn(wait));
    }
}

/// A child that leads a process group and is stopped with it and waited for on every way out.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // A child that has been waited for may have given its number away.
        if matches!(self.0.try_wait(), Ok(None))
            && let Some(pid) = pid_of(&self.0)
        {
            stop_group(pid);
        }
        // It fails harmlessly for a child that has been waited for.
        let _ = self.0.wait();
        if let Some(pid) = pid_of(&self.0) {
            bury(pid);
        }
    }
}

/// Sends SIGHUP to another process, at which a server reads its configuration again.
pub fn hang_up(process: u32) -> io::Result<()> {
    let number = i32::try_from(process).ok().and_then(Pid::from_raw);
    let pid = number.ok_or_else(|| io::Error::other(format!("{process} is no number of a process")))?;
    Ok(kill_process(pid, Signal::HUP)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(20), output_bytes: 1 << 20 };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn input_goes_in_and_output_status_and_complaint_come_out() {
        let input = vec![b'x'; 300_000];
        let ended = run(Command::new("cat"), &input, LIMITS).unwrap();
        assert!(ended.status.success() && ended.output == input && ended.complaint.is_none());
        let ended = run(shell("echo; echo no such voice >&2; echo more >&2; exit 3"), b"", LIMITS).unwrap();
        assert_eq!((ended.status.code(), ended.complaint.as_deref()), (Some(3), Some("no such voice")));
    }

    #[test]
    fn a_child_that_reads_nothing_or_complains_without_end_is_no_obstacle() {
        let ended =
            run(shell("exec <&-; yes complaint | head -c 1000000 >&2; echo done"), &vec![0; 300_000], LIMITS).unwrap();
        assert_eq!(ended.output, b"done\n");
        assert_eq!(ended.complaint.as_deref(), Some("complaint"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(Command::new("/nonexistent/espeak-ng"), b"", LIMITS).unwrap_err();
        assert_eq!(error.to_string(), "there is no program /nonexistent/espeak-ng");
    }

    #[test]
    fn the_output_is_bounded() {
        let limits = Limits { output_bytes: 1000, ..LIMITS };
        assert_eq!(run(shell("yes | head -c 1000"), b"", limits).unwrap().output.len(), 1000);
        let error = run(shell("yes | head -c 1001"), b"", limits).unwrap_err();
        assert!(matches!(error, ChildError::TooMuch { limit_bytes: 1000, .. }), "{error}");
        let error = run(Command::new("yes"), b"", limits).unwrap_err();
        assert!(matches!(error, ChildError::TooMuch { .. }), "{error}");
    }

    #[test]
    fn an_idle_program_runs_behind_all_others_and_is_stopped_when_asked() {
        let told = run(idle(Path::new("/bin/cat")), b"1", LIMITS).unwrap();
        assert_eq!(told.output, b"1");
        let mut stat = idle(Path::new("/bin/cat"));
        stat.arg("/proc/self/stat");
        let told = String::from_utf8(run(stat, b"", LIMITS).unwrap().output).unwrap();
        // Behind the name in brackets: the 17th is the niceness, the 39th the policy, of which 5 is SCHED_IDLE.
        let fields: Vec<&str> = told.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let policy = if Path::new(CHRT).exists() { "5" } else { "0" };
        assert_eq!((fields[16], fields[38]), ("19", policy), "{told}");
        let error = run_unless(shell("exec sleep 1000"), b"", LIMITS, &|| true).unwrap_err();
        assert!(matches!(error, ChildError::Stopped { .. }), "{error}");
    }

    #[test]
    fn an_idle_program_ends_with_the_thread_that_began_it() {
        if !Path::new(SETPRIV).exists() {
            return;
        }
        let begin = || {
            let mut command = idle(Path::new("/bin/sh"));
            let mut child = command.args(["-c", "echo up; exec sleep 1000"]).stdout(Stdio::piped()).spawn().unwrap();
            let mut up = [0; 3];
            child.stdout.as_mut().unwrap().read_exact(&mut up).unwrap();
            child
        };
        let mut child = Builder::new().name("begins".to_owned()).spawn(begin).unwrap().join().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "{status}");
    }

    /// Whether nothing is left of the process whose number the script wrote, not even a zombie.
    fn is_gone(file: &std::path::Path) -> bool {
        let pid = std::fs::read_to_string(file).unwrap();
        !std::path::Path::new(&format!("/proc/{}", pid.trim())).exists()
    }

    #[test]
    fn a_child_that_hangs_is_stopped_with_what_it_has_started() {
        let dir = tempfile::tempdir().unwrap();
        let (own, other) = (dir.path().join("own"), dir.path().join("other"));
        let script = format!("echo $$ > {}; sleep 1000 & echo $! > {}; wait", own.display(), other.display());
        let limits = Limits { time: Duration::from_secs(2), ..LIMITS };
        let error = run(shell(&script), b"", limits).unwrap_err();
        assert!(matches!(error, ChildError::Timeout { .. }), "{error}");
        assert!(is_gone(&own));
        // A killed process goes on its own way to its end.
        while !is_gone(&other) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_child_leaves_running_keeps_nobody_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("other");
        let script = format!("sleep 1000 & echo $! > {}; echo said", other.display());
        let ended = run(shell(&script), b"", LIMITS).unwrap();
        assert_eq!((ended.status.success(), ended.output.as_slice()), (true, &b"said\n"[..]));
        while !is_gone(&other) {
            std::thread::yield_now();
        }
    }
}
