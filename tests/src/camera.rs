//! A real RTSP camera: `forewarn sim camera` in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::process::Owned;
use crate::program::{ForewarnBin, demo_clip};
use crate::scene::Scene;

/// How a camera is to serve.
#[derive(Debug, Clone)]
pub struct CameraOptions {
    /// The clip.
    pub clip: PathBuf,
    /// Whether it begins again at its end.
    pub is_looped: bool,
    /// User and password that it asks for.
    pub login: Option<(String, String)>,
}

impl CameraOptions {
    /// Serves `clip` over and over to everybody.
    pub fn looped(clip: &Path) -> Self {
        Self { clip: clip.to_owned(), is_looped: true, login: None }
    }
}

/// A camera that runs.
#[derive(Debug)]
pub struct SimCamera {
    program: ForewarnBin,
    options: CameraOptions,
    dir: PathBuf,
    url: String,
    process: Option<Owned>,
}

impl SimCamera {
    /// Serves the demo's clip over and over to everybody, with its files in the test's folder.
    pub fn of_demo(scene: &Scene) -> anyhow::Result<Self> {
        Self::start(&scene.program, scene.dir(), CameraOptions::looped(&demo_clip()?))
    }

    /// Starts it on a free port, with its files in `dir`, and returns when it serves.
    pub fn start(program: &ForewarnBin, dir: &Path, options: CameraOptions) -> anyhow::Result<Self> {
        let mut camera =
            Self { program: program.clone(), options, dir: dir.to_owned(), url: String::new(), process: None };
        camera.serve(0)?;
        Ok(camera)
    }

    /// Where it streams.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number of its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Owned::id)
    }

    /// Kills it at once.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Starts it again on the same port, after [`SimCamera::kill`].
    pub fn restart(&mut self) -> anyhow::Result<()> {
        let port =
            self.url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()).context("the URL has a port")?;
        self.serve(port.parse().with_context(|| format!("`{port}` is no port"))?)
    }

    fn serve(&mut self, port: u16) -> anyhow::Result<()> {
        let mut command = self.program.command();
        command.args(["sim", "camera", "--port", &port.to_string()]).arg(&self.options.clip);
        if self.options.is_looped {
            command.arg("--loop");
        }
        if let Some((user, password)) = &self.options.login {
            let file = self.dir.join("camera.secret");
            std::fs::write(&file, format!("{password}\n"))?;
            command.args(["--user", user, "--password-file"]).arg(file);
        }
        let mut process = Owned::spawn("the simulated camera", command.stdout(Stdio::piped()))?;
        let mut line = String::new();
        if let Some(stdout) = process.take_stdout() {
            BufReader::new(stdout).read_line(&mut line).context("failed to read from the simulated camera")?;
        }
        let Some(start) = line.find("rtsp://") else {
            bail!("the simulated camera did not start; its messages are above");
        };
        line[start..].split_whitespace().next().unwrap_or_default().clone_into(&mut self.url);
        self.process = Some(process);
        Ok(())
    }
}
