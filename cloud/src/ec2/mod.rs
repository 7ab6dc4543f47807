//! Elastic Compute Cloud: the network, security groups, launch templates and instances.

pub(crate) mod applications;
pub(crate) mod images;
pub(crate) mod instance_status;
pub(crate) mod instance_types;
pub(crate) mod instances;
pub(crate) mod key_pairs;
pub(crate) mod launch_template_data;
pub(crate) mod launch_template_versions;
pub(crate) mod launch_templates;
pub(crate) mod launching;
pub(crate) mod network;
pub(crate) mod network_interfaces;
pub(crate) mod permissions;
pub(crate) mod run_instances;
pub(crate) mod security_group_rules;
pub(crate) mod security_groups;
pub(crate) mod tags;
pub(crate) mod volumes;
pub(crate) mod vpc_facts;

use crate::handler::Route;

/// Every action of EC2 that is modelled.
pub(crate) const ROUTES: &[Route] = &[
    Route::change("AuthorizeSecurityGroupEgress", security_group_rules::authorize_egress),
    Route::change("AuthorizeSecurityGroupIngress", security_group_rules::authorize_ingress),
    Route::change("CreateKeyPair", key_pairs::create),
    Route::change("CreateLaunchTemplate", launch_templates::create),
    Route::change("CreateLaunchTemplateVersion", launch_template_versions::create),
    Route::change("CreateSecurityGroup", security_groups::create),
    Route::change("CreateTags", tags::create),
    Route::change("DeleteKeyPair", key_pairs::delete),
    Route::change("DeleteLaunchTemplate", launch_templates::delete),
    Route::change("DeleteLaunchTemplateVersions", launch_template_versions::delete),
    Route::change("DeleteSecurityGroup", security_groups::delete),
    Route::change("DeleteTags", tags::delete),
    Route::read("DescribeAccountAttributes", network::describe_account_attributes),
    Route::read("DescribeAvailabilityZones", network::describe_availability_zones),
    Route::read("DescribeImages", images::describe),
    Route::read("DescribeInstanceStatus", instance_status::describe),
    Route::read("DescribeInstanceTypeOfferings", instance_types::describe_offerings),
    Route::read("DescribeInstanceTypes", instance_types::describe),
    Route::read("DescribeInstances", instances::describe),
    Route::read("DescribeInternetGateways", network::describe_internet_gateways),
    Route::read("DescribeKeyPairs", key_pairs::describe),
    Route::read("DescribeLaunchTemplateVersions", launch_template_versions::describe),
    Route::read("DescribeLaunchTemplates", launch_templates::describe),
    Route::read("DescribeNetworkInterfaces", network_interfaces::describe),
    Route::read("DescribeRouteTables", vpc_facts::describe_route_tables),
    Route::read("DescribeSecurityGroupRules", security_group_rules::describe),
    Route::read("DescribeSecurityGroups", security_groups::describe),
    Route::read("DescribeSubnets", network::describe_subnets),
    Route::read("DescribeTags", tags::describe),
    Route::read("DescribeVolumes", volumes::describe),
    Route::read("DescribeVpcAttribute", vpc_facts::describe_vpc_attribute),
    Route::read("DescribeVpcs", network::describe_vpcs),
    Route::change("ModifyLaunchTemplate", launch_template_versions::modify),
    Route::change("RevokeSecurityGroupEgress", security_group_rules::revoke_egress),
    Route::change("RevokeSecurityGroupIngress", security_group_rules::revoke_ingress),
    Route::change("RunInstances", run_instances::run),
    Route::change("TerminateInstances", instances::terminate),
];
