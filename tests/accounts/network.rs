//! An account whose default VPC is gone, as the embedded cloud has it: subnets come from the configuration.

use std::path::PathBuf;
use std::sync::mpsc;

use lab1_flow_cloud::daemon::{ServeOptions, serve};
use lab1_flow_cloud::{CloudOptions, Inventory, VpcKind};

use crate::support::embedded::{Cloud, differences};
use crate::support::flow::Flow;

/// Serves the user's embedded cloud from this process, with a VPC that somebody has made and no default one.
fn serve_own_vpc(flow: &Flow) {
    let mut options = ServeOptions::new(flow.state_dir().join("cloud"));
    let inventory = Inventory { vpc: VpcKind::Own, ..Inventory::default() };
    options.cloud = CloudOptions { time_scale: 600.0, inventory, ..CloudOptions::default() };
    let (ready, is_ready) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // It ends with the test's process.
        let forever = std::future::pending();
        runtime.block_on(serve(options, forever, |_| ready.send(()).unwrap())).unwrap();
    });
    is_ready.recv().expect("the cloud serves");
}

/// The subnets in the two documented zones.
fn subnets(cloud: &Cloud) -> [&str; 2] {
    ["us-east-1a", "us-east-1b"].map(|zone| {
        let mut all = cloud.resources.iter();
        let of_zone = all.find(|it| it.kind == "subnet" && it.name == zone);
        of_zone.expect("every zone has a subnet").id.as_str()
    })
}

/// Writes a configuration that names the VPC, or its subnets, or both.
fn write(flow: &Flow, vpc: Option<&str>, subnets: Option<[&str; 2]>) -> PathBuf {
    let vpc = vpc.map(|vpc| format!("vpc_id = \"{vpc}\"\n"));
    let subnets =
        subnets.map(|[first, second]| format!("subnet_ids = [\"{first}\", \"{second}\"]\n"));
    let text = format!("[network]\n{}{}", vpc.unwrap_or_default(), subnets.unwrap_or_default());
    let path = flow.state_dir().with_file_name("stack.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn without_a_default_vpc_the_refusal_says_what_to_type_and_named_subnets_carry_the_stack() {
    let flow = Flow::new();
    serve_own_vpc(&flow);
    let refused = flow.run(&["run", "--yes"]).expect_status(3);
    for part in [
        "region us-east-1 has no default VPC",
        "`aws ec2 create-default-vpc --region us-east-1`",
        "subnet_ids = [\"subnet-...\", \"subnet-...\"]",
        "--config",
    ] {
        assert!(refused.stderr.contains(part), "{part:?} in {}", refused.words());
    }
    // A region is furnished when it is first asked.
    let cloud = Cloud::look(&flow).expect("the cloud runs");
    assert_eq!(cloud.made().len(), 0, "{:?}", cloud.made());
    let vpc = cloud.resources.iter().find(|it| it.kind == "vpc").unwrap().id.as_str();
    let both = Some(subnets(&cloud));
    for (named, vpc, subnets) in
        [("both", Some(vpc), both), ("the VPC", Some(vpc), None), ("the subnets", None, both)]
    {
        let config = write(&flow, vpc, subnets);
        let run = ["run", "--yes", "--config", config.to_str().unwrap(), "--json"];
        let ended = flow.run(&run).expect_status(0);
        let run = ended.objects_with("run_id")[0]["run_id"].as_str().unwrap().to_owned();
        let cloud = Cloud::look(&flow).expect("the cloud runs");
        assert_eq!(differences(&cloud, &run, ""), [""; 0], "{named}");
        flow.run(&["verify", &run]).expect_status(0);
        flow.run(&["rollback", &run, "--yes"]).expect_status(0);
        let left = Cloud::look(&flow).expect("the cloud runs");
        assert!(left.made().is_empty(), "{named}: {:?}", left.made());
    }
}

#[test]
fn subnets_that_do_not_fit_are_refused_by_name_before_anything_is_made() {
    let flow = Flow::new();
    serve_own_vpc(&flow);
    // A region is furnished when it is first asked.
    flow.run(&["run", "--yes"]).expect_status(3);
    let cloud = Cloud::look(&flow).expect("the cloud runs");
    let subnets = subnets(&cloud);
    let absent = "subnet-0fedcba9876543210";
    for (vpc, named, reason) in [
        (
            None,
            [subnets[1], subnets[0]],
            format!("subnet {} is not in zone us-east-1a", subnets[1]),
        ),
        (None, [absent, subnets[1]], format!("subnet {absent} is not in zone us-east-1a")),
        (
            Some("vpc-0123456789abcdef0"),
            [subnets[0], subnets[1]],
            "is not in region us-east-1".to_owned(),
        ),
    ] {
        let config = write(&flow, vpc, Some(named));
        let run = ["run", "--yes", "--config", config.to_str().unwrap()];
        let refused = flow.run(&run).expect_status(3);
        assert!(refused.stderr.contains(&reason), "{reason:?} in {}", refused.words());
    }
    // Zones of another region are asked for by name as well.
    let refused = flow.run(&["run", "--yes", "--region", "eu-west-1"]).expect_status(3);
    let reason = "zone us-east-1a is not in region eu-west-1";
    assert!(refused.stderr.contains(reason), "{}", refused.words());
    let cloud = Cloud::look(&flow).expect("the cloud runs");
    assert!(cloud.made().is_empty(), "{:?}", cloud.made());
}
