//! The last proof on the embedded cloud, and single visits.

mod proof;
mod visits;
