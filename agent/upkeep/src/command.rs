//! `forewarn clip`, `backup`, `restore` and `support`: what is typed, done.

use std::io::Write;

use forewarn_cli::{Backup, Clip, Restore, Support};

use crate::backup::{self, Wanted};
use crate::error::UpkeepError;
use crate::{footage, restore, support};

/// What was typed.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// `forewarn clip`.
    Clip(&'a Clip),
    /// `forewarn backup`.
    Backup(&'a Backup),
    /// `forewarn restore`.
    Restore(&'a Restore),
    /// `forewarn support`.
    Support(&'a Support),
}

/// Does it, and says on `out` what came of it.
pub fn run(asked: Asked<'_>, out: &mut dyn Write) -> Result<(), UpkeepError> {
    let said = match asked {
        Asked::Clip(args) => footage::run(args)?,
        Asked::Backup(args) => {
            let site = forewarn_config::load(&args.config)?;
            let wanted = Wanted { keys: args.keys, secrets: args.secrets, evidence: args.evidence };
            let made = backup::make(&args.out, &site, &args.config, wanted)?;
            format!("{}: {} files, {} bytes", args.out.display(), made.files, made.bytes)
        }
        Asked::Restore(args) => {
            let made = restore::restore(&args.backup, &args.config, args.over)?;
            format!("restored {} files; next: forewarn check {}", made.files, args.config.display())
        }
        Asked::Support(args) => {
            let names = support::make(&args.out, &support::Asked { site_file: &args.config, logs: &args.logs })?;
            format!("{}: {}; read it before you send it", args.out.display(), names.join(", "))
        }
    };
    writeln!(out, "{said}").map_err(UpkeepError::io("write to", "standard output"))
}
