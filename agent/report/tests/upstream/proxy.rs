//! A proxy that can be cut and can keep silent.

use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What becomes of the broker's acknowledgements on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    /// Each comes twice.
    Twice,
    /// One comes of what was never sent, too.
    Foreign,
    /// None comes.
    Silent,
    /// Every other one comes behind the next.
    Late,
}

/// Stands between the publisher and the broker; lets through, swallows answers, lies, or cuts.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<ProxyState>,
}

struct ProxyState {
    /// Where to; none refuses connections.
    broker: Mutex<Option<u16>>,
    swallow_answers: AtomicBool,
    lie: Mutex<Lie>,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(crate) fn start(broker: Option<u16>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(ProxyState {
            broker: Mutex::new(broker),
            swallow_answers: AtomicBool::new(false),
            lie: Mutex::new(Lie::None),
            streams: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&state);
        let accept = move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let Some(broker) = *shared.broker.lock().unwrap() else { continue };
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, broker));
                let Ok(server) = TcpStream::connect(address) else { continue };
                let pairs = [(&client, &server, false), (&server, &client, true)];
                for (from, to, is_answer) in pairs {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = Arc::clone(&shared);
                    let copy = move || copy(from, to, is_answer, &shared);
                    std::thread::Builder::new().name("proxy-copy".to_owned()).spawn(copy).unwrap();
                }
                shared.streams.lock().unwrap().extend([client, server]);
            }
        };
        std::thread::Builder::new().name("proxy".to_owned()).spawn(accept).unwrap();
        Self { port, state }
    }

    /// Lets new connections through to a broker, or refuses them.
    pub(crate) fn lead_to(&self, broker: Option<u16>) {
        *self.state.broker.lock().unwrap() = broker;
    }

    /// Keeps what the broker says from the publisher.
    pub(crate) fn swallow_answers(&self, on: bool) {
        self.state.swallow_answers.store(on, Ordering::SeqCst);
    }

    /// Says otherwise than the broker from now on, which speaks MQTT 3.1.1.
    pub(crate) fn lies(&self, lie: Lie) {
        *self.state.lie.lock().unwrap() = lie;
    }

    /// Ends all connections that are through.
    pub(crate) fn cut(&self) {
        for stream in self.state.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, is_answer: bool, state: &ProxyState) {
    let (mut buffer, mut late) = ([0; 4096], Vec::new());
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 {
            break;
        }
        let is_swallowed = is_answer && state.swallow_answers.load(Ordering::SeqCst);
        let lie = *state.lie.lock().unwrap();
        let mut told = if is_answer { lied(&buffer[..n], lie, &mut late) } else { buffer[..n].to_vec() };
        if lie != Lie::Late {
            told.append(&mut late);
        }
        if !is_swallowed && to.write_all(&told).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// What a broker says to one who only publishes, with other acknowledgements: each packet is shorter than 128 bytes. What is
/// `late` is kept for the next time.
fn lied(mut said: &[u8], lie: Lie, late: &mut Vec<u8>) -> Vec<u8> {
    const PUBACK: u8 = 0x40;
    let mut told = Vec::new();
    while let [kind, length, ..] = *said {
        let (packet, rest) = said.split_at(said.len().min(2 + usize::from(length)));
        match lie {
            Lie::Twice if kind == PUBACK => told.extend([packet, packet].concat()),
            Lie::Foreign if kind == PUBACK => told.extend([packet, &[PUBACK, 2, 0xea, 0x60]].concat()),
            Lie::Silent if kind == PUBACK => {}
            Lie::Late if kind == PUBACK && late.is_empty() => late.extend(packet),
            Lie::Late if kind == PUBACK => {
                told.extend(packet);
                told.append(late);
            }
            _ => told.extend(packet),
        }
        said = rest;
    }
    told.extend(said);
    told
}
