//! Reading a body within its limits.

use std::io;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::limits::DoorLimits;

/// Of a body that is too large, this much more is read and thrown away. A connection that is closed
/// on a client that still sends would take the answer down with it.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is larger than the limit.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken(io::Error),
}

/// Reads a whole body, or says why not.
pub(super) async fn read_body(body: Incoming, limits: &DoorLimits) -> Result<Bytes, Unread> {
    tokio::time::timeout(limits.body_time_max, collect(body, limits.body_bytes_max))
        .await
        .unwrap_or(Err(Unread::TooSlow))
}

async fn collect(mut body: Incoming, bytes_max: usize) -> Result<Bytes, Unread> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut collected = BytesMut::with_capacity(expected.min(bytes_max));
    let mut received = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(io::Error::other(error)))?;
        let Some(data) = frame.data_ref() else { continue };
        received = received.saturating_add(data.len());
        if received <= bytes_max {
            collected.extend_from_slice(data);
        } else if received > bytes_max.saturating_add(DISCARDED_BYTES_MAX) {
            break;
        }
    }
    if received > bytes_max { Err(Unread::TooLarge) } else { Ok(collected.freeze()) }
}
