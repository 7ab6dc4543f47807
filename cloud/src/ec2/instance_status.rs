//! What the checks of instances say.

use crate::ec2::instances::{InstanceState, check_ids};
use crate::handler::Answer;
use crate::state::Context;
use crate::wire::filters::Filters;
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::xml::Xml;

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("InstanceId");
    let all = input.flag("IncludeAllInstances")?.unwrap_or(false);
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    let known = [
        "instance-state-name",
        "instance-state-code",
        "instance-status.status",
        "system-status.status",
        "availability-zone",
    ];
    filters.check(input, &known)?;
    input.end()?;
    check_ids(cx.region, &ids)?;
    let found = cx.region.instances.values().filter(|instance| {
        (ids.is_empty() || ids.contains(&instance.id.as_str()))
            && (all || instance.state(cx.now_ms) == InstanceState::Running)
            && filters.pass(instance.shown_tags(cx.now_ms), |name| {
                instance.offers(name, cx.region, cx.now_ms)
            })
    });
    let (found, next) = page.cut(found, |instance| instance.id.clone());
    let mut xml = Xml::new();
    xml.items("instanceStatusSet", found, |item, instance| {
        let state = instance.state(cx.now_ms);
        let status = instance.status(cx.now_ms);
        item.text("instanceId", &instance.id).text("availabilityZone", &instance.zone);
        state.write(item, "instanceState");
        for check in ["systemStatus", "instanceStatus"] {
            item.element(check, |element| {
                element.text("status", status);
            });
        }
    });
    xml.optional("nextToken", next);
    Ok(xml)
}
