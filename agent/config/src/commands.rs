//! `[commands]`: whose commands are taken.

use forewarn_command::{CommandsConfig, ResolvedCommands};
use toml::Spanned;

use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"# [commands]                     # what upstream may ask of this agent; see docs/commands.md
# url = "mqtts://reports.example"
# topic = "forewarn/riverside/commands" # this if absent; replies go to it with /replies behind
# secret_file = "commands.secret"  # signs each command: `openssl rand -hex 32 > commands.secret`
# user = "riverside"
# password_file = "mqtt.secret"  # of the broker
"#;

/// Checks the table and reads its secrets, whose paths are relative to the site file.
pub(crate) fn check(table: &Spanned<CommandsConfig>, check: &mut Check<'_>, site: &str) -> Option<ResolvedCommands> {
    match table.get_ref().resolve(site, check.directory(), &|name| std::env::var(name).ok()) {
        Ok(commands) => Some(commands),
        Err(error) => check.fail_key(table.span(), error.key(), error.to_string(), error.mend()),
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve;
    use crate::source::Source;

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let told = |keys: &str| {
            let camera = "[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n";
            let text = format!("[site]\nid = \"s\"\n[commands]\nurl = \"mqtt://b\"\n{keys}\n{camera}");
            resolve(&Source::new("site.toml", text)).map(|site| site.commands).map_err(|errors| errors.to_string())
        };
        let none = told("").unwrap_err();
        assert!(none.starts_with("site.toml:3: secret_file: commands are signed with one secret"), "{none}");
        let short = told("secret_file = \"no-such-file\"").unwrap_err();
        assert!(short.starts_with("site.toml:5: secret_file: failed to read "), "{short}");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("commands.secret");
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        let commands = told(&format!("secret_file = \"{}\"", file.display())).unwrap().unwrap();
        assert_eq!((commands.site.as_str(), commands.topic.as_str()), ("s", "forewarn/s/commands"));
    }
}
