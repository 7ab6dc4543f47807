//! What a handler is given and gives back; one action and its handler.

use crate::state::Context;
use crate::wire::dialect::Wrapping;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// What a handler gives back: the members of the answer, or a refusal without any effect.
pub(crate) type Answer = Result<Xml, Refusal>;

/// A handler reads its parameters, ends the reading, checks, and only then changes anything.
pub(crate) type Handler = fn(&mut Context<'_>, &Fields<'_>) -> Answer;

/// One action and its handler.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) action: &'static str,
    pub(crate) handler: Handler,
    /// Whether it may change the state, which is then stored before the answer goes out.
    pub(crate) changes: bool,
    /// How its answer is wrapped.
    pub(crate) wrapping: Wrapping,
}

impl Route {
    pub(crate) const fn read(action: &'static str, handler: Handler) -> Self {
        Self { action, handler, changes: false, wrapping: Wrapping::Result }
    }

    pub(crate) const fn change(action: &'static str, handler: Handler) -> Self {
        Self { action, handler, changes: true, wrapping: Wrapping::Result }
    }

    /// An action that changes something and whose answer has nothing in it at all.
    pub(crate) const fn bare_change(action: &'static str, handler: Handler) -> Self {
        Self { action, handler, changes: true, wrapping: Wrapping::Bare }
    }
}
