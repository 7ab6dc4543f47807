//! Another region, and an account in it whose default VPC is gone.

use serde_json::{Value, json};

use crate::stack::Stage;
use crate::support::aws::Aws;
use crate::support::moto::Moto;
use crate::support::python::Python;

const REGION: &str = "eu-west-1";
const ZONES: [&str; 2] = ["eu-west-1a", "eu-west-1b"];

fn texts(answer: &Value, list: &str, key: &str) -> Vec<String> {
    let items = answer[list].as_array().into_iter().flatten();
    items.filter_map(|item| item[key].as_str()).map(str::to_owned).collect()
}

/// Deletes every VPC of the region with its subnets, as an organization's cleaner does.
fn delete_default_vpc(aws: &Aws) {
    for id in texts(&aws.call("ec2", "describe_subnets", json!({})), "Subnets", "SubnetId") {
        aws.call("ec2", "delete_subnet", json!({ "SubnetId": id }));
    }
    for id in texts(&aws.call("ec2", "describe_vpcs", json!({})), "Vpcs", "VpcId") {
        aws.call("ec2", "delete_vpc", json!({ "VpcId": id }));
    }
}

/// Makes a VPC with a way to the internet, and a public subnet in each zone.
fn make_vpc(aws: &Aws) -> [String; 2] {
    let text =
        |answer: &Value, kind: &str, key: &str| answer[kind][key].as_str().unwrap().to_owned();
    let made = aws.call("ec2", "create_vpc", json!({ "CidrBlock": "10.0.0.0/16" }));
    let vpc = text(&made, "Vpc", "VpcId");
    let made = aws.call("ec2", "create_internet_gateway", json!({}));
    let gateway = text(&made, "InternetGateway", "InternetGatewayId");
    let attach = json!({ "InternetGatewayId": gateway, "VpcId": vpc });
    aws.call("ec2", "attach_internet_gateway", attach);
    [0, 1].map(|place: usize| {
        let cidr = format!("10.0.{place}.0/24");
        let form = json!({ "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": ZONES[place] });
        let id = text(&aws.call("ec2", "create_subnet", form), "Subnet", "SubnetId");
        let public = json!({ "SubnetId": id, "MapPublicIpOnLaunch": { "Value": true } });
        aws.call("ec2", "modify_subnet_attribute", public);
        id
    })
}

#[test]
fn named_subnets_carry_the_stack_in_another_region_where_no_vpc_is_the_default() {
    let Some(python) = Python::or_say_skipped("moto, other network") else { return };
    let moto = Moto::start_in(&python, REGION);
    delete_default_vpc(&moto.aws);
    let subnets = make_vpc(&moto.aws);
    let stage = Stage::on(&python, moto);
    let config = stage.flow.state_dir().with_file_name("stack.toml");
    let write = |more: &str| {
        let text = format!("[network]\nzones = {}\n{more}", json!(ZONES));
        std::fs::write(&config, text).unwrap();
    };
    let flags = ["--region", REGION, "--config", config.to_str().unwrap()];

    write("");
    let refused = stage.start_run_with(&flags, &[]).wait().expect_status(3);
    let reason = format!("region {REGION} has no default VPC");
    assert!(refused.stderr.contains(&reason), "{}", refused.words());
    stage.assert_nothing_left("after the refusal");

    write(&format!("subnet_ids = {}\n", json!(subnets)));
    let ended =
        stage.start_run_with(&[&flags[..], &["--json"]].concat(), &[]).wait().expect_status(0);
    let run = ended.objects_with("run_id")[0]["run_id"].as_str().unwrap().to_owned();
    stage.flow.run(&["verify", &run]).expect_status(0);
    let groups = stage.moto.aws.call("autoscaling", "describe_auto_scaling_groups", json!({}));
    // The groups are made side by side, and listed as they came.
    let mut named = texts(&groups, "AutoScalingGroups", "VPCZoneIdentifier");
    named.sort_by_key(|one| subnets.iter().position(|subnet| subnet == one));
    assert_eq!(named, subnets);
    stage.roll_back(&run).expect_status(0);
    stage.assert_nothing_left("after the rollback");
}
