//! Against servers of a few lines, with and without TLS.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::thread::Thread;
use crate::tls::TlsFiles;

const WITHIN: Duration = Duration::from_secs(20);

/// Reads one question: its head, and its document by the length that it states or to its last chunk.
fn question(stream: &mut impl Read) -> String {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut text).unwrap() > 0, "it ended after {text:?}");
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    if let Some(length) = length {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
    } else if text.contains("transfer-encoding: chunked") {
        while !text.ends_with("0\r\n\r\n") {
            reader.read_line(&mut text).unwrap();
        }
    }
    text
}

/// A server that gives these answers, all over its first connection; its port, and what it was asked.
fn server(answers: Vec<&'static [u8]>) -> (u16, Thread<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut answer = |answer: &[u8]| {
            let asked = question(&mut stream);
            stream.write_all(answer).unwrap();
            asked
        };
        answers.into_iter().map(&mut answer).collect()
    };
    (port, Thread::spawn("server", serve).unwrap())
}

#[test]
fn questions_go_over_one_connection_and_every_status_is_an_answer() {
    let (port, mut server) = server(vec![
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Id: 7\r\n\r\nhi",
        b"HTTP/1.1 302 Found\r\nlocation: http://other.example/\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 429 Slow\r\nretry-after: 3\r\ntransfer-encoding: chunked\r\n\r\n4\r\nlate\r\n0\r\n\r\n",
    ]);
    let http = Http::new(None, WITHIN);
    let url = format!("http://127.0.0.1:{port}/a?key=s3cret");
    let first = http.ask(&Ask::get(&url), 16).unwrap();
    assert_eq!((first.status, first.header("x-id"), first.body.as_slice()), (200, Some("7"), &b"hi"[..]));
    let second = http.ask(&Ask::post(&url, "text/plain", "body").with("X-Key", "k"), 16).unwrap();
    assert_eq!((second.status, second.header("location")), (302, Some("http://other.example/")));
    let third = http.ask_with(&Ask { method: "POST", ..Ask::get(&url) }, &mut &b"piece"[..], 16).unwrap();
    assert_eq!((third.status, third.header("retry-after"), third.body.as_slice()), (429, Some("3"), &b"late"[..]));
    let asked = server.join().unwrap().unwrap();
    assert!(asked[0].starts_with("GET /a?key=s3cret HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[1].contains("x-key: k\r\n") && asked[1].ends_with("\r\n\r\nbody"), "{}", asked[1]);
    assert!(asked[2].ends_with("5\r\npiece\r\n0\r\n\r\n"), "{}", asked[2]);
}

#[test]
fn what_is_no_answer_is_told_without_what_stands_behind_the_host() {
    let ask = |answer: &'static [u8]| {
        let (port, mut server) = server(vec![answer]);
        let told = Http::new(None, WITHIN).ask(&Ask::get(format!("http://127.0.0.1:{port}/?key=s3cret")), 16);
        server.join().unwrap();
        told.unwrap_err().to_string()
    };
    for (answer, words) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"[..], "it ends too early"),
        (b"HTTP/1.1 200 OK\r\n\r\nthis is longer than 16 bytes", "longer than 16 bytes"),
        (b"\x00\x01\r\n\r\n", "no answer that can be used"),
        (b"", "127.0.0.1"),
    ] {
        let told = ask(answer);
        assert!(told.contains(words) && !told.contains("s3cret"), "{told}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = Http::new(None, WITHIN).ask(&Ask::get(format!("http://127.0.0.1:{port}/")), 1).unwrap_err();
    assert!(away.to_string().starts_with(&format!("failed to reach 127.0.0.1:{port}: ")), "{away}");
    let unfit = Http::new(None, WITHIN).ask(&Ask::get("http://127.0.0.1/").with("a\nb", ""), 1).unwrap_err();
    assert!(matches!(unfit, HttpError::Unfit(_)), "{unfit}");
}

#[test]
fn who_does_not_answer_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let told = Http::new(None, Duration::from_secs(1)).ask(&Ask::get(url), 1).unwrap_err();
    assert!(told.to_string().ends_with("it did not answer in 1 s"), "{told}");
}

#[test]
fn an_address_that_cannot_be_asked_is_a_mistake() {
    for (url, words) in [
        ("here", "this is no URL"),
        ("ftp://there.example/", "the scheme is \"ftp\""),
        ("http://me:s3cret@there.example/", "not supported"),
    ] {
        let refusal = address("url", url, "write it so").unwrap_err().line();
        assert!(refusal.contains(words) && !refusal.contains("s3cret"), "{refusal}");
    }
}

/// A server that shows a certificate of its own making, and answers once.
fn secured(key: &KeyPair, shown: &rcgen::Certificate) -> (u16, Thread<()>) {
    let chain = vec![shown.der().clone()];
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (stream, _): (TcpStream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        // Who does not trust the certificate ends the connection before a question.
        if stream.conn.complete_io(&mut stream.sock).is_ok() {
            let mut first = [0; 1];
            if stream.read_exact(&mut first).is_ok() {
                question(&mut stream);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            }
        }
    };
    (port, Thread::spawn("server", serve).unwrap())
}

#[test]
fn over_tls_the_file_says_whom_to_trust() {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let shown = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(dir.path().join("own.pem"), shown.pem()).unwrap();
    let other = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(dir.path().join("other.pem"), other.self_signed(&KeyPair::generate().unwrap()).unwrap().pem())
        .unwrap();
    let ask = |ca_file: &str| {
        let (port, mut server) = secured(&key, &shown);
        let files = TlsFiles { ca_file: Some(ca_file.as_ref()), ..TlsFiles::default() };
        let http = Http::new(Some(files.load(dir.path(), "127.0.0.1").unwrap()), WITHIN);
        let answer = http.ask(&Ask::post(format!("https://127.0.0.1:{port}/"), "text/plain", "x"), 16);
        server.join().unwrap();
        answer.map(|answer| answer.status).map_err(|error| error.to_string())
    };
    assert_eq!(ask("own.pem"), Ok(204));
    let refusal = ask("other.pem").unwrap_err();
    assert!(refusal.contains("the server's certificate") && refusal.contains("ca_file"), "{refusal}");
    let plain = Http::new(None, WITHIN).ask(&Ask::get("https://127.0.0.1:1/"), 1).unwrap_err();
    assert!(plain.to_string().starts_with("failed to reach 127.0.0.1:1"), "{plain}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = Http::new(None, WITHIN).ask(&Ask::get(format!("http://{closed}/")), 1).unwrap_err().to_string();
    assert!(told.contains("refused") && !told.contains("ca_file"), "{told}");
}
