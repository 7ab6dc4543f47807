//! The listener on the embedded cloud, and the comparison of its content.

mod content;
mod life;
