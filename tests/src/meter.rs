//! A real Modbus TCP device.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::Server;
use tokio_modbus::{ExceptionCode, Request, Response};

/// A meter with input registers on a loopback port, on a thread of its own. It is gone when this is dropped.
#[derive(Debug)]
pub struct Meter {
    port: u16,
    memory: Memory,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The registers that there are.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<u16, u16>>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, u16>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Memory {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let Request::ReadInputRegisters(first, n) = request else {
            return ready(Err(ExceptionCode::IllegalFunction));
        };
        let registers = self.lock();
        let words = (0..n).map(|i| registers.get(&first.checked_add(i)?).copied()).collect::<Option<Vec<u16>>>();
        ready(words.map(Response::ReadInputRegisters).ok_or(ExceptionCode::IllegalDataAddress))
    }
}

impl Meter {
    /// Starts one on `port`, or on a free one if it is 0.
    pub fn start(port: u16) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let port = listener.local_addr()?.port();
        let (stop, stopped) = oneshot::channel();
        let memory = Memory::default();
        let served = memory.clone();
        let serve = move || {
            runtime.block_on(async {
                let server = Server::new(listener);
                let connected = |stream: TcpStream, _| {
                    let memory = served.clone();
                    async move { Ok(Some((memory, stream))) }
                };
                tokio::select! {
                    ended = server.serve(&connected, |error| eprintln!("the meter: {error}")) => {
                        eprintln!("the meter has ended: {ended:?}");
                    }
                    _ = stopped => {}
                }
            });
        };
        let thread =
            std::thread::Builder::new().name("meter".to_owned()).spawn(serve).context("failed to start the meter")?;
        Ok(Self { port, memory, stop: Some(stop), thread: Some(thread) })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes an IEEE 754 number into two registers, the high word first.
    pub fn show(&self, register: u16, value: f32) {
        let bits = value.to_bits();
        let mut registers = self.memory.lock();
        registers.insert(register, (bits >> 16) as u16);
        registers.insert(register + 1, bits as u16);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the meter's thread panicked");
        }
    }
}
