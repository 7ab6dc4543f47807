//! The wire: form parameters in, XML out, and the four dialects in between.

pub(crate) mod dialect;
pub(crate) mod filters;
pub(crate) mod pages;
pub(crate) mod params;
pub(crate) mod refusal;
pub(crate) mod xml;
