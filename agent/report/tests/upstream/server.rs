//! Servers that others have made, as children.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;

/// Where `cargo xtask test` puts what others have made.
pub(crate) const READERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/readers");
pub(crate) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/readers");

/// A server of others, as a child. It says on which port it listens, and then what it is asked.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        assert!(Path::new(READERS).join("moto").is_dir(), "run `cargo xtask test` once, which fetches the servers");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.next().and_then(|line| line.parse().ok()).expect("it says its port first");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let shared = Arc::clone(&asked);
        let read = move || lines.for_each(|line| lock(&shared).push(line));
        std::thread::Builder::new().name("asked".to_owned()).spawn(read).unwrap();
        Self { child, port, asked }
    }

    pub(crate) fn s3() -> Self {
        Self::start(Command::new("python3").arg(format!("{SCRIPTS}/s3.py")).env("PYTHONPATH", READERS))
    }

    /// A platform of GA/T 1400 with these arguments.
    pub(crate) fn viid(arguments: &[&str]) -> Self {
        Self::start(Command::new("python3").arg(format!("{SCRIPTS}/viid.py")).args(arguments))
    }

    /// A push service whose phones answer so.
    pub(crate) fn push(answers: &[&str]) -> Self {
        let script = format!("{SCRIPTS}/push.py");
        Self::start(Command::new("python3").arg(script).args(answers).env("PYTHONPATH", READERS))
    }

    pub(crate) fn tus(folder: &Path, port: u16) -> Self {
        let script = format!("{SCRIPTS}/tus.mjs");
        Self::start(Command::new("node").args([script, format!("{READERS}/npm")]).arg(folder).arg(port.to_string()))
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }

    /// How many of the questions contain all of these.
    pub(crate) fn count(&self, parts: &[&str]) -> usize {
        self.asked().iter().filter(|asked| parts.iter().all(|part| asked.contains(part))).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
