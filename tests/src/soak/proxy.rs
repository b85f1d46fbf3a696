//! A network that breaks on demand: a TCP port before another, whose connections can be cut.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context as _;

/// The port. Its connections end when it is dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    port: u16,
    open: Arc<Mutex<Vec<TcpStream>>>,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Hands connections on to the port `to` of this machine.
    pub(super) fn before(to: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to listen")?;
        let port = listener.local_addr()?.port();
        let (open, is_stopping) = (Arc::<Mutex<Vec<TcpStream>>>::default(), Arc::new(AtomicBool::new(false)));
        let (held, asked) = (Arc::clone(&open), Arc::clone(&is_stopping));
        let serve = move || {
            let mut pumps = Vec::new();
            for client in listener.incoming().flatten() {
                if asked.load(Ordering::Acquire) {
                    break;
                }
                pumps.retain(|pump: &JoinHandle<()>| !pump.is_finished());
                let _ = connect(client, to, &held).map(|both| pumps.extend(both));
            }
        };
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(serve)?;
        Ok(Self { port, open, is_stopping, thread: Some(thread) })
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection.
    pub(super) fn cut(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in open.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        self.cut();
        // Wakes the thread that waits for a client.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Connects on and hands bytes over both ways, each on a thread that ends with the connection.
fn connect(client: TcpStream, to: u16, held: &Mutex<Vec<TcpStream>>) -> anyhow::Result<[JoinHandle<()>; 2]> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    held.lock().unwrap_or_else(PoisonError::into_inner).extend([client.try_clone()?, server.try_clone()?]);
    let pump = |mut from: TcpStream, mut into: TcpStream| {
        std::thread::Builder::new().name("pump".to_owned()).spawn(move || {
            let mut bytes = [0; 16 << 10];
            while let Ok(n) = from.read(&mut bytes)
                && n > 0
                && into.write_all(&bytes[..n]).is_ok()
            {}
            let _ = into.shutdown(Shutdown::Both);
        })
    };
    Ok([pump(client.try_clone()?, server.try_clone()?)?, pump(server, client)?])
}
