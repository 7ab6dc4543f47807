//! The check of a whole specification, before anything is created.

use std::fmt;
use std::ops::RangeInclusive;

use super::rules::{
    USER_DATA_BYTES_MAX, is_health_check_path, is_instance_type, is_ipv4_range,
    is_launch_template_name, is_load_balancing_name, is_path_pattern, is_resource_id,
    is_scaling_group_name, is_security_group_name, is_status_matcher, is_zone,
};
use super::{GroupSpec, HealthCheckKind, HealthCheckSpec, StackSpec};

/// One thing that is wrong with a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `groups[0].min`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        self.suggestion.iter().try_for_each(|suggestion| write!(f, " ({suggestion})"))
    }
}

impl StackSpec {
    /// Checks every value by itself and against the others. Nothing found means that AWS has no reason of
    /// form to refuse the stack.
    pub fn validate(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut problems = Problems { found: &mut found, place: String::new() };
        self.check_network(&mut problems);
        self.check_instances(&mut problems);
        self.check_targets(&mut problems);
        self.check_load_balancer(&mut problems);
        self.check_scaling(&mut problems);
        for (place, group) in self.groups.iter().enumerate() {
            self.check_group(&mut problems.inside(&format!("groups[{place}]")), group);
        }
        self.check_distinct(&mut problems);
        found
    }

    fn check_network(&self, problems: &mut Problems<'_>) {
        let network = &self.network;
        for (place, zone) in network.zones.iter().enumerate() {
            let path = format!("network.zones[{place}]");
            problems.unless(
                is_zone(zone),
                &path,
                format!("{zone:?} is not a zone"),
                "such as us-east-1a",
            );
        }
        let [first, second] = &network.zones;
        let regions =
            [first, second].map(|zone| zone.trim_end_matches(|c: char| c.is_ascii_lowercase()));
        problems.unless(
            first != second,
            "network.zones",
            format!("both groups are in {first}"),
            "a balancer needs two different zones",
        );
        problems.unless(
            regions[0] == regions[1],
            "network.zones",
            format!("{first} and {second} are in different regions"),
            "a stack lives in one region",
        );
        if let Some(id) = &network.vpc_id {
            problems.id("network.vpc_id", id, "vpc");
        }
        if let Some([first, second]) = &network.subnet_ids {
            problems.id("network.subnet_ids[0]", first, "subnet");
            problems.id("network.subnet_ids[1]", second, "subnet");
            problems.unless(
                first != second,
                "network.subnet_ids",
                format!("both groups are in {first}"),
                "one subnet in each zone",
            );
        }
    }

    fn check_instances(&self, problems: &mut Problems<'_>) {
        let instances = &self.instances;
        problems.id("instances.image_id", &instances.image_id, "ami");
        problems.unless(
            instances.key_name.len() <= 255 && instances.key_name.is_ascii(),
            "instances.key_name",
            "a key pair's name has at most 255 ASCII characters",
            "empty for none",
        );
        self.name(
            problems,
            "instances.security_group_name",
            &instances.security_group_name,
            &SECURITY_GROUP,
        );
        problems.range("instances.open_to", &instances.open_to);
        let ports = self.instance_ports();
        problems.unless(
            !ports.contains(&0),
            "instances.open_ports",
            "0 is not a port",
            "1 to 65535",
        );
        problems.unless(
            ports.contains(&self.targets.port),
            "instances.open_ports",
            format!("the application's port {} is not open", self.targets.port),
            "add it, or the balancer reaches no instance",
        );
        // Every port is one rule, and a group may have 60.
        problems.unless(
            ports.len() <= 60,
            "instances.open_ports",
            "more than 60 ports",
            "at most 60",
        );
    }

    fn check_targets(&self, problems: &mut Problems<'_>) {
        let targets = &self.targets;
        problems.unless(targets.port != 0, "targets.port", "0 is not a port", "1 to 65535");
        problems.within("targets.deregistration_delay_s", targets.deregistration_delay_s, 0..=3600);
        check_health_check(&mut problems.inside("targets.health_check"), &targets.health_check);
    }

    fn check_load_balancer(&self, problems: &mut Problems<'_>) {
        let balancer = &self.load_balancer;
        self.name(problems, "load_balancer.name", &balancer.name, &LOAD_BALANCER);
        let path = "load_balancer.security_group_name";
        self.name(problems, path, &balancer.security_group_name, &SECURITY_GROUP);
        problems.range("load_balancer.open_to", &balancer.open_to);
        problems.unless(balancer.port != 0, "load_balancer.port", "0 is not a port", "1 to 65535");
    }

