//! One thing of the world.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::ActionError;
use crate::testing::holdings::Holding;
use crate::testing::terms::{Order, Seen};

/// A thing of the world, be it seen or not.
pub(super) struct Thing {
    pub(super) order: Order,
    pub(super) marked: bool,
    pub(super) parts: BTreeMap<String, String>,
    pub(super) made_at: Duration,
    pub(super) leaves_at: Option<Duration>,
}

impl Thing {
    pub(super) fn is_gone(&self, now: Duration) -> bool {
        self.leaves_at.is_some_and(|leaves_at| leaves_at <= now)
    }

    pub(super) fn is_seen(&self, now: Duration, lag: Duration) -> bool {
        now >= self.made_at + lag && self.leaves_at.is_none_or(|leaves_at| now < leaves_at + lag)
    }

    pub(super) fn carries(&self, mark: &str) -> bool {
        self.marked && self.order.mark == mark
    }

    pub(super) fn prove_marked(&self, id: &str, mark: &str) -> Result<(), ActionError> {
        if self.carries(mark) {
            return Ok(());
        }
        Err(ActionError::permanent(format!("{id} carries another mark")))
    }

    pub(super) fn seen(&self, id: &str) -> Seen {
        Seen {
            id: id.to_owned(),
            mark: self.marked.then(|| self.order.mark.clone()),
            content: self.order.content.clone(),
            is_leaving: self.leaves_at.is_some(),
        }
    }

    pub(super) fn holding(&self) -> Holding {
        Holding {
            mark: self.marked.then(|| self.order.mark.clone()),
            maker: self.marked.then(|| self.order.maker.clone()),
            token: self.marked.then(|| self.order.token.clone()),
            content: json!({
                "name": self.order.name,
                "content": self.order.content,
                "parts": self.parts,
            }),
        }
    }
}
