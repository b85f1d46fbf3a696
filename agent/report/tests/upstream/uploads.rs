//! Evidence brought over to servers of others: moto, which is S3 for tests, and the tus server of the protocol's makers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use forewarn_base::hash::sha256_of_bytes;
use forewarn_base::landing;
use forewarn_report::{FileCounts, Outbox, People, ReportState, UpstreamHandle, UpstreamStats};
use forewarn_wire::samples::{CLOSING, seal_report};

use crate::server::{READERS, SCRIPTS, Server};
use crate::support::{eventually, free_port, outbox_for, report, start, within};
use crate::web::{Deed, Web, answer};
use crate::webhook::adapter_with;

/// A box with evidence that is to be brought over.
struct Site {
    dir: tempfile::TempDir,
    outbox: Outbox,
    kind: &'static str,
    keys: String,
}

/// Bytes that no two of a file are alike in.
fn noise(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(n).collect()
}

impl Site {
    fn new(kind: &'static str, keys: String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let outbox = outbox_for(dir.path(), &[kind]);
        std::fs::create_dir_all(dir.path().join("evidence")).unwrap();
        std::fs::write(dir.path().join("evidence/chain.json"), "{}").unwrap();
        Self { dir, outbox, kind, keys }
    }

    fn bundle(n: u64) -> String {
        seal_report(n, 5).seal.unwrap().bundle
    }

    fn write(&self, n: u64, name: &str, bytes: &[u8]) {
        let folder = self.dir.path().join("evidence").join(Self::bundle(n));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    /// A bundle with a clip of so many bytes, sealed.
    fn seal(&mut self, n: u64, clip_bytes: usize) {
        self.write(n, "escalated.mp4", &noise(clip_bytes, n));
        for (name, bytes) in
            [("escalated-marked.jpg", 9_000), ("escalated.jpg", 80_000), ("incident.json", 900), ("manifest.json", 500)]
        {
            self.write(n, name, &noise(bytes, n));
        }
        self.tell(n);
    }

    /// The incident is told of, which asks nothing of the server, and then its seal.
    fn tell(&mut self, n: u64) {
        self.outbox.record(&report(n, 5), None).unwrap();
        self.outbox.record(&seal_report(n, 5), None).unwrap();
    }

    /// The files of a bundle as they are to lie there: name and sha256.
    fn files(&self, n: u64) -> BTreeSet<(String, String)> {
        let bundle = Self::bundle(n);
        let folder = self.dir.path().join("evidence").join(&bundle);
        let file = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            (format!("north/{bundle}/{name}"), sha256_of_bytes(&std::fs::read(entry.path()).unwrap()))
        };
        let mut files: BTreeSet<_> = std::fs::read_dir(&folder).unwrap().map(|entry| file(entry.unwrap())).collect();
        let thumbnail = sha256_of_bytes(&std::fs::read(folder.join("escalated-marked.jpg")).unwrap());
        files.insert((format!("north/{bundle}.thumbnail.jpg"), thumbnail));
        files
    }

    fn start(&self) -> UpstreamHandle {
        let place = |name: &str| -> PathBuf { self.dir.path().join(name) };
        let people = People { evidence: place("evidence"), uploads: place("uploads"), ..People::default() };
        let people = People { hears_of_landing: true, ..people };
        start(self.kind, adapter_with(self.kind, &self.keys, "box secret", people).as_ref(), &self.outbox)
    }

    fn state(&self, n: u64) -> ReportState {
        self.outbox.report_state(&seal_report(n, 5).incident.id).unwrap()
    }
}

/// Tens of megabytes are hashed by a program that was built for tests.
const LONG: Duration = Duration::from_mins(2);

/// Waits until everything is there.
fn brought(handle: &UpstreamHandle) -> UpstreamStats {
    let mut told = None;
    within(LONG, "all is there", || {
        let stats = handle.stats();
        if stats.last_error != told {
            eprintln!("{:?}", stats.last_error);
            told.clone_from(&stats.last_error);
        }
        stats.depth_messages == 0 && stats.in_flight == 0
    });
    handle.stats()
}

