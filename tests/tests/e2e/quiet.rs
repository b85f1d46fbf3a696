//! The agent talks to nobody but whom its site names: every packet of a run, in a network of its own.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, sync_channel};

use forewarn_domain::IncidentState;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, Broker, CameraEntry, PATIENCE, Scene, Session, SimCamera, SiteFile, Subscriber};
use socket2::{Domain, Protocol, Socket, Type};

/// Set in the process that runs in a network of its own.
const INSIDE: &str = "FOREWARN_TEST_INSIDE";
/// All protocols, in the order of the network.
const ALL_PROTOCOLS: i32 = 0x0300;

#[test]
fn a_run_talks_to_nobody_but_whom_the_site_names_and_records_nothing_in_home() {
    if std::env::var_os(INSIDE).is_some() {
        watch_a_run();
        println!("heard of the broker, the camera and the horn alone");
        return;
    }
    // Root needs no user namespace, others may be allowed one.
    let ways: [&[&str]; 2] = [&["--net"], &["--net", "--map-root-user"]];
    let works = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).args(["ip", "link", "set", "lo", "up"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(works) else {
        eprintln!(
            "not tested: no network namespace can be made here; it takes `unshare` (util-linux), `ip` (iproute2) \
                   and the right to make one"
        );
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let mut again = Command::new("unshare");
    again.args(*way).arg(std::env::current_exe().unwrap());
    again.args([
        "--exact",
        "quiet::a_run_talks_to_nobody_but_whom_the_site_names_and_records_nothing_in_home",
        "--nocapture",
    ]);
    again.env(INSIDE, "1").env("HOME", home.path()).env_remove("ORT_DISABLE_TELEMETRY");
    for variable in ["XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        again.env_remove(variable);
    }
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("heard of the broker"), "{said}");
    // GStreamer keeps the list of its plugins there; the libraries of sound and of settings mark a session.
    let of_system = |name: &String| ["/gstreamer-1.0/", "/pulse/", "/dconf/"].iter().any(|part| name.contains(part));
    let kept: Vec<_> = files_below(home.path()).into_iter().filter(|name| !of_system(name)).collect();
    assert_eq!(kept, Vec::<String>::new());
}

/// The files below a folder that hold something.
fn files_below(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.symlink_metadata().unwrap() {
                meta if meta.is_dir() => folders.push(path),
                meta if meta.size() > 0 => found.push(path.display().to_string()),
                _ => {}
            }
        }
    }
    found
}

fn watch_a_run() {
    // Every address there is belongs to the loopback here: nothing goes out, and all is heard.
    for line in ["link set lo up", "route add local default dev lo"] {
        assert!(Command::new("ip").args(line.split(' ')).status().unwrap().success(), "ip {line}");
    }
    let heard = listen();
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let broker = Broker::start(&scene.path("broker")).unwrap();
    let horn = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let horn_port = horn.local_addr().unwrap().port();
    let mut platform = Subscriber::start(broker.port(), Session::Persistent, None).unwrap();
    let entry =
        CameraEntry::new("gate", camera.url(), QUICK_PARKING).with("transport = \"tcp\"\nspeakers = [\"horn\"]");
    let site = SiteFile::new().upstream(&broker.url(), "").rtp_speaker("horn", horn_port).metrics(free_port().unwrap());
    let site = site.camera(entry).write(scene.dir()).unwrap();
    let mut agent = Agent::start(&scene.program, &site, "info").unwrap();
    let is_over = |event: &forewarn_wire::Event| event.data.incident.state == IncidentState::Escalated;
    platform.event("the van is escalated", is_over).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    agent.interrupt(PATIENCE).unwrap();

    // A packet of the test's own comes last: it shows that what goes out, and a name that is asked for, are seen.
    UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x04last\0", "10.9.9.1:53").unwrap();
    let mut seen = BTreeSet::new();
    while !seen.contains("udp 10.9.9.1:53 last") {
        seen.insert(heard.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error} after {seen:?}")));
    }
    seen.remove("udp 10.9.9.1:53 last");
    let camera_port = camera.url().rsplit(':').next().unwrap().split('/').next().unwrap();
    let named = [
        format!("tcp 127.0.0.1:{}", broker.port()),
        format!("tcp 127.0.0.1:{camera_port}"),
        format!("udp 127.0.0.1:{horn_port}"),
    ];
    let unnamed: Vec<_> = seen.iter().filter(|peer| !named.contains(peer)).collect();
    assert!(named.iter().all(|peer| seen.contains(peer)), "{seen:?}");
    assert_eq!(unnamed, Vec::<&String>::new());
}

/// Every connection that is opened and every datagram that is sent, with the name that a question for one asks for.
fn listen() -> Receiver<String> {
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(ALL_PROTOCOLS))).unwrap();
    let (heard, receiver) = sync_channel(100_000);
    let work = move || {
        let mut packet = [0; 4096];
        while let Ok(n) = (&socket).read(&mut packet) {
            if let Some(peer) = peer_of(&packet[..n]) {
                // Only the end of the test takes the other end away.
                let _ = heard.try_send(peer);
            }
        }
    };
    std::thread::Builder::new().name("listen".to_owned()).spawn(work).unwrap();
    receiver
}

/// To whom a packet goes: the first one of a connection, or a datagram. None for all others, and for what a system says to
/// its neighbours by itself.
fn peer_of(packet: &[u8]) -> Option<String> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    let (protocol, to, rest) = match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet[0] & 15) * 4;
            let to = Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?);
            (*packet.get(9)?, to.to_string(), packet.get(header..)?)
        }
        6 => {
            let to = std::net::Ipv6Addr::from(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?);
            (*packet.get(6)?, format!("[{to}]"), packet.get(40..)?)
        }
        _ => return None,
    };
    let port = u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]);
    match protocol {
        // SYN without ACK.
        TCP if rest.get(13)? & 0x12 == 0x02 => Some(format!("tcp {to}:{port}")),
        UDP if port == 53 => Some(format!("udp {to}:{port} {}", name_of(rest.get(20..)?))),
        UDP => Some(format!("udp {to}:{port}")),
        _ => None,
    }
}

/// The name in a question to a name server.
fn name_of(mut question: &[u8]) -> String {
    let mut labels = Vec::new();
    while let Some((&len, rest)) = question.split_first()
        && len > 0
        && let Some(label) = rest.get(..usize::from(len))
    {
        labels.push(String::from_utf8_lossy(label).into_owned());
        question = &rest[usize::from(len)..];
    }
    labels.join(".")
}

#[test]
fn packets_say_to_whom_they_go() {
    let ip = |protocol: u8, rest: &[u8]| {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 127, 0, 0, 1, 10, 0, 0, 7];
        packet.extend_from_slice(rest);
        packet
    };
    let tcp = |flags: u8| ip(6, &[0, 9, 0x07, 0x5b, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
    assert_eq!(peer_of(&tcp(0x02)).unwrap(), "tcp 10.0.0.7:1883");
    assert_eq!((peer_of(&tcp(0x12)), peer_of(&tcp(0x10)), peer_of(&[])), (None, None, None));
    let question = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    let udp = [&[0, 9, 0, 53, 0, 0, 0, 0][..], question].concat();
    assert_eq!(peer_of(&ip(17, &udp)).unwrap(), "udp 10.0.0.7:53 example.com");
}
