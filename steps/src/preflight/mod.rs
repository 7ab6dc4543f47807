//! The look before anything is created.

use serde::{Deserialize, Serialize};

/// Where the stack is built, as the preflight found it. Every later action takes it from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The account that the credentials belong to.
    pub account: String,
    /// The region.
    pub region: String,
    /// The VPC.
    pub vpc_id: String,
    /// The subnets, in the order of the groups.
    pub subnets: [SubnetRef; 2],
}

/// One subnet and its zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetRef {
    /// The zone that it lies in.
    pub zone: String,
    /// Its id.
    pub id: String,
}
