//! Targets that tell what reached them.

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
    sent: Arc<Mutex<Vec<u8>>>,
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
                connections.fetch_add(1, Ordering::SeqCst);
                let sent = Arc::clone(&sent);
                thread::spawn(move || forward(client, behind, &sent));
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
        self.sent.lock().map_or(0, |sent| sent.len())
    }

    /// Whether `needle` was among what has been sent to it.
    #[must_use]
    pub fn saw(&self, needle: &str) -> bool {
        let needle = needle.as_bytes();
        self.sent
            .lock()
            .is_ok_and(|sent| sent.windows(needle.len().max(1)).any(|part| part == needle))
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the accept loop, so that it sees the end.
        let _ = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)));
    }
}

fn forward(client: TcpStream, behind: Option<u16>, sent: &Arc<Mutex<Vec<u8>>>) {
    let server = behind.and_then(|port| TcpStream::connect(("127.0.0.1", port)).ok());
    let answers = server
        .as_ref()
        .and_then(|server| Some((server.try_clone().ok()?, client.try_clone().ok()?)));
    if let Some((from_server, to_client)) = answers {
        thread::spawn(move || pass(from_server, Some(to_client), |_| ()));
    }
    let keep = |part: &[u8]| {
        if let Ok(mut sent) = sent.lock() {
            sent.extend_from_slice(part);
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
