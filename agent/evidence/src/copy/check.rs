//! Whether a redacted copy is as it was made, and of what it is a copy.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use forewarn_domain::IncidentId;
use forewarn_seal::Device;
use forewarn_seal::certificate::{Certificates, Trusted};
use forewarn_seal::key::PublicKey;
use serde_json::{Value, json};

use super::{COPY_SCHEMA, Hiding, ORIGINAL, OriginalSeal, PAPER, PAPER_SIGNATURE, Paper, digest};
use crate::manifest::{Manifest, SIGNER};
use crate::manifest_file::VerifyError;
use crate::verify;

/// What the verification of a redacted copy tells.
#[derive(Debug)]
pub struct CopyVerification {
    /// The incident of whose bundle it is a copy.
    pub incident: IncidentId,
    /// Of which seal.
    pub original: OriginalSeal,
    /// What was hidden.
    pub hidden: Hiding,
    /// When, RFC 3339 in UTC.
    pub made_at: String,
    /// sha256 of the copy's paper.
    pub paper_sha256: String,
    /// How many files it has beside its paper and signature.
    pub files: usize,
    /// Who made it; none if it is not signed.
    pub device: Option<Device>,
    /// Whether somebody who is trusted vouches for that; none if nobody was named.
    pub is_vouched_for: Option<bool>,
    /// What is not as it was made; empty if all is.
    pub problems: Vec<String>,
}

impl CopyVerification {
    /// Whether the copy is as it was made. It is no original all the same.
    pub fn is_as_made(&self) -> bool {
        self.problems.is_empty()
    }

    /// For programs. It has no `intact`, which is said of evidence alone.
    pub fn to_json(&self) -> Value {
        json!({ "redacted_copy_of": self.incident, "unchanged": self.is_as_made(), "original": self.original,
            "hidden": self.hidden, "made_at": self.made_at, "paper_sha256": self.paper_sha256, "files": self.files,
            "device": self.device, "vouched_for": self.is_vouched_for, "problems": self.problems })
    }
}

impl fmt::Display for CopyVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_as_made() { "as it was made" } else { "NOT AS IT WAS MADE" };
        writeln!(
            f,
            "redacted copy of {}: {verdict}, {} files; it is not the original evidence",
            self.incident, self.files
        )?;
        writeln!(f, "  hidden: {}: {}", self.hidden.what, self.hidden.how)?;
        for model in &self.hidden.models {
            writeln!(f, "  found by model {}, sha256 {}", model.card, model.sha256)?;
        }
        for note in &self.hidden.notes {
            writeln!(f, "  {note}")?;
        }
        let seal = match (&self.original.number, &self.original.device) {
            (Some(number), Some(device)) => format!("seal {number} of site {} by key {}", device.site, device.key),
            _ => "unsigned".to_owned(),
        };
        writeln!(f, "  of the bundle whose manifest has sha256 {}: {seal}", self.original.manifest_sha256)?;
        match (&self.device, self.is_vouched_for) {
            (None, _) => writeln!(f, "  unsigned: whoever can write to it can make it anew")?,
            (Some(device), None) => writeln!(f, "  made by site {}, key {}, its own word", device.site, device.key)?,
            (Some(device), Some(is_vouched_for)) => {
                let who = if is_vouched_for { "somebody" } else { "nobody" };
                writeln!(f, "  made by site {}, key {}, {who} whom you trust vouches for it", device.site, device.key)?;
            }
        }
        writeln!(f, "  made at {}; sha256 of {PAPER} {}", self.made_at, self.paper_sha256)?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
    }
}

/// Checks every file of a redacted copy against its paper, the signatures, and the original's seal.
pub(crate) fn verify_copy(dir: &Path, trusted: Option<&Trusted>) -> Result<CopyVerification, VerifyError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| VerifyError::Unreadable { path, source }
    };
    let path = dir.join(PAPER);
    let bytes = fs::read(&path).map_err(unreadable(&path))?;
    let damaged = |why: String| VerifyError::Damaged { path: dir.to_owned(), why: format!("{PAPER}: {why}") };
    let paper: Paper = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if paper.schema != COPY_SCHEMA {
        return Err(damaged(format!("it is of layout \"{}\"; this agent knows {COPY_SCHEMA}", paper.schema)));
    }
    let mut problems = of_files(dir, &paper)?;
    let is_vouched_for = of_signature(dir, &paper, &bytes, trusted, &mut problems).map_err(unreadable(dir))?;
    of_original(dir, &paper, &mut problems).map_err(unreadable(dir))?;
    Ok(CopyVerification {
        incident: paper.redacted_copy_of,
        original: paper.original,
        hidden: paper.hidden,
        made_at: paper.made_at.utc.unwrap_or_default(),
        paper_sha256: digest(&bytes),
        files: paper.files.len(),
        device: paper.device,
        is_vouched_for,
        problems,
    })
}

