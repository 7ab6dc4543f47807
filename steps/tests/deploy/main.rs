//! Whole runs of the documented stack on the embedded cloud, through the real SDK.

mod faults;
mod neighbours;
mod scene;
mod whole;