    fn check_scaling(&self, problems: &mut Problems<'_>) {
        let scaling = &self.scaling;
        problems.within("scaling.grace_s", scaling.grace_s, 0..=86_400);
        problems.within("scaling.healthy_percentage_min", scaling.healthy_percentage_min, 0..=100);
        problems.within(
            "scaling.healthy_percentage_max",
            scaling.healthy_percentage_max,
            100..=200,
        );
        problems.unless(
            scaling.healthy_percentage_max.saturating_sub(scaling.healthy_percentage_min) <= 100,
            "scaling.healthy_percentage_max",
            "it is more than 100 above healthy_percentage_min",
            "AWS allows a distance of 100",
        );
        self.check_room_for_replacements(problems);
    }

    /// An account that may have so many instances at once must have room for those that replace others, too: a
    /// learner lab ends whatever is beyond its nine.
    fn check_room_for_replacements(&self, problems: &mut Problems<'_>) {
        let Some(account_max) = self.instances.account_max else { return };
        let (scaling, delay_s) = (&self.scaling, self.targets.deregistration_delay_s);
        let percent = u64::from(scaling.healthy_percentage_max.min(200));
        let peak = |group: &GroupSpec| (u64::from(group.desired) * percent).div_ceil(100);
        let most: u64 = self.groups.iter().map(peak).sum();
        problems.unless(
            percent == 100 || most <= u64::from(account_max),
            "scaling.healthy_percentage_max",
            format!("it lets the groups have {most} instances while some are replaced, and instances.account_max is {account_max}"),
            "100 ends an instance before there are more than are wanted",
        );
        let drains = scaling.health_check == HealthCheckKind::Elb && delay_s > 0;
        problems.unless(
            !drains || most < u64::from(account_max),
            "scaling.health_check",
            format!("with elb an unhealthy instance drains for {delay_s} s while its successor starts: {} instances, and instances.account_max is {account_max}", most + 1),
            "ec2, or targets.deregistration_delay_s = 0, or smaller groups",
        );
    }

    fn check_group(&self, problems: &mut Problems<'_>, group: &GroupSpec) {
        self.name(problems, "name", &group.name, &SCALING_GROUP);
        self.name(problems, "launch_template_name", &group.launch_template_name, &LAUNCH_TEMPLATE);
        self.name(problems, "target_group_name", &group.target_group_name, &TARGET_GROUP);
        problems.unless(
            is_instance_type(&group.instance_type),
            "instance_type",
            format!("{:?} is not a type of instances", group.instance_type),
            "such as m4.large",
        );
        check_sizes(problems, group);
        problems.unless(
            is_path_pattern(&group.path),
            "path",
            format!("{:?} is not a path pattern", group.path),
            "it starts with / and has at most 128 characters of A-Z a-z 0-9 _-.$/~\"'@:+& and at most five of * and ?",
        );
        problems.within("priority", group.priority, 1..=50_000);
        problems.within("weight", group.weight, 0..=999);
        if let Some(script) = &group.user_data {
            check_user_data(problems, script);
        }
    }

    fn check_distinct(&self, problems: &mut Problems<'_>) {
        let [first, second] = &self.groups;
        for (field, equal) in [
            ("name", first.name == second.name),
            ("launch_template_name", first.launch_template_name == second.launch_template_name),
            ("target_group_name", first.target_group_name == second.target_group_name),
            ("path", first.path == second.path),
            ("priority", first.priority == second.priority),
        ] {
            let path = format!("groups[1].{field}");
            problems.unless(
                !equal,
                &path,
                "it is the same as that of the first group",
                "they must differ",
            );
        }
        problems.unless(
            first.weight + second.weight > 0,
            "groups[1].weight",
            "both weights are 0",
            "at least one group must take requests",
        );
        let names = [&self.instances.security_group_name, &self.load_balancer.security_group_name];
        problems.unless(
            // AWS compares the names of security groups without regard to case.
            !names[0].eq_ignore_ascii_case(names[1]),
            "load_balancer.security_group_name",
            "it is the same as instances.security_group_name",
            "they must differ",
        );
    }

    /// Checks a name as it will stand in AWS, with the stack's prefix.
    fn name(&self, problems: &mut Problems<'_>, path: &str, name: &str, rule: &NameRule) {
        let full = self.full_name(name);
        problems.unless(
            (rule.accepts)(&full),
            path,
            format!("{full:?} ({} characters) cannot name a {}", full.chars().count(), rule.kind),
            rule.says,
        );
    }
}

struct NameRule {
    kind: &'static str,
    accepts: fn(&str) -> bool,
    says: &'static str,
}

