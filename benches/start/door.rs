//! A door on loopback in front of the embedded cloud, which notes when the first byte comes through.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::program;

#[derive(Debug)]
pub(crate) struct Door {
    port: u16,
    /// When the first byte of each connection came.
    seen: Mutex<Receiver<Instant>>,
}

impl Door {
    /// Opens a door to what listens on `behind`.
    pub(crate) fn open(behind: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (noted, seen) = channel();
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let noted = noted.clone();
                thread::spawn(move || pass(&caller, behind, &noted));
            }
        });
        Self { port, seen: Mutex::new(seen) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Forgets what has come so far.
    pub(crate) fn forget(&self) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while seen.try_recv().is_ok() {}
    }

    /// Waits for the next connection's first byte.
    pub(crate) fn first_byte(&self, patience: Duration) -> Instant {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.recv_timeout(patience).expect("a remote call")
    }
}

/// Hands one connection through. Either side may go at any moment.
fn pass(caller: &TcpStream, behind: u16, noted: &Sender<Instant>) {
    let Ok(cloud) = TcpStream::connect(("127.0.0.1", behind)) else { return };
    let Ok(address) = caller.local_addr() else { return };
    // The cloud answers to its own name only.
    let (named, meant) = (format!("host: {address}"), format!("host: 127.0.0.1:{behind}"));
    let (Ok(from_cloud), Ok(to_caller)) = (cloud.try_clone(), caller.try_clone()) else { return };
    let back = thread::spawn(move || carry(&from_cloud, &to_caller, <[u8]>::to_vec));
    let mut first = true;
    carry(caller, &cloud, |bytes| {
        if std::mem::take(&mut first) {
            // Nobody may be waiting for it any more.
            let _ = noted.send(program::now());
        }
        String::from_utf8_lossy(bytes).replace(&named, &meant).into_bytes()
    });
    let _ = back.join();
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, mut through: impl FnMut(&[u8]) -> Vec<u8>) {
    let mut bytes = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&through(&bytes[..count])).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