fn of_files(dir: &Path, paper: &Paper) -> Result<Vec<String>, VerifyError> {
    let unreadable = |path: &Path, source| VerifyError::Unreadable { path: path.to_owned(), source };
    let problems = verify::of_files(dir, &paper.files, PAPER)?;
    let named: BTreeSet<&str> = paper.files.iter().map(|entry| entry.file.as_str()).collect();
    let mut extra = Vec::new();
    for entry in fs::read_dir(dir).map_err(|source| unreadable(dir, source))? {
        let file = entry.map_err(|source| unreadable(dir, source))?.file_name().to_string_lossy().into_owned();
        let is_of_the_paper = file == PAPER || (file == PAPER_SIGNATURE && paper.device.is_some());
        if !is_of_the_paper && !named.contains(file.as_str()) {
            extra.push(format!("{file}: not in {PAPER}"));
        }
    }
    extra.sort();
    // "Was sealed" is said of evidence.
    let said = problems.iter().map(|problem| problem.to_string().replace("were sealed", "were there when it was made"));
    Ok(said.chain(extra).collect())
}

/// Whether the signature of the paper holds, and who vouches for the key.
fn of_signature(
    dir: &Path,
    paper: &Paper,
    bytes: &[u8],
    trusted: Option<&Trusted>,
    problems: &mut Vec<String>,
) -> io::Result<Option<bool>> {
    let Some(device) = &paper.device else {
        problems.extend(trusted.map(|_| format!("{PAPER}: unsigned, so that nobody whom you trust vouches for it")));
        return Ok(trusted.map(|_| false));
    };
    match fs::read(dir.join(PAPER_SIGNATURE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            problems.push(format!("{PAPER_SIGNATURE}: gone: {PAPER} says who signed it"));
        }
        Err(error) => return Err(error),
        Ok(signature) if device.key.has_signed(bytes, &signature) => {}
        Ok(_) => problems.push(format!("{PAPER_SIGNATURE}: no signature of this {PAPER} by the key that it names")),
    }
    let certificates = certificates_of(dir, SIGNER, &device.key);
    let vouched = trusted.map(|trusted| match &certificates {
        _ if trusted.names(&device.key) => Ok(()),
        Ok(certificates) => certificates.are_vouched_for(trusted, paper.made_at.seconds.max(0.0) as u64),
        Err(why) => Err(why.clone()),
    });
    problems.extend(certificates.err().map(|why| format!("{SIGNER}: no certificate of the key that signed: {why}")));
    let is_vouched_for = vouched.as_ref().map(Result::is_ok);
    let nobody = |why| format!("made by a key for which nobody vouches whom you trust: {why}");
    problems.extend(vouched.and_then(Result::err).map(nobody));
    Ok(is_vouched_for)
}

fn certificates_of(dir: &Path, file: &str, key: &PublicKey) -> Result<Certificates, String> {
    let pem = fs::read(dir.join(file)).map_err(|error| error.to_string())?;
    let read = Certificates::from_pem(&pem).map_err(|error| error.to_string())?;
    if read.key() == Some(*key) { Ok(read) } else { Err("it is of another key".to_owned()) }
}

/// Whether the seal beside the copy is that of the original which the paper names.
fn of_original(dir: &Path, paper: &Paper, problems: &mut Vec<String>) -> io::Result<()> {
    let [(_, manifest), (_, signature), _] = ORIGINAL;
    let bytes = match fs::read(dir.join(manifest)) {
        // That it is gone is said already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    let told: Option<Manifest> = serde_json::from_slice(&bytes).ok();
    let is_it = told
        .as_ref()
        .is_some_and(|told| told.incident == paper.redacted_copy_of && told.device == paper.original.device);
    if digest(&bytes) != paper.original.manifest_sha256 || !is_it {
        problems.push(format!("{manifest}: not the manifest of the bundle that {PAPER} names"));
    }
    if let Some(device) = &paper.original.device {
        let signed = fs::read(dir.join(signature)).is_ok_and(|signature| device.key.has_signed(&bytes, &signature));
        if !signed {
            problems.push(format!("{signature}: no signature of {manifest} by the key that it names"));
        }
    }
    Ok(())
}
