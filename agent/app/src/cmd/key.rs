//! `forewarn key`: the key by which the device signs evidence.

use std::io::Write as _;

use anyhow::Context as _;
use forewarn_domain::clock::wall_now;
use forewarn_evidence::Limits;

use crate::config;
use crate::evidence_folder::{signed_store, signing};
use crate::exit::{CommandResult, ExitCode, OrExit as _};
use forewarn_cli::Key;

/// Runs the command.
pub fn run(args: &Key) -> CommandResult {
    let (Key::Init { config }
    | Key::Show { config }
    | Key::Csr { config }
    | Key::Roll { config }
    | Key::Import { config, .. }) = args;
    let site = config::load(config).or_exit(ExitCode::BadConfig)?;
    let keys = signing(&site);
    match args {
        Key::Init { .. } => keys.make().or_exit(ExitCode::Failed)?,
        Key::Show { .. } => {}
        Key::Csr { .. } => {
            write!(std::io::stdout(), "{}", keys.request().or_exit(ExitCode::Failed)?)?;
            return Ok(());
        }
        Key::Import { certificate, .. } => {
            let pem = std::fs::read_to_string(certificate)
                .with_context(|| format!("failed to read {}", certificate.display()))
                .or_exit(ExitCode::BadInput)?;
            keys.import(&pem, wall_now().as_secs_f64().max(0.0) as u64).or_exit(ExitCode::BadInput)?;
        }
        Key::Roll { .. } => {
            // Nobody else may lengthen the chain meanwhile.
            let _claim = config::claim(&site.storage.dir)?;
            let mut store = signed_store(&site, Limits::default());
            store.prepare().and_then(|()| store.exchange_key(wall_now())).or_exit(ExitCode::Failed)?;
        }
    }
    let key = keys.load().or_exit(ExitCode::BadInput)?;
    writeln!(std::io::stdout(), "key {}\ncertificate {}", key, keys.certificate_path().display())?;
    Ok(())
}
