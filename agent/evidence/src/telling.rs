//! What was verified, in words and as JSON.

use std::fmt;

use serde_json::{Value, json};

use crate::manifest_file::VerifyError;
use crate::verify::Verification;
use crate::verify_store::StoreVerification;

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_intact() { "intact" } else { "NOT INTACT" };
        writeln!(f, "{}: {verdict}, {} files, {} bytes", self.incident, self.files, self.bytes)?;
        writeln!(f, "  manifest sha256 {}", self.manifest_sha256)?;
        match &self.proof {
            None => writeln!(
                f,
                "  unsigned: sealed by a replay, or before the device had a key; whoever can write to it can seal it anew"
            )?,
            Some(proof) => {
                let state = proof.state.map_or("an unknown state", |state| state.as_str());
                let end = if proof.is_final { "" } else { ", while the incident went on" };
                writeln!(f, "  seal {} of site {}, in state {state}{end}", proof.number, proof.site)?;
                let trust = match proof.is_vouched_for {
                    None => {
                        "its own word: compare it with what `forewarn key show` says on the device, or name it by --trust"
                    }
                    Some(true) => "somebody whom you trust vouches for it",
                    Some(false) => "nobody whom you trust vouches for it",
                };
                writeln!(f, "  key {}, {trust}", proof.key)?;
            }
        }
        if let Some(at) = &self.sealed_at {
            let clock = self.clock.as_ref().map_or("nothing is said of it".to_owned(), ToString::to_string);
            writeln!(f, "  sealed at {at} by the box's clock: {clock}")?;
        }
        crate::carried::tell(&self.credentials, f)?;
        crate::camera_signed::tell(&self.camera_signed, f)?;
        for stamp in &self.stamps {
            writeln!(f, "  {stamp}")?;
        }
        for gap in &self.missing {
            writeln!(f, "  stated as missing when it was sealed: {}: {}", gap.what, gap.why)?;
        }
        for problem in &self.problems {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}

impl Verification {
    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let problems: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        let seal = self.proof.as_ref().map(|proof| {
            json!({ "site": proof.site, "key": proof.key, "number": proof.number, "previous": proof.previous,
                "supersedes": proof.supersedes, "state": proof.state, "final": proof.is_final,
                "vouched_for": proof.is_vouched_for })
        });
        json!({ "incident": self.incident, "manifest_sha256": self.manifest_sha256, "files": self.files,
            "bytes": self.bytes, "intact": self.is_intact(), "missing": self.missing, "problems": problems,
            "sealed_at": self.sealed_at, "clock": self.clock, "seal": seal,
            "time_stamps": self.stamps,
            "camera_signatures": self.camera_signed.iter().map(crate::camera_signed::CameraSigned::to_json).collect::<Vec<_>>(),
            "content_credentials": self.credentials.iter().map(crate::carried::Carried::to_json).collect::<Vec<_>>() })
    }
}

impl fmt::Display for StoreVerification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for checked in &self.bundles {
            match &checked.found {
                Ok(found) => found.fmt(f)?,
                Err(VerifyError::Unsealed { .. }) => writeln!(
                    f,
                    "{}: not sealed: its incident goes on, or the agent was stopped before it was sealed",
                    checked.folder
                )?,
                Err(error) => writeln!(f, "{}: NOT CHECKED: {error}", checked.folder)?,
            }
        }
        match self.chain.span {
            None => writeln!(f, "chain: no link of one is here")?,
            Some((first, last)) => {
                let verdict = if self.chain.problems.is_empty() { "whole" } else { "NOT WHOLE" };
                writeln!(
                    f,
                    "chain: {verdict}, links {first} to {last}, {} are here, {} of bundles that the device deleted",
                    self.chain.links, self.chain.removed
                )?;
                for key in &self.chain.keys {
                    writeln!(f, "  key {key}")?;
                }
            }
        }
        for told in &self.deleted {
            writeln!(f, "  {told}")?;
        }
        for incident in &self.chain.held {
            writeln!(f, "  {incident}: held, so that the device may not delete it")?;
        }
        if !self.has_head && self.chain.span.is_some() {
            writeln!(
                f,
                "  without {} nobody can tell whether later ones are missing: compare with the last `sealed` event",
                crate::chain_file::HEAD
            )?;
        }
        let problems = self.chain.problems.iter().map(ToString::to_string).chain(self.problems.iter().cloned());
        for problem in problems {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}

impl StoreVerification {
    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let bundle = |checked: &crate::verify_store::Checked| {
            let mut value = match &checked.found {
                Ok(found) => found.to_json(),
                Err(VerifyError::Unsealed { .. }) => json!({ "intact": null, "problems": [] }),
                Err(error) => json!({ "intact": false, "problems": [error.to_string()] }),
            };
            value["folder"] = checked.folder.clone().into();
            value
        };
        let bundles: Vec<Value> = self.bundles.iter().map(bundle).collect();
        let chain: Vec<String> = self.chain.problems.iter().map(ToString::to_string).collect();
        json!({ "intact": self.is_intact(), "bundles": bundles, "problems": self.problems,
            "chain": { "first": self.chain.span.map(|span| span.0), "last": self.chain.span.map(|span| span.1),
                "links": self.chain.links, "deleted": self.chain.removed, "tombstones": self.deleted,
                "held": self.chain.held, "keys": self.chain.keys,
                "has_head": self.has_head, "problems": chain } })
    }
}
