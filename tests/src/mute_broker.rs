//! A broker that lies: it accepts every connection, answers every ping, and acknowledges nothing.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::Builder;

use anyhow::Context as _;

/// The broker. Its threads end with the test's process.
#[derive(Debug)]
pub struct MuteBroker {
    port: u16,
    connections: Arc<AtomicU32>,
}

impl MuteBroker {
    /// Listens on a free port of the loopback.
    pub fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to listen")?;
        let port = listener.local_addr()?.port();
        let connections = Arc::<AtomicU32>::default();
        let count = Arc::clone(&connections);
        Builder::new().name("mute-broker".to_owned()).spawn(move || {
            for client in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let converse = move || {
                    // The client may leave at any time.
                    let _ = converse(client);
                };
                if Builder::new().name("mute-client".to_owned()).spawn(converse).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { port, connections })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// How many connections were made.
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Speaks as much of MQTT 5 as it takes to seem well: CONNACK, PINGRESP.
fn converse(mut client: TcpStream) -> io::Result<()> {
    loop {
        let (kind, _) = packet(&mut client)?;
        match kind >> 4 {
            1 => client.write_all(&[0x20, 3, 0, 0, 0])?,
            12 => client.write_all(&[0xd0, 0])?,
            14 => return Ok(()),
            _ => {}
        }
    }
}

/// One packet: its first byte and what follows its length. MQTT 5.0, section 2.1.
fn packet(client: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    client.read_exact(&mut byte)?;
    let kind = byte[0];
    let (mut length, mut shift) = (0, 0);
    loop {
        client.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 127) << shift;
        if byte[0] & 128 == 0 {
            break;
        }
        shift += 7;
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    Ok((kind, body))
}
