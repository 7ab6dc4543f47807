//! Security Token Service: who is calling. There is one caller.

use crate::handler::{Answer, Route};
use crate::state::{ACCOUNT_ID, Context};
use crate::wire::params::Fields;
use crate::wire::xml::Xml;

/// Every action of the Security Token Service that is modelled.
pub(crate) const ROUTES: &[Route] = &[Route::read("GetCallerIdentity", get_caller_identity)];

fn get_caller_identity(_cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    input.end()?;
    let mut xml = Xml::new();
    xml.text("Arn", format!("arn:aws:iam::{ACCOUNT_ID}:root"))
        .text("UserId", ACCOUNT_ID)
        .text("Account", ACCOUNT_ID);
    Ok(xml)
}
