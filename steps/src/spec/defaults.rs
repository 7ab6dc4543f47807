//! The documented values.

use super::{
    GroupSpec, HealthCheckKind, HealthCheckSpec, InstancesSpec, LoadBalancerSpec, NetworkSpec,
    ScalingSpec, StackName, StackSpec, TargetsSpec, WaitMode,
};

/// The whole internet.
const ANYWHERE: &str = "0.0.0.0/0";

impl Default for StackSpec {
    fn default() -> Self {
        Self {
            stack: StackName::default(),
            wait: WaitMode::Http,
            network: NetworkSpec::default(),
            instances: InstancesSpec::default(),
            targets: TargetsSpec::default(),
            load_balancer: LoadBalancerSpec::default(),
            scaling: ScalingSpec::default(),
            groups: [first_group(), second_group()],
        }
    }
}

impl Default for NetworkSpec {
    fn default() -> Self {
        let zones = ["us-east-1a", "us-east-1b"].map(str::to_owned);
        Self { zones, vpc_id: None, subnet_ids: None }
    }
}

impl Default for InstancesSpec {
    fn default() -> Self {
        Self {
            image_id: "ami-08c40ec9ead489470".to_owned(),
            key_name: "vockey".to_owned(),
            security_group_name: "lab1-instances".to_owned(),
            ssh: true,
            open_ports: vec![80, 443],
            open_to: ANYWHERE.to_owned(),
            account_max: None,
        }
    }
}

impl Default for TargetsSpec {
    fn default() -> Self {
        Self { port: 80, deregistration_delay_s: 30, health_check: HealthCheckSpec::default() }
    }
}

impl Default for HealthCheckSpec {
    /// Ten seconds and two checks: with the service's own 30 s and five, an instance that boots for more
    /// than a minute costs two and a half more.
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            interval_s: 10,
            timeout_s: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 2,
            success_codes: "200".to_owned(),
        }
    }
}

impl Default for LoadBalancerSpec {
    fn default() -> Self {
        Self {
            name: "lab1-load-balancer".to_owned(),
            security_group_name: "lab1-load-balancer-sg".to_owned(),
            open_to: ANYWHERE.to_owned(),
            port: 80,
        }
    }
}

impl Default for ScalingSpec {
    fn default() -> Self {
        Self {
            health_check: HealthCheckKind::Ec2,
            grace_s: 300,
            healthy_percentage_min: 0,
            healthy_percentage_max: 100,
        }
    }
}

pub(super) fn first_group() -> GroupSpec {
    GroupSpec {
        name: "group1".to_owned(),
        instance_type: "m4.large".to_owned(),
        min: 4,
        desired: 5,
        max: 5,
        launch_template_name: "lab1-template-1".to_owned(),
        target_group_name: "target-group-1".to_owned(),
        path: "/cluster1".to_owned(),
        priority: 1,
        weight: 1,
        user_data: None,
    }
}

/// Four instances where the first group has five: the account has room for nine.
pub(super) fn second_group() -> GroupSpec {
    GroupSpec {
        name: "group2".to_owned(),
        instance_type: "t2.large".to_owned(),
        min: 4,
        desired: 4,
        max: 5,
        launch_template_name: "lab1-template-2".to_owned(),
        target_group_name: "target-group-2".to_owned(),
        path: "/cluster2".to_owned(),
        priority: 2,
        weight: 1,
        user_data: None,
    }
}
