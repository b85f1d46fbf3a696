//! Updates from the address that the site names, by a server that does not always do well.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use forewarn_base::thread::Thread;
use forewarn_cli::{Update, UpdateDir, UpdateTake};
use forewarn_domain::clock::SystemClock;
use forewarn_update::UpdateError;
use forewarn_update::command::{Own, run};
use forewarn_update::folder::Folder;
use forewarn_update::manifest::Part;
use forewarn_update::state::Phase;

use crate::support::{Maker, memory, version};

/// Answers one question with these bytes and hangs up. The address that is asked.
fn serve(answer: Vec<u8>) -> (String, Thread) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let work = move || {
        let (mut asker, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(asker.try_clone().unwrap()).lines();
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        // Whoever asked may have hung up first.
        let _ = asker.write_all(&answer);
    };
    (format!("http://{address}/forewarn.update"), Thread::spawn("server", work).unwrap())
}

fn answer(head: &str, length: usize, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat()
}

/// `forewarn update apply`, or `check`, on a box whose site names `url`.
fn fetch(root: &Path, key: &str, url: &str, is_check: bool) -> Result<String, UpdateError> {
    let site = root.join("site.toml");
    let text = format!(
        "[site]\nid = \"north\"\n[metrics]\nlisten = \"127.0.0.1:9\"\n[update]\nkey = \"{key}\"\nurl = \"{url}\"\n\
         [[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1:9/x\"\n"
    );
    fs::write(&site, text).unwrap();
    let kept = UpdateDir { dir: root.join("update") };
    let take = UpdateTake { bundle: None, config: site, kept, again: false };
    let asked = if is_check { Update::Check(take) } else { Update::Apply(take) };
    let models: PathBuf = root.join("models");
    let mut said = Vec::new();
    run(&asked, &Own { version: "0.1.0", models, clock: &SystemClock }, &mut said)?;
    Ok(String::from_utf8(said).unwrap())
}

#[test]
fn a_download_that_breaks_changes_nothing_and_a_whole_one_lies_ready() {
    let (maker, root) = (Maker::new(), memory());
    let key = maker.key.public().to_string();
    let weights = "weights ".repeat(40_000);
    let bundle = maker.bundle("0.1.0.1", &[(Part::Models, "new.onnx", weights)]);
    let whole = answer("200 OK", bundle.len(), &bundle);
    let ready = || matches!(Folder::at(root.path().join("update")).load().unwrap().phase, Phase::Ready(_));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = |url: &str, told: &str| {
        for is_check in [true, false] {
            let said = fetch(root.path(), &key, url, is_check).unwrap_err().to_string();
            assert!(said.contains(told) && said.contains(url), "{told}: {said}");
            assert!(!ready() && !root.path().join("models/new.onnx").exists());
        }
    };
    refused(&format!("http://{nobody}/x"), "it cannot be fetched");
    for (bytes, told) in [
        (answer("404 Not Found", 0, b""), "404"),
        (whole[..whole.len() - bundle.len() / 2].to_vec(), "it cannot be read"),
        (whole[..whole.len() - bundle.len() + 700].to_vec(), "it cannot be read"),
        (whole[..20].to_vec(), "it cannot be fetched"),
        (answer("200 OK", 9, b"<html></h"), "it cannot be read"),
    ] {
        for is_check in [true, false] {
            let (url, mut server) = serve(bytes.clone());
            let said = fetch(root.path(), &key, &url, is_check).unwrap_err().to_string();
            assert!(said.contains(told) || said.contains("too early"), "{told}: {said}");
            assert!(!ready() && !root.path().join("models/new.onnx").exists());
            server.join().unwrap();
        }
    }
    let (url, mut server) = serve(whole.clone());
    assert!(fetch(root.path(), &key, &url, true).unwrap().contains("this site would take it"));
    assert!(!ready(), "a check changes nothing");
    server.join().unwrap();
    let (url, mut server) = serve(whole);
    assert!(fetch(root.path(), &key, &url, false).unwrap().contains("it lies ready"));
    assert!(ready());
    server.join().unwrap();
    let withdrawn = Folder::at(root.path().join("update")).decide(forewarn_update::state::State::withdraw).unwrap();
    assert_eq!((withdrawn, ready()), (version("0.1.0.1"), false));
}
