//! A camera as ONVIF has it: it answers whoever asks the network for cameras, and tells its streams to who gives a login.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_hw::discovery::GROUP;
use socket2::{Domain, Protocol, Socket, Type};

use crate::asked::Asked;

/// How often it is looked whether it is to end.
const TURN: Duration = Duration::from_millis(100);

/// A camera on loopback whose streams are elsewhere. It ends when this is dropped.
#[derive(Debug)]
pub struct OnvifCamera {
    at: SocketAddr,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl OnvifCamera {
    /// A camera of this name that lets `user` in, and whose main stream is at `url`.
    pub fn start(name: &str, user: &str, url: &str) -> anyhow::Result<Self> {
        let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to listen")?;
        let at = service.local_addr()?;
        let found = found_by()?;
        let is_over = Arc::<AtomicBool>::default();
        let (over, answer) = (Arc::clone(&is_over), probe_match(name, at));
        let discovery = std::thread::Builder::new().name("wsd".to_owned()).spawn(move || {
            let mut asked = [0; 4096];
            while !over.load(Ordering::Relaxed) {
                let Ok((bytes, from)) = found.recv_from(&mut asked) else { continue };
                if String::from_utf8_lossy(&asked[..bytes]).contains("Probe>") {
                    // Who asked may be gone.
                    let _ = found.send_to(answer.as_bytes(), from);
                }
            }
        })?;
        let (over, user, url) = (Arc::clone(&is_over), user.to_owned(), url.to_owned());
        let services = std::thread::Builder::new().name("onvif".to_owned()).spawn(move || {
            for client in service.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // What goes wrong with one question is told by its answer.
                let _ = answer_one(client, (&user, &url), at);
            }
        })?;
        Ok(Self { at, is_over, threads: vec![discovery, services] })
    }
}

impl Drop for OnvifCamera {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a client.
        drop(TcpStream::connect(self.at));
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn found_by() -> anyhow::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, GROUP.port()).into())?;
    socket.join_multicast_v4(GROUP.ip(), &Ipv4Addr::LOCALHOST)?;
    socket.set_read_timeout(Some(TURN))?;
    Ok(socket.into())
}

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:tt=\"http://www.onvif.org/ver10/schema\" xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" \
         xmlns:r=\"urn:r\"><s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn probe_match(name: &str, at: SocketAddr) -> String {
    envelope(&format!(
        "<d:ProbeMatches><d:ProbeMatch><d:Scopes>onvif://www.onvif.org/name/{name} \
         onvif://www.onvif.org/hardware/SIM-1</d:Scopes><d:XAddrs>http://{at}/onvif/device_service</d:XAddrs>\
         </d:ProbeMatch></d:ProbeMatches>"
    ))
}

fn answer_one(mut client: TcpStream, (user, url): (&str, &str), at: SocketAddr) -> std::io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(5)))?;
    let asked = Asked::read(&client)?;
    let body = String::from_utf8_lossy(&asked.body);
    let is_let_in = body.contains(&format!("Username>{user}</")) && body.contains("#PasswordDigest");
    let (status, told) = if body.contains("GetSystemDateAndTime") {
        let time = "<tt:Time><tt:Hour>7</tt:Hour><tt:Minute>5</tt:Minute><tt:Second>9</tt:Second></tt:Time>";
        let date = "<tt:Date><tt:Year>2026</tt:Year><tt:Month>3</tt:Month><tt:Day>1</tt:Day></tt:Date>";
        ("200 OK", format!("<r:R><tt:UTCDateTime>{time}{date}</tt:UTCDateTime></r:R>"))
    } else if !is_let_in {
        let code =
            "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>";
        ("400 Bad Request", format!("<s:Fault>{code}<s:Reason><s:Text>not authorized</s:Text></s:Reason></s:Fault>"))
    } else if body.contains("GetCapabilities") {
        ("200 OK", format!("<r:R><tt:Media><tt:XAddr>http://{at}/onvif/media</tt:XAddr></tt:Media></r:R>"))
    } else if body.contains("GetProfiles") {
        let profile = |token: &str, size: (u32, u32)| {
            let size = format!("<tt:Width>{}</tt:Width><tt:Height>{}</tt:Height>", size.0, size.1);
            format!(
                "<r:Profiles token=\"{token}\"><tt:Name>{token}</tt:Name><tt:VideoEncoderConfiguration>\
                 <tt:Encoding>H264</tt:Encoding><tt:Resolution>{size}</tt:Resolution></tt:VideoEncoderConfiguration></r:Profiles>"
            )
        };
        ("200 OK", format!("<r:R>{}{}</r:R>", profile("sub", (352, 288)), profile("main", (768, 576))))
    } else {
        let url = if body.contains(">main<") { url.to_owned() } else { format!("{url}-sub") };
        ("200 OK", format!("<r:R><r:MediaUri><tt:Uri>{url}</tt:Uri></r:MediaUri></r:R>"))
    };
    let told = envelope(&told);
    write!(
        client,
        "HTTP/1.1 {status}\r\ncontent-type: application/soap+xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{told}",
        told.len()
    )
}
