//! What a publisher over RTMP must name to be heard.

use rtmp_runtime::server::ServerConfig;

use crate::SourceUrl;

/// Why somebody is sent away who has not come to publish.
pub(super) const NO_KEY: &str = "it does not say what it publishes, or by a key that is not the camera's";

/// What a publisher must name: the application, and the key.
pub(super) struct Wanted {
    app: Option<String>,
    key: Option<String>,
}

impl Wanted {
    /// By the path of the address; whatever it does not name, any will do.
    pub(super) fn of(source: &SourceUrl) -> Self {
        let location = source.location();
        let path = location.split_once("://").map_or(location, |(_, rest)| rest);
        let path = path.split_once('/').map_or("", |(_, path)| path);
        let path = path.split('?').next().unwrap_or_default().trim_matches('/');
        let (app, key) = path.rsplit_once('/').unwrap_or((path, ""));
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { app: named(app), key: named(key) }
    }

    /// How a session is kept with a publisher: it is refused where it names another key.
    pub(super) fn config(&self) -> ServerConfig {
        ServerConfig::default().with_expected_stream_key(self.key.clone())
    }

    pub(super) fn is_app(&self, app: &str) -> bool {
        self.app.as_deref().is_none_or(|wanted| wanted == app.trim_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_what_a_publisher_must_name() {
        let of = |url: &str| {
            let Wanted { app, key } = Wanted::of(&url.parse().unwrap());
            (app.unwrap_or_default(), key.unwrap_or_default())
        };
        assert_eq!(of("rtmp://:1935/live/hill3?mode=listener"), ("live".to_owned(), "hill3".to_owned()));
        assert_eq!(of("rtmp://0.0.0.0:1935/a/b/c?mode=listener"), ("a/b".to_owned(), "c".to_owned()));
        assert_eq!(of("rtmp://:1935/live?mode=listener"), ("live".to_owned(), String::new()));
        assert_eq!(of("rtmp://:1935?mode=listener"), Default::default());
        let wanted = Wanted::of(&"rtmp://:1935/live/k?mode=listener".parse().unwrap());
        assert!(wanted.is_app("live/") && !wanted.is_app("other"));
    }
}
