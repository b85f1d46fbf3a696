//! The site.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

/// What no text for others may hold.
pub(crate) const MARK: &str = "MARKED";
/// A plate that the log tells.
pub(crate) const PLATE: &str = "京A1B2C3";

/// A folder with a site that has been used.
pub(crate) struct Marked {
    pub(crate) dir: TempDir,
}

impl Marked {
    /// Makes it. Every secret in it holds the mark.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("camera.password", "camera-MARKED-1\n");
        write("broker.password", "broker-MARKED-2\n");
        write("webhook.secret", "whsec_MARKEDQ9r8GKYqrTwjUPD8ILPZIo2LaLa\n");
        write("robot.secret", "token-MARKED-4 SECMARKED5\n");
        write("horn.toml", "[play]\nurl = \"/play?code=horn-MARKED-6\"\n");
        write("commands.secret", "commands-MARKED-25\n");
        write("pin", "MARKED-pin-7\n");
        write("site.toml", &site());
        write("violations/own.toml", "# not read by this test\n");
        write("data/console-accounts.json", "{\"accounts\":[{\"name\":\"anna\",\"hash\":\"argon2id-MARKED-hash-8\"}]}");
        write("data/console-tokens.json", "{\"tokens\":[{\"name\":\"mes\",\"sha256\":\"fingerprint-MARKED-9\"}]}");
        write("data/keys/device.pem", "MARKED-key-10\n");
        write("data/evidence/2026-11-22/gate-1/clip.mp4", "MARKED-clip-11");
        write("data/feedback.jsonl", "{\"incident\":\"gate-1\"}\n");
        write("data/heat/gate/2026-11-22.json", "{}");
        write("agent.log", &log());
        let marked = Self { dir };
        let outbox = Connection::open(marked.path("data/outbox.sqlite")).unwrap();
        outbox.pragma_update(None, "journal_mode", "wal").unwrap();
        outbox
            .execute_batch("CREATE TABLE messages (body TEXT); INSERT INTO messages VALUES ('MARKED-report-12')")
            .unwrap();
        drop(outbox);
        marked
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn site() -> String {
    r#"# The password of the gate is comment-MARKED-13
[site]
id = "north"
[storage]
dir = "data"
[violations]
dir = "violations"
[commands]
url = "mqtt://broker.example"
secret_file = "commands.secret"
[upstream.broker]
kind = "mqtt"
url = "mqtts://fore:inline-MARKED-14@broker.example:8883"
user = "user-MARKED-15"
password_file = "broker.password"
[upstream.hook]
kind = "webhook"
url = "https://hooks.example/path-MARKED-16?access_token=query-MARKED-17"
password_file = "webhook.secret"
[upstream.robot]
kind = "dingtalk"
url = "https://robots.example/robot/send"
password_file = "robot.secret"
[upstream.phone]
kind = "ntfy"
url = "https://ntfy.example/topic-MARKED-18"
password_env = "FOREWARN_TEST_SECRET"
[[speaker]]
id = "horn"
kind = "http"
url = "http://horn.example"
template = "horn.toml"
set = { code = "set-MARKED-19", pin = 4711 }
[evidence.token]
module = "/usr/lib/token.so"
key = "pkcs11:token=box;object=MARKED-20"
password_file = "pin"
[[camera]]
id = "gate"
url = "rtsp://guard:url-MARKED-21@camera.example:554/Streaming/Channels/101?password=query-MARKED-22"
password_file = "camera.password"
[[camera]]
id = "yard"
url = "http://camera.example/video?user=viewer&pwd=query-MARKED-23"
"#
    .to_owned()
}

/// What a careless library might log.
fn log() -> String {
    let mut lines = vec![
        "INFO watches 2 cameras of site north".to_owned(),
        format!("INFO a car with plate {PLATE} stands in zone kerb"),
        "WARN failed to connect to rtsp://guard:other-MARKED-24@camera.example:554/live".to_owned(),
    ];
    for secret in [
        "camera-MARKED-1",
        "broker-MARKED-2",
        "commands-MARKED-25",
        "whsec_MARKEDQ9r8GKYqrTwjUPD8ILPZIo2LaLa",
        "token-MARKED-4",
        "SECMARKED5",
        "code=horn-MARKED-6",
        "MARKED-pin-7",
        "argon2id-MARKED-hash-8",
        "fingerprint-MARKED-9",
        "inline-MARKED-14",
        "https://hooks.example/path-MARKED-16",
        "POST /topic-MARKED-18",
        "query-MARKED-17",
        "set-MARKED-19",
        "url-MARKED-21",
        "query-MARKED-22",
        "query-MARKED-23",
    ] {
        lines.push(format!("DEBUG sent \"{secret}\" to the other side"));
    }
    lines.join("\n")
}

/// The texts of a packet by name.
pub(crate) fn unpacked(path: &Path) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
    let text = |entry: std::io::Result<tar::Entry<'_, fs::File>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), String::from_utf8_lossy(&bytes).into_owned())
    };
    archive.entries().unwrap().map(text).collect()
}
