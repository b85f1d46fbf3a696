//! The console over TLS of its own: who agrees on it, what is refused, and a certificate that is renewed meanwhile.

use forewarn_base::tls::TlsFiles;
use forewarn_base::tls::server::{ServerFiles, TlsServer};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConnection, StreamOwned};

use super::console::{PASSWORD, Scene};
use super::*;
use crate::tls::Tls;

/// Says something over TLS, trusting what lies at `ca`; the certificate that was shown, and the answer.
fn say(address: SocketAddr, ca: &Path, asked: &str) -> Result<(Vec<u8>, String), String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let files = TlsFiles { ca_file: Some(ca), ..TlsFiles::default() };
    let config = files.load(Path::new("/"), "localhost").map_err(|error| error.line())?.config();
    let socket = Client::connect(address).map_err(|error| told(&error))?;
    socket.set_read_timeout(Some(Duration::from_secs(10))).map_err(|error| told(&error))?;
    let client = ClientConnection::new(config, "localhost".try_into().unwrap()).map_err(|error| told(&error))?;
    let mut wire = StreamOwned::new(client, socket);
    wire.write_all(asked.as_bytes()).map_err(|error| told(&error))?;
    let mut text = String::new();
    wire.read_to_string(&mut text).map_err(|error| told(&error))?;
    let shown = wire.conn.peer_certificates().unwrap_or_default().first().map(|one| one.to_vec());
    Ok((shown.unwrap_or_default(), text))
}

/// Makes the first account over TLS.
fn set_up(server: &Server, ca: &Path) -> String {
    let address = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    let token = server.found().address.split_once("#setup=").unwrap().1;
    let body = serde_json::json!({ "token": token, "name": "ann", "password": PASSWORD }).to_string();
    let asked = format!(
        "POST /api/v1/setup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    say(address, ca, &asked).unwrap().1
}

/// A certificate for `localhost` and its key, as PEM.
fn pem() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

const BRIEF: &str = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

#[test]
fn a_certificate_of_its_own_is_shown_and_cookies_are_for_tls_alone() {
    let scene = Scene::set_up(&[2], |setup, _, _| setup.tls = Some(Tls::Own));
    let (found, own) = (scene.server.found().clone(), scene.dir().join("console-tls.pem"));
    assert!(found.address.starts_with("https://127.0.0.1:") && found.address.contains("/#setup="), "{found:?}");
    let (shown, answer) = say(scene.server.address(), &own, BRIEF).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && !shown.is_empty(), "{answer}");
    let files = ServerFiles { certificate: own.clone(), key: own.clone() };
    assert_eq!(found.fingerprint, Some(TlsServer::open(files).unwrap().fingerprint()));

    let answer = set_up(&scene.server, &own);
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap_or_else(|| panic!("{answer}"));
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; ") && cookie.ends_with("; Secure"), "{cookie}");
    let other = scene.dir().join("other.pem");
    std::fs::write(&other, pem().0).unwrap();
    let refused = say(scene.server.address(), &other, BRIEF);
    assert!(refused.is_err(), "who trusts another certificate agrees on nothing");
}

#[test]
fn whoever_speaks_no_tls_is_led_there_and_who_says_nothing_holds_nobody_up() {
    let scene = Scene::set_up(&[2], |setup, _, _| setup.tls = Some(Tls::Own));
    let answer = heard(connect(&scene.server, "GET /incidents?a=b HTTP/1.1\r\nHost: localhost:1\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 307"), "{answer}");
    assert!(answer.contains("\r\nlocation: https://localhost:1/incidents?a=b\r\n"), "{answer}");
    let reached = scene.server.address();
    for host in ["evil.example", "203.0.113.9", "localhost.evil.example", "a/b", ""] {
        let answer = heard(connect(&scene.server, &format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n")));
        assert!(answer.contains(&format!("\r\nlocation: https://{reached}/x\r\n")), "{host}: {answer}");
    }
    let silent = [connect(&scene.server, ""), connect(&scene.server, "\u{16}\u{3}\u{1}")];
    assert!(say(scene.server.address(), &scene.dir().join("console-tls.pem"), BRIEF).is_ok());
    for client in silent {
        heard(client);
    }
}

#[test]
fn a_renewed_certificate_is_shown_to_who_comes_next() {
    let renew = |file: &Path| {
        // Both in one file, so that no half of them is ever there.
        let (certificate, key) = pem();
        forewarn_base::durable::replace(file, format!("{certificate}{key}").as_bytes()).unwrap();
    };
    let scene = Scene::set_up(&[2], |setup, _, dir| {
        let file = dir.join("given.pem");
        renew(&file);
        setup.tls = Some(Tls::Given(ServerFiles { certificate: file.clone(), key: file }));
    });
    assert_eq!(scene.server.found().fingerprint, None, "for that of the site others vouch");
    let given = scene.dir().join("given.pem");
    let (first, _) = say(scene.server.address(), &given, BRIEF).unwrap();
    renew(&given);
    let stopwatch = Stopwatch::start();
    let (second, _) = loop {
        // Who trusts the new one alone agrees on nothing before it is shown.
        match say(scene.server.address(), &given, BRIEF) {
            Ok(shown) => break shown,
            Err(error) => assert!(stopwatch.elapsed() < Duration::from_secs(30), "{error}"),
        }
        std::thread::yield_now();
    };
    assert_ne!(first, second);
}

/// Asks with a client that speaks HTTP/2; what it prints. None where there is no such client.
fn curl(scene: &Scene, args: &[&str]) -> Option<String> {
    let version = std::process::Command::new("curl").arg("--version").output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).contains("HTTP2") {
        return None;
    }
    let mut curl = std::process::Command::new("curl");
    curl.args(["-s", "--max-time", "20", "--http2", "--cacert"]).arg(scene.dir().join("console-tls.pem")).args(args);
    let done = curl.output().unwrap();
    assert!(done.status.success(), "{args:?}: {} {}", done.status, String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).unwrap())
}