fn s3_site(port: u16) -> Site {
    Site::new("s3", format!(r#""url":"http://127.0.0.1:{port}","bucket":"box","password_env":"SECRET""#))
}

fn tus_site(port: u16, rest: &str) -> Site {
    Site::new("tus", format!(r#""url":"http://127.0.0.1:{port}/files"{rest}"#))
}

/// What boto3 finds in the bucket.
fn in_bucket(port: u16) -> BTreeSet<(String, String)> {
    let mut command = Command::new("python3");
    command.arg(format!("{SCRIPTS}/s3_files.py")).arg(port.to_string()).env("PYTHONPATH", READERS);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let file = |line: &str| {
        let [name, sha256, told, _media] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(sha256, told, "{name}: the metadata say what it is");
        (name.to_owned(), sha256.to_owned())
    };
    text.lines().map(file).collect()
}

/// What lies in the folder of a tus server, by the names that it was told.
fn in_folder(folder: &Path) -> BTreeSet<(String, String)> {
    let of_json = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let facts: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let bytes = std::fs::read(path.with_extension("")).unwrap();
        assert_eq!(facts["metadata"]["sha256"], sha256_of_bytes(&bytes));
        (facts["metadata"]["filename"].as_str().unwrap().to_owned(), sha256_of_bytes(&bytes))
    };
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "json")).map(of_json).collect()
}

#[test]
fn a_bucket_has_a_bundle_words_first_and_what_is_there_is_not_sent_again() {
    let server = Server::s3();
    let mut site = s3_site(server.port);
    site.seal(1, 12_000_000);
    let handle = site.start();
    let stats = brought(&handle);
    assert_eq!((in_bucket(server.port), site.state(1)), (site.files(1), ReportState::Acknowledged));
    let files = FileCounts { sent: 6, sent_bytes: 12_099_400, ..FileCounts::default() };
    assert_eq!((stats.files, stats.given_up, stats.failures), (files, 0, 0));
    let asked = server.asked();
    let order: Vec<&str> = asked
        .iter()
        .filter(|asked| asked.starts_with("PUT"))
        .map(|asked| asked.split(' ').nth(1).unwrap().split('?').next().unwrap().rsplit('/').next().unwrap())
        .collect();
    let thumbnail = format!("{}.thumbnail.jpg", Site::bundle(1).rsplit('/').next().unwrap());
    let expected = ["incident.json", "manifest.json", &thumbnail, "escalated-marked.jpg", "escalated.jpg"];
    assert_eq!(order[..5], expected);
    assert_eq!(order[5..], ["escalated.mp4"; 3], "in parts of 5 MiB");

    // The next seal has another manifest, and nothing else is new.
    site.write(1, "manifest.json", b"another");
    site.outbox.record(&seal_report(1, CLOSING), None).unwrap();
    brought(&handle);
    assert_eq!(server.count(&["PUT"]), order.len() + 1);
    assert_eq!(in_bucket(server.port), site.files(1));
    handle.stop(Duration::from_secs(10));
}

#[test]
fn a_large_file_goes_on_after_a_restart_with_the_parts_that_are_missing() {
    let server = Server::s3();
    let mut site = s3_site(server.port);
    site.seal(1, 22_000_000);
    let handle = site.start();
    eventually("the second part is on its way", || server.count(&["PUT", "partNumber=2"]) > 0);
    assert_eq!(site.state(1), ReportState::Pending);
    drop(handle);
    let handle = site.start();
    brought(&handle);
    assert_eq!(in_bucket(server.port), site.files(1));
    assert_eq!(server.count(&["PUT", "partNumber=1"]), 1, "what was there is not sent again");
    assert_eq!(server.count(&["POST", "uploads=1"]), 1, "it is the same upload");
    assert_eq!(server.count(&["incident.json"]), 1);
    handle.stop(Duration::from_secs(10));
}

#[test]
fn a_bucket_that_says_another_hash_or_refuses_has_nothing() {
    let web = Web::start(0, Deed::Answer(answer(200, "etag: \"0123456789abcdef0123456789abcdef\"\r\n", "")));
    let mut site = s3_site(web.port);
    site.write(1, "incident.json", b"{}");
    site.tell(1);
    let handle = site.start();
    eventually("it is found out", || handle.stats().last_error.is_some());
    let why = handle.stats().last_error.unwrap();
    assert!(why.contains("incident.json: what it holds has the hash \"0123456789abcdef0123456789abcdef\""), "{why}");
    let refusal = "<Error><Code>SignatureDoesNotMatch</Code><Message>secret</Message></Error>";
    web.usually(Deed::Answer(answer(403, "", refusal)));
    let told = "SignatureDoesNotMatch: the secret key is another one; look at the secret's file and at `region`";
    eventually("it is told in words", || handle.stats().last_error.is_some_and(|why| why.contains(told)));
    assert_eq!((site.state(1), handle.stats().acknowledged), (ReportState::Pending, 1), "of the step alone");
    let asked = web.asked().pop().unwrap();
    assert!(!asked.head.contains("secret") && asked.head.contains("X-Amz-Signature="), "{}", asked.head);
}

#[test]
fn tus_goes_on_where_it_stopped_when_the_server_is_killed_and_when_the_agent_is() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut site = tus_site(port, r#","password_env":"SECRET""#);
    site.seal(1, 12_000_000);
    let server = Server::tus(folder.path(), port);
    let handle = site.start();
    // A server that is killed has some of a piece, so that what follows begins anywhere.
    let is_past = |server: &Server, least: u64| {
        let offset = |asked: &String| asked.split("\"offset\":\"").nth(1)?.split('"').next()?.parse::<u64>().ok();
        server.asked().iter().filter(|asked| asked.contains("PATCH")).filter_map(offset).any(|at| at >= least)
    };
    within(LONG, "three pieces are there", || is_past(&server, 3 << 20));
    assert!(server.count(&["Bearer box secret"]) > 0);
    drop(server);
    let server = Server::tus(folder.path(), port);
    within(LONG, "five pieces are there", || is_past(&server, 5 << 20));
    drop(handle);
    let handle = site.start();
    brought(&handle);
    assert_eq!((in_folder(folder.path()), site.state(1)), (site.files(1), ReportState::Acknowledged));
    assert_eq!(server.count(&["POST"]), 0, "what had a place keeps it");
    assert_eq!(server.count(&["PATCH", "\"offset\":\"0\""]), 0, "and nothing begins again");
    assert_eq!(server.count(&["GET"]), 1, "what came whole before was read back before");
    handle.stop(Duration::from_secs(10));
}

#[test]
fn a_thin_link_carries_words_at_once_and_holds_clips_back_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::tus(folder.path(), 0);
    let mut site = tus_site(server.port, r#","thin":{"kib_per_hour":1300,"kib_per_day":9000},"read_back":false"#);
    site.seal(1, 3 << 20);
    let handle = site.start();
    let is_held = |handle: &UpstreamHandle| handle.stats().files.are_held_back;
    eventually("the hour is used up", || is_held(&handle));
    site.seal(2, 3 << 20);
    // All but the clip of the first, and JSON of the second.
    eventually("the words of another are there", || handle.stats().files.sent >= 7 && is_held(&handle));
    let files = handle.stats().files;
    assert!(files.waiting >= 2 && files.waiting_bytes >= 6 << 20, "{files:?}");
    let large = || server.count(&["PATCH", "\"length\":\"1048576\""]);
    assert_eq!(large(), 1);
    drop(handle);
    let handle = site.start();
    eventually("the hour is still used up", || is_held(&handle));
    assert_eq!((large(), site.state(1), site.state(2)), (1, ReportState::Pending, ReportState::Pending));
}

#[test]
fn clips_wait_for_the_ground_and_words_do_not() {
    let web = Web::start(0, Deed::Hang);
    web.will(tus_answers("", "{}"));
    web.will(tus_answers("", "{}").into_iter().skip(1));
    let mut site = tus_site(web.port, r#","clips":"landed""#);
    site.write(1, "incident.json", b"{}");
    site.write(1, "escalated.mp4", b"{}");
    site.tell(1);
    landing::tell("hill", false);
    let handle = site.start();
    eventually("the words are there and the clip waits", || {
        let files = handle.stats().files;
        files.sent == 1 && files.waiting == 1 && files.are_held_back
    });
    let given = || web.asked().iter().filter(|asked| asked.head.starts_with("PATCH")).count();
    assert_eq!((given(), site.state(1)), (1, ReportState::Pending));
    landing::tell("hill", true);
    brought(&handle);
    assert_eq!((given(), site.state(1)), (2, ReportState::Acknowledged));
}

fn tus_answers(extensions: &str, given_back: &str) -> [Deed; 4] {
    [
        Deed::Answer(answer(204, &format!("tus-version: 1.0.0\r\ntus-extension: creation{extensions}\r\n"), "")),
        Deed::Answer(answer(201, "location: /files/1\r\n", "")),
        Deed::Answer(answer(204, "upload-offset: 2\r\n", "")),
        Deed::Answer(answer(200, "", given_back)),
    ]
}

#[test]
fn what_a_tus_server_holds_is_proven_by_its_hash_or_by_reading_it_back() {
    let checks = ",checksum\r\ntus-checksum-algorithm: md5,sha1,sha256";
    for (extensions, given_back, is_there) in [("", "{}", true), ("", "[]", false), (checks, "", true)] {
        let web = Web::start(0, Deed::Hang);
        web.will(tus_answers(extensions, given_back));
        let mut site = tus_site(web.port, "");
        site.write(1, "incident.json", b"{}");
        site.tell(1);
        let handle = site.start();
        if is_there {
            brought(&handle);
        } else {
            let is_told = |why: String| why.contains("what it gave back are 2 bytes of hash");
            eventually("it is found out", || handle.stats().last_error.is_some_and(is_told));
            assert_eq!(site.state(1), ReportState::Pending);
        }
        let asked = web.asked();
        let sum = asked[2].header("upload-checksum");
        let expected = (!extensions.is_empty()).then_some("sha256 RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
        assert_eq!((asked[2].body.as_slice(), sum), (&b"{}"[..], expected));
    }
}

#[test]
fn a_bundle_that_is_gone_is_given_up_and_one_whose_disk_is_away_waits() {
    let web = Web::start(0, Deed::Hang);
    let mut site = tus_site(web.port, "");
    site.tell(1);
    let handle = site.start();
    eventually("it is given up", || handle.stats().given_up == 1);
    std::fs::rename(site.dir.path().join("evidence"), site.dir.path().join("away")).unwrap();
    site.tell(2);
    eventually("the disk is missed", || {
        handle.stats().last_error.is_some_and(|why| why.contains("failed to look into"))
    });
    assert_eq!((site.state(2), handle.stats().given_up), (ReportState::Pending, 1));
}