const SECURITY_GROUP: NameRule = NameRule {
    kind: "security group",
    accepts: is_security_group_name,
    says: "at most 255 characters, not \"default\" and not beginning with sg-",
};

const LAUNCH_TEMPLATE: NameRule = NameRule {
    kind: "launch template",
    accepts: is_launch_template_name,
    says: "3 to 128 characters of A-Z a-z 0-9 ( ) . / - _",
};

const TARGET_GROUP: NameRule = NameRule {
    kind: "target group",
    accepts: is_load_balancing_name,
    says: "at most 32 letters, digits and hyphens, no hyphen at either end",
};

const LOAD_BALANCER: NameRule = NameRule {
    kind: "load balancer",
    accepts: |name| is_load_balancing_name(name) && !name.starts_with("internal-"),
    says: "at most 32 letters, digits and hyphens, no hyphen at either end, not beginning with internal-",
};

const SCALING_GROUP: NameRule = NameRule {
    kind: "group",
    accepts: is_scaling_group_name,
    says: "at most 255 printable characters without space and colon",
};

fn check_health_check(problems: &mut Problems<'_>, check: &HealthCheckSpec) {
    problems.unless(
        is_health_check_path(&check.path),
        "path",
        format!("{:?} is not a path", check.path),
        "it starts with / and has no spaces",
    );
    problems.within("interval_s", check.interval_s, 5..=300);
    problems.within("timeout_s", check.timeout_s, 2..=120);
    problems.unless(
        check.timeout_s < check.interval_s,
        "timeout_s",
        format!("{} s is not less than the interval of {} s", check.timeout_s, check.interval_s),
        "a check ends before the next one begins",
    );
    problems.within("healthy_threshold", check.healthy_threshold, 2..=10);
    problems.within("unhealthy_threshold", check.unhealthy_threshold, 2..=10);
    problems.unless(
        is_status_matcher(&check.success_codes),
        "success_codes",
        format!("{:?} is not a matcher of statuses", check.success_codes),
        "200, 200,204 or 200-299, within 200 to 499",
    );
}

fn check_sizes(problems: &mut Problems<'_>, group: &GroupSpec) {
    let GroupSpec { min, desired, max, .. } = *group;
    problems.unless(
        min <= max,
        "min",
        format!("{min} is more than the maximum of {max}"),
        "min <= desired <= max",
    );
    problems.unless(
        min <= desired && desired <= max || min > max,
        "desired",
        format!("{desired} is not between the minimum of {min} and the maximum of {max}"),
        "min <= desired <= max",
    );
    problems.unless(
        desired > 0,
        "desired",
        "a group without instances never answers",
        "at least 1",
    );
}

fn check_user_data(problems: &mut Problems<'_>, script: &str) {
    problems.unless(
        script.len() <= USER_DATA_BYTES_MAX,
        "user_data",
        format!("it has {} bytes", script.len()),
        "at most 16384",
    );
    problems.unless(
        script.starts_with("#!"),
        "user_data",
        "it does not start with #!",
        "name the interpreter in the first line, such as #!/bin/bash",
    );
}

/// Collects problems, each under the place that is looked at.
struct Problems<'a> {
    found: &'a mut Vec<Problem>,
    place: String,
}

impl Problems<'_> {
    fn inside(&mut self, place: &str) -> Problems<'_> {
        Problems { found: self.found, place: format!("{}{place}.", self.place) }
    }

    fn unless(&mut self, right: bool, path: &str, message: impl Into<String>, suggestion: &str) {
        if right {
            return;
        }
        self.found.push(Problem {
            path: format!("{}{path}", self.place),
            message: message.into(),
            suggestion: Some(suggestion.to_owned()),
        });
    }

    fn within(&mut self, path: &str, value: u32, range: RangeInclusive<u32>) {
        let (first, last) = (range.start(), range.end());
        let message = format!("{value} is not between {first} and {last}");
        self.unless(range.contains(&value), path, message, &format!("{first} to {last}"));
    }

    fn id(&mut self, path: &str, id: &str, prefix: &str) {
        let message = format!("{id:?} is not the id of this kind");
        let suggestion = format!("{prefix}- and hexadecimal digits");
        self.unless(is_resource_id(id, prefix), path, message, &suggestion);
    }

    fn range(&mut self, path: &str, range: &str) {
        let message = format!("{range:?} is not an IPv4 range");
        self.unless(is_ipv4_range(range), path, message, "such as 0.0.0.0/0 or 192.0.2.7/32");
    }
}

#[cfg(test)]
mod tests;
