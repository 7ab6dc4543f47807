//! Reading a body within its limits.

use std::io;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::limits::DoorLimits;

/// Of a body that is refused, this much is still read and thrown away. A connection that is closed
/// on a client that still sends would take the answer down with it.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is larger than the limit, or says that it will be.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken(io::Error),
}

/// Reads a whole body, or says why not, as soon as that is certain.
pub(super) async fn read_body(mut body: Incoming, limits: &DoorLimits) -> Result<Bytes, Unread> {
    let collected = collect(&mut body, limits.body_bytes_max);
    let collected =
        tokio::time::timeout(limits.body_time_max, collected).await.unwrap_or(Err(Unread::TooSlow));
    if matches!(collected, Err(Unread::TooLarge)) {
        discard_beside(body, limits);
    }
    collected
}

/// Reads a body, or the rest of one, for nothing: beside the answer, which does not wait for it.
pub(super) fn discard_beside(body: Incoming, limits: &DoorLimits) {
    if !body.is_end_stream() {
        tokio::spawn(tokio::time::timeout(limits.body_time_max, discard(body)));
    }
}

async fn collect(body: &mut Incoming, bytes_max: usize) -> Result<Bytes, Unread> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(Unread::TooLarge);
    }
    let mut collected = BytesMut::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(io::Error::other(error)))?;
        let Some(data) = frame.data_ref() else { continue };
        if collected.len().saturating_add(data.len()) > bytes_max {
            return Err(Unread::TooLarge);
        }
        collected.extend_from_slice(data);
    }
    Ok(collected.freeze())
}

async fn discard(mut body: Incoming) {
    let mut discarded = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        discarded = discarded.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if discarded > DISCARDED_BYTES_MAX {
            break;
        }
    }
}
