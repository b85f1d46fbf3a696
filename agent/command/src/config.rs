//! `[commands]`: whose commands are taken, and by which broker.

use std::path::Path;

use forewarn_base::broker::Broker;
use forewarn_base::broker_table;
use forewarn_base::secret::{Environment, PasswordSource, Secret};
use forewarn_base::setting::SettingError;

/// A secret that is shorter can be guessed.
const LEAST_CHARS: usize = 16;

broker_table! {
    /// Whose commands are taken, and by which broker, as the site file describes it.
    pub struct CommandsConfig {
        /// The topic on which commands come; `forewarn/SITE/commands` if not given. Replies go to `TOPIC/replies`.
        #[serde(default)]
        pub topic: Option<String>,
        /// A file whose first line is the secret with which commands are signed, 16 characters or more.
        #[serde(default)]
        pub secret_file: Option<std::path::PathBuf>,
        /// The environment variable that holds the secret.
        #[serde(default)]
        pub secret_env: Option<String>,
    }
}

/// The settings, checked, with their secrets.
#[derive(Debug, Clone)]
pub struct ResolvedCommands {
    /// The site that commands must name.
    pub site: String,
    /// The broker.
    pub broker: Broker,
    /// Where commands come from.
    pub topic: String,
    /// What signs them.
    pub secret: Secret,
}

impl CommandsConfig {
    /// Checks the settings and reads secrets, certificates and keys, whose paths are relative to `directory`.
    pub fn resolve(
        &self,
        site: &str,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<ResolvedCommands, SettingError> {
        let broker = self.broker().resolve(format!("forewarn-{site}-commands"), directory, environment)?;
        let topic = self.topic.clone().unwrap_or_else(|| format!("forewarn/{site}/commands"));
        if topic.is_empty() || topic.starts_with('$') || topic.contains(['+', '#', '\0']) || topic.len() > 1000 {
            return Err(SettingError::value(
                "topic",
                format!("{topic:?} is no topic of one agent"),
                "write names joined by /, without + # $",
            ));
        }
        let secret = match (&self.secret_file, &self.secret_env) {
            (Some(file), None) => PasswordSource::File(file.clone())
                .read_for("secret_file", directory, environment)
                .map_err(|error| renamed(error, "secret_file"))?,
            (None, Some(name)) => PasswordSource::Env(name.clone())
                .read_for("secret_env", directory, environment)
                .map_err(|error| renamed(error, "secret_env"))?,
            _ => {
                let why = "commands are signed with one secret, and `secret_file` and `secret_env` are both given or both absent";
                return Err(SettingError::value(
                    "secret_file",
                    why,
                    "name one file: `openssl rand -hex 32 > commands.secret`",
                ));
            }
        };
        if secret.expose().chars().count() < LEAST_CHARS {
            let why = format!("a secret of fewer than {LEAST_CHARS} characters can be guessed");
            return Err(SettingError::value("secret_file", why, "make one: `openssl rand -hex 32 > commands.secret`"));
        }
        Ok(ResolvedCommands { site: site.to_owned(), broker, topic, secret })
    }
}

/// The same mistake, of the key that was read as a password's.
fn renamed(error: SettingError, key: &'static str) -> SettingError {
    match error {
        SettingError::Value { why, .. } => SettingError::Value { key, why, mend: "set it, or use `secret_file`" },
        SettingError::File { path, why, .. } => {
            let mend = "make a readable file whose first line is the secret: `openssl rand -hex 32 > commands.secret`";
            SettingError::File { key, path, why, mend }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(keys: &str) -> Result<ResolvedCommands, String> {
        let config: CommandsConfig = serde_json::from_str(&format!(r#"{{"url":"mqtt://b"{keys}}}"#)).unwrap();
        let variable = |name: &str| match name {
            "LONG" => Some("0123456789abcdef".to_owned()),
            "SHORT" => Some("secret".to_owned()),
            _ => None,
        };
        config.resolve("north", Path::new("/nowhere"), &variable).map_err(|error| error.line())
    }

    #[test]
    fn the_topic_and_the_client_are_named_by_the_site() {
        let commands = resolve(r#","secret_env":"LONG""#).unwrap();
        assert_eq!(
            (commands.topic.as_str(), commands.broker.client_id.as_str()),
            ("forewarn/north/commands", "forewarn-north-commands")
        );
        assert!(!format!("{commands:?}").contains("0123456789"), "a secret is never shown");
    }

    #[test]
    fn mistakes_name_the_key_and_what_to_do() {
        for (keys, says) in [
            ("", "secret_file: commands are signed with one secret"),
            (r#","secret_env":"LONG","secret_file":"s""#, "both given or both absent; name one file: `openssl rand"),
            (
                r#","secret_env":"NONE""#,
                "secret_env: the environment has no variable NONE; set it, or use `secret_file`",
            ),
            (r#","secret_file":"s""#, "secret_file: failed to read /nowhere/s"),
            (r#","secret_env":"SHORT""#, "fewer than 16 characters can be guessed"),
            (r#","secret_env":"LONG","topic":"a/#""#, "topic: \"a/#\" is no topic of one agent"),
        ] {
            let told = resolve(keys).unwrap_err();
            assert!(told.contains(says), "{keys}: {told}");
        }
    }
}
