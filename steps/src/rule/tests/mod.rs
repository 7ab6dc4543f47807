//! Rules on the embedded cloud, and the comparison of their content.

mod content;
mod life;
