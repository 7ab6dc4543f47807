//! A run as people see it: pure functions from its state to text and JSON.

pub(crate) mod checks;
pub(crate) mod cloud_account;
pub(crate) mod facts;
pub(crate) mod failures;
pub(crate) mod left;
pub(crate) mod next;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod stage;
pub(crate) mod standing;
pub(crate) mod steps;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod verification;
