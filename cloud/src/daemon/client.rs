//! The commands' side of the daemon's own requests: one short exchange over loopback.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use blake3::Hash;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::access_key::AccessKey;
use super::endpoint::Endpoint;
use super::error::DaemonError;
use crate::door::CONTROL_ROOT;

/// How long a daemon that is alive may take: it may just be syncing its state.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
/// Larger answers are not the daemon's.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The daemon's answer to a challenge.
#[derive(Debug, Deserialize)]
struct Ready {
    proof: String,
}

/// Makes a request of the daemon and reads its JSON. The request carries the key, so the caller checks with
/// [`answers`] first.
pub(super) fn ask<T: DeserializeOwned>(
    endpoint: &Endpoint,
    method: &str,
    verb: &str,
) -> Result<T, DaemonError> {
    let key = format!("Authorization: Bearer {}\r\n", endpoint.access_key_id.as_str());
    exchange(endpoint.port, method, verb, &key)
}

/// Tells whether the daemon that wrote this endpoint answers at it.
///
/// The daemon proves that it knows the key, and the key is not sent: another process may listen on the port by now.
pub(super) fn answers(endpoint: &Endpoint) -> bool {
    let Endpoint { access_key_id, port, pid, .. } = endpoint;
    let Ok(challenge) = AccessKey::challenge() else { return false };
    let Some(expected) = access_key_id.proof(&challenge, *port, *pid) else { return false };
    let told = exchange::<Ready>(*port, "GET", &format!("ready?challenge={challenge}"), "");
    told.is_ok_and(|told| Hash::from_hex(told.proof).is_ok_and(|proof| proof == expected))
}

/// Sends one request on a connection of its own and reads the JSON that comes back.
fn exchange<T: DeserializeOwned>(
    port: u16,
    method: &str,
    verb: &str,
    header: &str,
) -> Result<T, DaemonError> {
    let (status, body) = send(port, method, verb, header).map_err(DaemonError::Connection)?;
    if status != 200 {
        let message = String::from_utf8_lossy(&body).into_owned();
        return Err(DaemonError::Refused { status, message });
    }
    serde_json::from_slice(&body).map_err(|error| DaemonError::Connection(io::Error::other(error)))
}

/// Sends one request; returns status and body.
fn send(port: u16, method: &str, verb: &str, header: &str) -> io::Result<(u16, Vec<u8>)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME_MAX)?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
    let request = format!(
        "{method} {CONTROL_ROOT}{verb} HTTP/1.1\r\nHost: {address}\r\n{header}Content-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Splits an answer that ends with its connection into status and body.
fn parse(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, answer[end + 4..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno";
        assert_eq!(parse(answer), Some((404, b"no".to_vec())));
        for wrong in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n\r\n", b"\xff\r\n\r\n"] {
            assert_eq!(parse(wrong), None);
        }
    }
}
