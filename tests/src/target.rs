//! Targets that tell what reached them, and targets that lie.

use crate::wire::{Message, message};
use anyhow::Result;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A forwarder in front of a server that keeps every byte sent to it. Without a server behind, it is a target that
/// accepts and never answers.
#[derive(Debug)]
pub struct Tap {
    port: u16,
    /// What was sent on each connection.
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
    connections: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Tap {
    /// Listens on a free loopback port and forwards to `behind`, when that is given.
    pub fn start(behind: Option<u16>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let tap = Self {
            port: listener.local_addr()?.port(),
            sent: Arc::default(),
            connections: Arc::default(),
            ended: Arc::default(),
        };
        let (sent, connections, ended) = (
            Arc::clone(&tap.sent),
            Arc::clone(&tap.connections),
            Arc::clone(&tap.ended),
        );
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let number = connections.fetch_add(1, Ordering::SeqCst);
                if let Ok(mut sent) = sent.lock() {
                    sent.push(Vec::new());
                }
                let sent = Arc::clone(&sent);
                thread::spawn(move || forward(client, behind, &sent, number));
            }
        });
        Ok(tap)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections it has accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many bytes have been sent to it so far, on all connections.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let all = |sent: &Vec<Vec<u8>>| sent.iter().map(Vec::len).sum();
        self.sent.lock().map_or(0, |sent| all(&sent))
    }

    /// Whether `needle` was among what has been sent to it.
    #[must_use]
    pub fn saw(&self, needle: &str) -> bool {
        let needle = needle.as_bytes();
        let within = |sent: &Vec<u8>| sent.windows(needle.len().max(1)).any(|part| part == needle);
        self.sent.lock().is_ok_and(|sent| sent.iter().any(within))
    }

    /// The messages that were sent on each connection, each as its type and its texts. Plaintext only; the startup
    /// message and the login are left out.
    #[must_use]
    pub fn messages(&self) -> Vec<Vec<(char, String)>> {
        let sent = self.sent.lock();
        sent.map_or_else(
            |_| Vec::new(),
            |sent| sent.iter().map(|one| messages(one)).collect(),
        )
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the accept loop, so that it sees the end.
        let _ = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)));
    }
}

/// Reads what a client of the PostgreSQL protocol sent, as far as it is there.
fn messages(mut bytes: &[u8]) -> Vec<(char, String)> {
    let mut read = Vec::new();
    let mut typed = false;
    loop {
        let (tag, rest) = match (typed, bytes.split_first()) {
            (true, Some((tag, rest))) => (char::from(*tag), rest),
            (true, None) => return read,
            // The startup message has no type.
            (false, _) => (' ', bytes),
        };
        let length = rest
            .first_chunk::<4>()
            .map(|length| u32::from_be_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok());
        let Some((message, after)) = length.and_then(|length| rest.split_at_checked(length)) else {
            return read;
        };
        if typed && tag != 'p' {
            let body = String::from_utf8_lossy(message.get(4..).unwrap_or_default());
            read.push((tag, body.trim_matches('\0').to_owned()));
        }
        typed = true;
        bytes = after;
    }
}

fn forward(client: TcpStream, behind: Option<u16>, sent: &Arc<Mutex<Vec<Vec<u8>>>>, number: usize) {
    let server = behind.and_then(|port| TcpStream::connect(("127.0.0.1", port)).ok());
    let answers = server
        .as_ref()
        .and_then(|server| Some((server.try_clone().ok()?, client.try_clone().ok()?)));
    if let Some((from_server, to_client)) = answers {
        thread::spawn(move || pass(from_server, Some(to_client), |_| ()));
    }
    let keep = |part: &[u8]| {
        if let Ok(mut sent) = sent.lock()
            && let Some(own) = sent.get_mut(number)
        {
            own.extend_from_slice(part);
        }
    };
    pass(client, server, keep);
}

fn pass(mut from: TcpStream, mut to: Option<TcpStream>, mut keep: impl FnMut(&[u8])) {
    let mut buffer = [0_u8; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer) {
        let Some(part) = buffer.get(..length).filter(|part| !part.is_empty()) else {
            break;
        };
        keep(part);
        if to.as_mut().is_some_and(|to| to.write_all(part).is_err()) {
            break;
        }
    }
    if let Some(to) = to {
        let _ = to.shutdown(Shutdown::Write);
    }
}

/// What becomes of one message of the server.
type Alter = Box<dyn Fn(Message) -> Vec<Message> + Send>;

/// A server whose answers are altered on their way: what a hostile one could send. The gateway's own sessions, in
/// which it reads the catalog, are left as they are.
pub struct Impostor {
    port: u16,
    alter: Arc<Mutex<Alter>>,
    ended: Arc<AtomicBool>,
}

impl std::fmt::Debug for Impostor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Impostor").finish_non_exhaustive()
    }
}

impl Impostor {
    /// Listens on a free loopback port in front of the server at port `behind`; honest until told otherwise.
    pub fn start(behind: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let honest: Alter = Box::new(|message| vec![message]);
        let impostor = Self {
            port: listener.local_addr()?.port(),
            alter: Arc::new(Mutex::new(honest)),
            ended: Arc::default(),
        };
        let (alter, ended) = (Arc::clone(&impostor.alter), Arc::clone(&impostor.ended));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let alter = Arc::clone(&alter);
                thread::spawn(move || impersonate(client, behind, alter));
            }
        });
        Ok(impostor)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, in every session, each message of the server becomes these.
    pub fn alter(&self, alter: impl Fn(Message) -> Vec<Message> + Send + 'static) {
        if let Ok(mut current) = self.alter.lock() {
            *current = Box::new(alter);
        }
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the accept loop, so that it sees the end.
        let _ = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)));
    }
}

/// In the startup packet of the gateway's own sessions.
const OWN_SESSION: &[u8] = b"application_name\0sluice\0";

fn impersonate(mut client: TcpStream, behind: u16, alter: Arc<Mutex<Alter>>) -> Option<()> {
    let mut server = TcpStream::connect(("127.0.0.1", behind)).ok()?;
    let mut startup = vec![0; 16 * 1024];
    let length = client.read(&mut startup).ok()?;
    startup.truncate(length);
    server.write_all(&startup).ok()?;
    let own = startup
        .windows(OWN_SESSION.len())
        .any(|part| part == OWN_SESSION);
    let (from_server, mut to_client) = (server.try_clone().ok()?, client.try_clone().ok()?);
    thread::spawn(move || {
        let mut messages = std::io::BufReader::new(from_server);
        while let Ok(Some(sent)) = Message::read(&mut messages) {
            let altered = match alter.lock() {
                Ok(alter) if !own => alter(sent),
                _ => vec![sent],
            };
            for each in altered {
                let Ok(packet) = message(each.tag, &each.body) else {
                    return;
                };
                if to_client.write_all(&packet).is_err() {
                    return;
                }
            }
        }
        let _ = to_client.shutdown(Shutdown::Write);
    });
    pass(client, Some(server), |_| ());
    Some(())
}