#[test]
fn a_browser_asks_for_much_at_once_over_one_connection() {
    let scene = Scene::set_up(&[2], |setup, _, _| setup.tls = Some(Tls::Own));
    let at = format!("https://localhost:{}", scene.server.address().port());
    let page = format!("{at}/incidents");
    let told = "%{http_version} %{http_code} %{num_connects}\n";
    let once = ["-Z", "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", told];
    let Some(said) = curl(&scene, &[&once[..], &[&page, &page, &page]].concat()) else {
        println!("skipped: there is no curl that speaks HTTP/2");
        return;
    };
    assert_eq!(said.lines().filter(|line| line.starts_with("2 200 ")).count(), 3, "{said}");
    // Names are judged as they are over HTTP/1.1, and what changes something wants the session's word.
    let other = format!("evil.example:{}", scene.server.address().port());
    let connect = ["--connect-to", &format!("{other}:localhost:"), "-k", "-w", "%{http_code}", "-o", "/dev/null"];
    assert_eq!(curl(&scene, &[&connect[..], &[&format!("https://{other}/")]].concat()).unwrap(), "421");
    let session = format!("{at}/api/v1/session");
    let given = serde_json::json!({ "name": "ann", "password": PASSWORD }).to_string();
    set_up(&scene.server, &scene.dir().join("console-tls.pem"));
    let json = ["-H", "content-type: application/json", "-H", &format!("origin: {at}"), "-d", &given];
    let signed_in = curl(&scene, &[&json[..], &["-i", &session]].concat()).unwrap();
    assert!(signed_in.starts_with("HTTP/2 200") && signed_in.contains("; Secure"), "{signed_in}");
    let elsewhere = ["-H", "content-type: application/json", "-H", "origin: https://evil.example", "-d", &given];
    let refused = curl(&scene, &[&elsewhere[..], &["-i", &session]].concat()).unwrap();
    assert!(refused.starts_with("HTTP/2 403"), "{refused}");
}

/// What the port of health was told of the certificate, the latest last.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Option<String>>>>);

impl Health for Told {
    fn report(&self) -> HealthReport {
        Health::report(&Fixed)
    }
    fn certificate(&self, trouble: Option<String>) {
        self.0.lock().unwrap().push(trouble);
    }
}

impl Told {
    /// Waits for so many words.
    fn until(&self, n: usize) -> Option<String> {
        let stopwatch = Stopwatch::start();
        loop {
            if let Some(told) = self.0.lock().unwrap().get(n - 1) {
                return told.clone();
            }
            assert!(stopwatch.elapsed() < Duration::from_secs(30), "nothing was told");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_key_that_vanishes_is_told_until_it_is_back() {
    let told = Told::default();
    let scene = Scene::set_up(&[2], |setup, ports, dir| {
        let [certificate, key] = ["given.pem", "given.key"].map(|name| dir.join(name));
        let (own, secret) = pem();
        std::fs::write(&certificate, own).and_then(|()| std::fs::write(&key, secret)).unwrap();
        setup.tls = Some(Tls::Given(ServerFiles { certificate, key }));
        ports.health = Arc::new(told.clone());
    });
    let [key, away] = ["given.key", "away.key"].map(|name| scene.dir().join(name));
    std::fs::rename(&key, &away).unwrap();
    let why = told.until(1).unwrap();
    assert!(why.starts_with("key: failed to read ") && why.contains("given.key"), "{why}");
    assert!(say(scene.server.address(), &scene.dir().join("given.pem"), BRIEF).is_ok(), "the former is shown on");
    std::fs::rename(&away, &key).unwrap();
    assert_eq!(told.until(2), None);
}

#[test]
fn beyond_loopback_there_are_tls_and_an_account_or_nothing() {
    let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let mut plain = None;
    let scene = Scene::set_up(&[2], |setup, _, dir| {
        let mut other = setup.clone();
        other.places.accounts = dir.join("other-accounts.json");
        other.places.index = dir.join("other-index.sqlite");
        plain = Some(other);
    });
    let plain = plain.unwrap();
    let refused = Server::of_console(any, &scene.ports, plain.clone()).unwrap_err().to_string();
    assert!(refused.contains("[console] listen") && refused.contains("`tls = true`"), "{refused}");

    let server = Server::of_console(any, &scene.ports, Setup { tls: Some(Tls::Own), ..plain }).unwrap();
    assert!(server.found().address.starts_with("https://127.0.0.1:"), "the first account is made on the box itself");
    // Nothing is sent: this asks by which of its addresses the box would.
    let outside = std::net::UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let Ok(outside) = outside else {
        println!("skipped: this box has no address beyond loopback");
        return;
    };
    let (outside, own) = (SocketAddr::new(outside.ip(), server.address().port()), scene.dir().join("console-tls.pem"));
    let (_, answer) = say(outside, &own, BRIEF).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("there is no account yet"), "{answer}");
    let loopback = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    let socket = say(loopback, &own, BRIEF).unwrap().1;
    assert!(socket.starts_with("HTTP/1.1 503"), "{socket}");
    let made = set_up(&server, &own);
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let (_, answer) = say(outside, &own, BRIEF).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}
