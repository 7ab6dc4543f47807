//! The stack as people draw it: what stands where, how requests go through it, and what keeps what.

use crate::stack::Stack;

/// One thing of the stack, or the internet before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name among the places.
    pub name: &'static str,
    /// What people call it.
    pub label: String,
    /// What it is.
    pub detail: String,
    /// The action that makes it; none for what is not of the stack.
    pub action: Option<&'static str>,
}

/// How two places belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The place that it starts from.
    pub from: &'static str,
    /// The place that it leads to.
    pub to: &'static str,
    /// What it says.
    pub label: String,
    /// Whether requests go along it; else it only says what guards or keeps what.
    pub carries_requests: bool,
}

/// The stack's places and links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The places, from the outside in.
    pub places: Vec<Place>,
    /// The links, in the same order.
    pub links: Vec<Link>,
}

const RULES: [&str; 2] = ["rule-1", "rule-2"];
const TARGET_GROUPS: [&str; 2] = ["target-group-1", "target-group-2"];
const INSTANCES: [&str; 2] = ["instances-1", "instances-2"];
const SCALING_GROUPS: [&str; 2] = ["auto-scaling-group-1", "auto-scaling-group-2"];
const TEMPLATES: [&str; 2] = ["launch-template-1", "launch-template-2"];

impl Stack {
    /// The stack's topology.
    pub fn topology(&self) -> Topology {
        let mut topology = Topology { places: Vec::new(), links: Vec::new() };
        self.draw_entrance(&mut topology);
        for number in [0, 1] {
            self.draw_cluster(&mut topology, number);
        }
        topology
    }

    fn draw_entrance(&self, topology: &mut Topology) {
        let claim = &self.balancer_security_group;
        let [first, second] = self.preflight.zones();
        topology.outside("internet", "internet", "clients");
        topology.place(
            "balancer-security-group",
            &claim.name,
            format!("security group: TCP from {}", claim.open_to),
        );
        topology.place(
            "load-balancer",
            &self.load_balancer.name,
            format!("load balancer in {first}, {second}"),
        );
        let [one, other] = self.listener.weights;
        topology.place(
            "listener",
            &format!("listener :{}", self.listener.port),
            format!("by weight {one}:{other}"),
        );
        topology.place(
            "instance-security-group",
            &self.launch_templates.security_group_name,
            format!("security group: {}", self.launch_templates.admitted()),
        );
        topology.requests("internet", "load-balancer", "HTTP");
        topology.keeps("balancer-security-group", "load-balancer", "guards");
        topology.requests("load-balancer", "listener", "");
    }

    fn draw_cluster(&self, topology: &mut Topology, number: usize) {
        let rules = &self.rules;
        topology.place(
            RULES[number],
            &rules.paths[number],
            format!("rule, priority {}", rules.priorities[number]),
        );
        let targets = &self.target_groups;
        topology.place(
            TARGET_GROUPS[number],
            &targets.names[number],
            format!("target group: HTTP :{}", targets.port),
        );
        let group = &self.auto_scaling_groups.groups[number];
        let zone = &self.preflight.zones()[number];
        topology.places.push(Place {
            name: INSTANCES[number],
            label: format!("{} x {}", group.desired, group.instance_type),
            detail: format!("instances in {zone}"),
            // They come and go with their group.
            action: Some(SCALING_GROUPS[number]),
        });
        topology.place(
            SCALING_GROUPS[number],
            &group.name,
            format!("Auto Scaling group: {} to {}", group.min, group.max),
        );
        let templates = &self.launch_templates;
        topology.place(
            TEMPLATES[number],
            &templates.templates[number].name,
            format!("launch template: {}", templates.image_id),
        );
        topology.requests("listener", RULES[number], "");
        topology.requests(RULES[number], TARGET_GROUPS[number], "");
        topology.requests(TARGET_GROUPS[number], INSTANCES[number], "");
        topology.keeps(TEMPLATES[number], SCALING_GROUPS[number], "shapes");
        topology.keeps(SCALING_GROUPS[number], INSTANCES[number], "keeps");
        topology.keeps("instance-security-group", INSTANCES[number], "guards");
    }
}

impl Topology {
    fn outside(&mut self, name: &'static str, label: &str, detail: &str) {
        let (label, detail) = (label.to_owned(), detail.to_owned());
        self.places.push(Place { name, label, detail, action: None });
    }

    /// Adds what the action of the same name makes.
    fn place(&mut self, name: &'static str, label: &str, detail: String) {
        self.places.push(Place { name, label: label.to_owned(), detail, action: Some(name) });
    }

    fn requests(&mut self, from: &'static str, to: &'static str, label: &str) {
        self.links.push(Link { from, to, label: label.to_owned(), carries_requests: true });
    }

    fn keeps(&mut self, from: &'static str, to: &'static str, label: &str) {
        self.links.push(Link { from, to, label: label.to_owned(), carries_requests: false });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{Aws, Stack, StackSpec, Target, Transport};

    async fn documented() -> (Stack, BTreeSet<String>) {
        let target = Target::local(None);
        let stack = Stack::new(&StackSpec::default(), &target);
        let nobody = Transport::function(|_| unreachable!("nothing is sent"));
        let aws = Aws::connect(&target, nobody).await.unwrap();
        let workflow = stack.workflow(&aws).unwrap();
        let actions = workflow.steps().iter().flat_map(|step| &step.actions);
        (stack, actions.map(|action| action.name.to_string()).collect())
    }

    #[tokio::test]
    async fn every_place_is_made_by_an_action_that_exists_and_every_link_joins_two_places() {
        let (stack, actions) = documented().await;
        let topology = stack.topology();
        assert_eq!((topology.places.len(), topology.links.len()), (15, 15));
        for action in topology.places.iter().filter_map(|place| place.action) {
            assert!(actions.contains(action), "{action}");
        }
        let names: BTreeSet<_> = topology.places.iter().map(|place| place.name).collect();
        assert_eq!(names.len(), topology.places.len());
        for link in &topology.links {
            assert!(names.contains(link.from) && names.contains(link.to), "{link:?}");
        }
    }

    #[tokio::test]
    async fn every_change_that_makes_a_thing_of_its_own_has_its_place() {
        let (stack, actions) = documented().await;
        let placed: BTreeSet<_> =
            stack.topology().places.iter().filter_map(|place| place.action).collect();
        // Rules of groups and attributes are a part of their place; looks and waits have none.
        let others = actions.iter().filter(|action| !placed.contains(action.as_str()));
        let parts =
            |action: &&String| !action.ends_with("-rules") && !action.ends_with("-attributes");
        let unplaced: Vec<_> = others.filter(parts).collect();
        assert_eq!(
            unplaced,
            ["instances-answer", "load-balancer-active", "preflight", "targets-healthy"]
        );
    }
}
