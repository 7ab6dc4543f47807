//! What a client may ask of a door.

use std::time::Duration;

/// Bounds what a client may send, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorLimits {
    /// Largest head of a request, in bytes; a larger one is answered with 431. At least 8 KiB.
    pub head_bytes_max: usize,
    /// Largest body, in bytes; a larger one is answered with 413.
    pub body_bytes_max: usize,
    /// How long a connection may be idle, take to send the head of a request, or leave an answer
    /// unread; then it is closed. A head of which a part has come is answered with 408.
    pub head_time_max: Duration,
    /// How long a body may take; then it is answered with 408.
    pub body_time_max: Duration,
    /// Connections that are served at once. Another one takes the place of the one that has waited
    /// longest for its client; it waits only where each has a request that is being answered.
    pub connections_max: usize,
    /// How long requests in flight may go on when the door closes.
    pub closing_time_max: Duration,
}

impl Default for DoorLimits {
    /// A launch template with 16 KiB of user data needs about 25 KiB; 1 MiB is far from it, and
    /// near to nothing for a laptop. The times suit people and SDKs, whose pools keep connections.
    fn default() -> Self {
        Self {
            head_bytes_max: 64 * 1024,
            body_bytes_max: 1024 * 1024,
            head_time_max: Duration::from_secs(30),
            body_time_max: Duration::from_secs(15),
            connections_max: 512,
            closing_time_max: Duration::from_secs(1),
        }
    }
}
