//! The group on the embedded cloud, and the comparison of its content.

mod attributes;
mod content;
mod life;
