//! What lies where in the storage directory. Nobody else names a path in it.

use std::path::{Path, PathBuf};

/// The directory of everything that an agent keeps, or that a replay writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageDir(PathBuf);

impl StorageDir {
    /// The directory at `path`, which need not be there yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Gives each entry its method, and its row in docs/configuration.md.
macro_rules! entries {
    ($($(#[doc = $doc:literal])+ $method:ident = $name:literal;)+) => {
        impl StorageDir {
            $($(#[doc = $doc])+
            pub fn $method(&self) -> PathBuf {
                self.0.join($name)
            })+
        }

        impl StorageDir {
            /// The path of every entry.
            pub fn entries(&self) -> Vec<PathBuf> {
                [$($name),+].map(|name| self.0.join(name)).to_vec()
            }
        }

        /// Each name and what it is.
        #[cfg(test)]
        const ENTRIES: &[(&str, &str)] = &[$(($name, concat!($($doc),+))),+];
    };
}

entries! {
    /// The evidence of incidents, a folder a day.
    evidence = "evidence";
    /// All video of cameras with `footage = true`, a folder a camera, in it one a day, and a file a minute (UTC).
    footage = "footage";
    /// The key by which the device signs evidence, and its certificates; see `forewarn key`.
    keys = "keys";
    /// There while a backup is being restored; a start that finds it says that the restore was not finished.
    unfinished_restore = "restore.unfinished";
    /// Reports that wait for upstream, and the incidents that the agent remembers.
    outbox = "outbox.sqlite";
    /// How far evidence has been brought over to [upstreams that keep it](recipients/s3.md), a file an upstream.
    uploads = "uploads";
    /// The key of the [links by which phones answer](recipients/ntfy.md#buttons-that-act), and those that were used lately.
    answer_links = "answer-links.json";
    /// The key by which [Web Push](recipients/web-push.md) knows the site, and the phones that are told.
    web_push = "web-push.json";
    /// Where the agent's time line stands, and how the clock was set, across a restart.
    clock = "clock.json";
    /// What the rules know of absent subjects, across a restart.
    rules_memory = "rules-memory.json";
    /// The empty scenes that cameras have learned, a file each.
    scenes = "scenes";
    /// The instances that are passed over, by `forewarn suppress`.
    suppressions = "suppressions.json";
    /// The accounts of the console, with hashes of their passwords.
    console_accounts = "console-accounts.json";
    /// The tokens of programs that ask the console.
    console_tokens = "console-tokens.json";
    /// The certificate that the console made with `[console] tls`, and its key.
    console_certificate = "console-tls.pem";
    /// Who did what in the console; its older half is `console-audit.1.jsonl`.
    console_audit = "console-audit.jsonl";
    /// What the console finds incidents by; it is made anew where it is gone.
    console_index = "incidents.sqlite";
    /// The commands that were taken lately, so that none is done twice, and the silences that hold.
    commands = "commands.json";
    /// Which commands came from whom and what became of them; its older half is `commands-audit.1.jsonl`.
    commands_audit = "commands-audit.jsonl";
    /// What operators said of incidents, by `forewarn feedback`.
    feedback = "feedback.jsonl";
    /// Where people stayed, a folder a camera and a file a day, with `[heat_map]`.
    heat = "heat";
    /// What flights saw, a folder each, by `forewarn mission`.
    missions = "missions";
    /// What went over thin links in the last day, a file an upstream, so that a restart begins no new budget.
    spent = "spent";
    /// Where a second model differs, with `[model.shadow]`; its older half is `shadow.1.jsonl`.
    shadow_log = "shadow.jsonl";
    /// Clips that are not finished, and the latest redacted copy that the console made; nothing in it outlives a start.
    scratch = ".scratch";
    /// Held by the agent that uses the directory, so that no second one does.
    lock = "agent.lock";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_entry() {
        let page = include_str!("../../../docs/configuration.md");
        let rows: Vec<String> = ENTRIES.iter().map(|(name, what)| format!("| `{name}` |{what} |\n")).collect();
        let table = rows.concat();
        assert!(page.contains(&table), "docs/configuration.md, \"[storage]\", lacks this table:\n{table}");
    }
}
