//! Small resources in moto, each made by one call, and what a list says of them.

use serde_json::{Value, json};

use crate::support::aws::{Aws, Refusal};
use crate::support::moto::Moto;

/// Makes small resources in moto.
pub(crate) struct Bench {
    pub(crate) moto: Moto,
}

impl Bench {
    pub(crate) fn aws(&self) -> &Aws {
        &self.moto.aws
    }

    /// Words the request for the template `template`, with members of its own.
    pub(crate) fn template(more: &Value) -> Value {
        let mut request = json!({
            "LaunchTemplateName": "template",
            "LaunchTemplateData": {
                "ImageId": "ami-08c40ec9ead489470",
                "InstanceType": "m4.large",
            },
        });
        let object = request.as_object_mut().unwrap();
        object.extend(more.as_object().unwrap().clone());
        request
    }

    pub(crate) fn create_template(&self, request: &Value) -> Result<Value, Refusal> {
        self.aws().try_call("ec2", "create_launch_template", request)
    }

    pub(crate) fn target_group(&self, name: &str) -> Result<Value, Refusal> {
        let vpcs = self.aws().call("ec2", "describe_vpcs", json!({}));
        let request = json!({
            "Name": name,
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": vpcs["Vpcs"][0]["VpcId"],
        });
        let made = self.aws().try_call("elbv2", "create_target_group", &request)?;
        Ok(made["TargetGroups"][0]["TargetGroupArn"].clone())
    }

    pub(crate) fn security_group(&self, name: &str) -> Value {
        let request = json!({ "GroupName": name, "Description": name });
        self.aws().call("ec2", "create_security_group", request)["GroupId"].clone()
    }

    pub(crate) fn balancer(&self, name: &str, addresses: &str) -> Value {
        self.balancer_behind(name, addresses, &[])
    }

    pub(crate) fn balancer_behind(&self, name: &str, addresses: &str, groups: &[&Value]) -> Value {
        let subnets = self.aws().call("ec2", "describe_subnets", json!({}));
        let subnet = |index: usize| subnets["Subnets"][index]["SubnetId"].clone();
        let request = json!({
            "Name": name,
            "Subnets": [subnet(0), subnet(1)],
            "IpAddressType": addresses,
            "SecurityGroups": groups,
        });
        let made = self.aws().call("elbv2", "create_load_balancer", request);
        made["LoadBalancers"][0]["LoadBalancerArn"].clone()
    }

    pub(crate) fn listener(
        &self,
        balancer: &Value,
        target_group: &Value,
    ) -> Result<Value, Refusal> {
        let request = json!({
            "LoadBalancerArn": balancer,
            "Protocol": "HTTP",
            "Port": 80,
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": target_group }],
        });
        self.aws().try_call("elbv2", "create_listener", &request)
    }

    pub(crate) fn rule(&self, listener: &Value, target_group: &Value) {
        let request = json!({
            "ListenerArn": listener,
            "Priority": 1,
            "Conditions": [{ "Field": "path-pattern", "Values": ["/path"] }],
            "Actions": [{ "Type": "forward", "TargetGroupArn": target_group }],
        });
        self.aws().call("elbv2", "create_rule", request);
    }

    pub(crate) fn listeners_of(&self, balancer: &Value) -> usize {
        let of = json!({ "LoadBalancerArn": balancer });
        let found = self.aws().call("elbv2", "describe_listeners", of);
        found["Listeners"].as_array().map_or(0, Vec::len)
    }

    /// Makes a group of one instance from the template `template`.
    pub(crate) fn group(&self, name: &str, target_groups: &[&Value]) {
        let request = json!({
            "AutoScalingGroupName": name,
            "MinSize": 1,
            "MaxSize": 1,
            "LaunchTemplate": { "LaunchTemplateName": "template", "Version": "1" },
            "AvailabilityZones": ["us-east-1a"],
            "TargetGroupARNs": target_groups,
        });
        self.aws().call("autoscaling", "create_auto_scaling_group", request);
    }

    /// Makes the group `asg` of one instance with a target group, and returns the latter.
    pub(crate) fn group_with_target_group(&self) -> Value {
        self.create_template(&Self::template(&json!({}))).unwrap();
        let target_group = self.target_group("tg").unwrap();
        self.listener(&self.balancer("lb", "ipv4"), &target_group).unwrap();
        self.group("asg", &[&target_group]);
        target_group
    }

    pub(crate) fn delete_group(&self, name: &str, force: bool) {
        let request = json!({ "AutoScalingGroupName": name, "ForceDelete": force });
        self.aws().call("autoscaling", "delete_auto_scaling_group", request);
    }

    pub(crate) fn members_of(&self, name: &str) -> Vec<Value> {
        let of = json!({ "AutoScalingGroupNames": [name] });
        let groups = self.aws().call("autoscaling", "describe_auto_scaling_groups", of);
        collect(&groups["AutoScalingGroups"][0]["Instances"], "/InstanceId")
    }

    pub(crate) fn instances_in(&self, state: &str) -> Vec<Value> {
        let filter = json!({ "Filters": [{ "Name": "instance-state-name", "Values": [state] }] });
        let found = self.aws().call("ec2", "describe_instances", filter);
        collect(&found["Reservations"], "/Instances/0/InstanceId")
    }

    pub(crate) fn targets_of(&self, target_group: &Value) -> Vec<Value> {
        collect(&self.health(target_group), "/Target/Id")
    }

    pub(crate) fn health_of(&self, target_group: &Value) -> Vec<Value> {
        collect(&self.health(target_group), "/TargetHealth/State")
    }

    pub(crate) fn health(&self, target_group: &Value) -> Value {
        let of = json!({ "TargetGroupArn": target_group });
        let health = self.aws().call("elbv2", "describe_target_health", of);
        health["TargetHealthDescriptions"].clone()
    }
}

pub(crate) fn collect(list: &Value, pointer: &str) -> Vec<Value> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.pointer(pointer).cloned())
        .collect()
}
