//! What is played, so that the steps send all that they can send.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use lab1_flow_cloud::{CloudOptions, Inventory, Limits, VpcKind};
use lab1_flow_journal::Rest;
use lab1_flow_steps::{HealthCheckKind, StackName, StackSpec, WaitMode};

use crate::account::{Account, Fate};
use crate::exchange::Exchange;

/// The largest script that a launch template carries, in bytes.
const USER_DATA_BYTES_MAX: usize = 16 * 1024;

/// Lists that the steps read page by page.
const PAGED: [&str; 14] = [
    "DescribeAccountLimits",
    "DescribeAutoScalingGroups",
    "DescribeInstanceTypeOfferings",
    "DescribeInstances",
    "DescribeInternetGateways",
    "DescribeLaunchTemplates",
    "DescribeListeners",
    "DescribeLoadBalancers",
    "DescribeNetworkInterfaces",
    "DescribeRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeTargetGroups",
    "DescribeVolumes",
];

/// Plays every story and returns all that was said.
pub(crate) fn play() -> Vec<Exchange> {
    let exchanges = Arc::default();
    let open = |options| Account::new(options, &exchanges);
    let plain = || open(CloudOptions::plain());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(async {
        as_documented(&plain()).await;
        with_every_setting(&plain()).await;
        in_a_network_of_its_own(&plain()).await;
        in_pages(&plain()).await;
        beside_another_run(&plain()).await;
        with_groups_that_are_not_shown(&plain()).await;
        without_a_journal(&plain()).await;
        without_credentials_for_a_while(&plain()).await;
        without_the_right_to_delete(&plain()).await;
        throttled(&plain()).await;
        where_nothing_is_ready(&open(CloudOptions {
            inventory: nothing(),
            ..CloudOptions::plain()
        }))
        .await;
        without_room_for_instances(&open(CloudOptions {
            limits: small(),
            ..CloudOptions::plain()
        }))
        .await;
        for change in changes(&exchanges) {
            with_lost_replies(&plain(), change.clone()).await;
            if makes(&change) {
                refused(&plain(), change.clone()).await;
                let late = CloudOptions { time_scale: 1.0, ..CloudOptions::default() };
                refused(&open(late), change).await;
            }
        }
    });
    std::mem::take(&mut *exchanges.lock().unwrap())
}

/// The calls of a run and its rollback that change something.
fn changes(exchanges: &Mutex<Vec<Exchange>>) -> BTreeSet<String> {
    let exchanges = exchanges.lock().unwrap();
    let actions = exchanges.iter().map(|exchange| exchange.action().to_owned());
    let reading = |action: &String| ["Describe", "Get"].iter().any(|it| action.starts_with(it));
    actions.filter(|action| !reading(action)).collect()
}

/// Tells whether an action makes or sets something, and takes nothing back.
fn makes(action: &str) -> bool {
    ["Create", "Authorize", "Modify"].iter().any(|verb| action.starts_with(verb))
}

fn nothing() -> Inventory {
    Inventory { vpc: VpcKind::None, image: false, key_pair: false }
}

fn small() -> Limits {
    Limits { instances_max: Some(3), ..Limits::unlimited() }
}

async fn as_documented(account: &Account) {
    completes(account, &StackSpec::default()).await;
    assert!(!account.verify("run-1").await.differs());
    let examined = account.examine(&StackSpec::default()).await;
    assert!(examined.iter().all(|it| it.refuses() && it.standing.len() == 9), "{examined:?}");
    leaves_nothing(account).await;
    assert!(!account.verify("run-1").await.differs());
    let examined = account.examine(&StackSpec::default()).await;
    assert!(examined.iter().all(|it| !it.refuses()), "{examined:?}");
}

/// Every value differs from its default, and stands at its limit where there is one.
async fn with_every_setting(account: &Account) {
    let mut spec = StackSpec { wait: WaitMode::Targets, ..StackSpec::default() };
    spec.stack = StackName::new("thirteen-char").unwrap();
    let (vpc, subnets) = network(account);
    spec.network.vpc_id = Some(vpc);
    spec.network.subnet_ids = Some(subnets);
    spec.instances.key_name = String::new();
    spec.instances.ssh = false;
    spec.instances.open_ports = vec![8_443, 65_535];
    "10.0.0.0/8".clone_into(&mut spec.instances.open_to);
    spec.instances.account_max = Some(19);
    spec.targets.port = 65_535;
    spec.targets.deregistration_delay_s = 3_600;
    "/health?deep=1".clone_into(&mut spec.targets.health_check.path);
    spec.targets.health_check.interval_s = 300;
    spec.targets.health_check.timeout_s = 120;
    spec.targets.health_check.healthy_threshold = 10;
    spec.targets.health_check.unhealthy_threshold = 10;
    "200,204".clone_into(&mut spec.targets.health_check.success_codes);
    "192.0.2.0/24".clone_into(&mut spec.load_balancer.open_to);
    spec.load_balancer.port = 65_534;
    spec.scaling.health_check = HealthCheckKind::Elb;
    spec.scaling.grace_s = 7_200;
    spec.scaling.healthy_percentage_min = 100;
    spec.scaling.healthy_percentage_max = 200;
    spec.groups[0].user_data = Some(script_of(USER_DATA_BYTES_MAX));
    spec.groups[0].weight = 999;
    spec.groups[1].priority = 50_000;
    // Nobody serves that script's application: when all is made the run has said enough.
    account.plan(|exchange| match exchange.action() {
        "DescribeTargetHealth" => Fate::Refuse(403, "AccessDenied"),
        _ => Fate::Pass,
    });
    assert_eq!(*account.deploy("run-1", &spec).await.rest(), Rest::Failed);
    leaves_nothing(account).await;
}

fn script_of(bytes: usize) -> String {
    let head = "#!/bin/sh\n# ";
    format!("{head}{}", "x".repeat(bytes - head.len()))
}

async fn in_a_network_of_its_own(account: &Account) {
    let mut spec = StackSpec::default();
    spec.network.vpc_id = Some(network(account).0);
    completes(account, &spec).await;
    leaves_nothing(account).await;
}

/// Every list comes in two pages.
async fn in_pages(account: &Account) {
    // A list of one name or id has one page, and may be refused.
    let one = ["Names.member.1", "LoadBalancerArns.member.1", "TargetGroupArns.member.1"];
    account.plan(move |exchange| match exchange.action() {
        action if !PAGED.contains(&action) => Fate::Pass,
        _ if one.iter().any(|key| exchange.field(key).is_some()) => Fate::Pass,
        _ if ["NextToken", "Marker"].iter().any(|key| exchange.field(key).is_some()) => {
            Fate::LastPage
        }
        _ => Fate::FirstPage,
    });
    let mut spec = StackSpec::default();
    spec.network.vpc_id = Some(network(account).0);
    spec.instances.account_max = Some(9);
    assert!(account.examine(&spec).await.iter().all(|it| !it.refuses()));
    completes(account, &spec).await;
    leaves_nothing(account).await;
}

/// A second run finds the names taken.
async fn beside_another_run(account: &Account) {
    completes(account, &StackSpec::default()).await;
    let second = account.deploy("run-2", &StackSpec::default()).await;
    assert_eq!(*second.rest(), Rest::Failed);
    leaves_nothing(account).await;
}

/// The groups are not shown at first, so that their instances are ended by themselves.
async fn with_groups_that_are_not_shown(account: &Account) {
    completes(account, &StackSpec::default()).await;
    let hidden = Mutex::new(0_u32);
    account.plan(move |exchange| {
        let by_name = exchange.field("AutoScalingGroupNames.member.1").is_some();
        if exchange.action() != "DescribeAutoScalingGroups" || !by_name {
            return Fate::Pass;
        }
        let mut hidden = hidden.lock().unwrap();
        *hidden += 1;
        if *hidden == 1 { Fate::LastPage } else { Fate::Pass }
    });
    leaves_nothing(account).await;
}

/// The journal is lost: the run is found by its marks, and taken back by them.
async fn without_a_journal(account: &Account) {
    completes(account, &StackSpec::default()).await;
    let report = account.roll_back_by_marks("run-1").await;
    assert_eq!(*report.rest(), Rest::RolledBack, "{report:?}");
    assert!(account.is_as_before(), "{:?}", account.cloud.account());
}

async fn without_credentials_for_a_while(account: &Account) {
    account.plan(|exchange| match exchange.action() {
        "CreateLoadBalancer" => Fate::Refuse(403, "ExpiredToken"),
        _ => Fate::Pass,
    });
    let report = account.deploy("run-1", &StackSpec::default()).await;
    assert!(matches!(report.rest(), Rest::Suspended { .. }), "{report:?}");
    account.plan(|_| Fate::Pass);
    assert_eq!(*account.resume("run-1").await.rest(), Rest::Completed);
    leaves_nothing(account).await;
}

async fn without_the_right_to_delete(account: &Account) {
    completes(account, &StackSpec::default()).await;
    account.plan(|exchange| {
        let denied = exchange.action().starts_with("Delete");
        if denied { Fate::Refuse(403, "AccessDenied") } else { Fate::Pass }
    });
    assert_ne!(*account.roll_back("run-1").await.rest(), Rest::RolledBack);
    // Nothing below the balancer was asked to go as long as it stood.
    account.plan(|exchange| {
        let denied = exchange.action() == "DeleteTargetGroup";
        if denied { Fate::Refuse(403, "AccessDenied") } else { Fate::Pass }
    });
    assert_ne!(*account.roll_back("run-1").await.rest(), Rest::RolledBack);
    account.plan(|_| Fate::Pass);
    leaves_nothing(account).await;
}

/// The first two calls of every action are too many.
async fn throttled(account: &Account) {
    let seen = Mutex::new(std::collections::BTreeMap::<String, u32>::new());
    account.plan(move |exchange| {
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(exchange.action().to_owned()).or_default();
        *count += 1;
        if *count <= 2 { Fate::Refuse(503, "RequestLimitExceeded") } else { Fate::Pass }
    });
    completes(account, &StackSpec::default()).await;
    leaves_nothing(account).await;
}

/// There is no default VPC, no image and no key pair.
async fn where_nothing_is_ready(account: &Account) {
    let report = account.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Failed, "{report:?}");
    leaves_nothing(account).await;
}

async fn without_room_for_instances(account: &Account) {
    let report = account.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Failed, "{report:?}");
    leaves_nothing(account).await;
}

/// Every second reply to one change is lost, on the way there and on the way back.
async fn with_lost_replies(account: &Account, change: String) {
    let count = Mutex::new(0_u32);
    account.plan(move |exchange| {
        let mut count = count.lock().unwrap();
        *count += u32::from(exchange.action() == change);
        let lost = exchange.action() == change && *count % 2 == 1;
        if lost { Fate::LoseReply } else { Fate::Pass }
    });
    completes(account, &StackSpec::default()).await;
    leaves_nothing(account).await;
}

/// One change that makes something is refused for good: the run stands half-made and is rolled back.
async fn refused(account: &Account, change: String) {
    account.plan(move |exchange| {
        let refused = exchange.action() == change;
        if refused { Fate::Refuse(403, "UnauthorizedOperation") } else { Fate::Pass }
    });
    let report = account.deploy("run-1", &StackSpec::default()).await;
    assert_eq!(*report.rest(), Rest::Failed, "{report:?}");
    leaves_nothing(account).await;
}

async fn completes(account: &Account, spec: &StackSpec) {
    let report = account.deploy("run-1", spec).await;
    assert_eq!(*report.rest(), Rest::Completed, "{:?}", report.failure());
}

async fn leaves_nothing(account: &Account) {
    assert_eq!(*account.roll_back("run-1").await.rest(), Rest::RolledBack);
    assert!(account.is_as_before(), "{:?}", account.cloud.account());
}

/// The account's VPC, and its subnets in the two documented zones.
fn network(account: &Account) -> (String, [String; 2]) {
    // A region is furnished when it is first called.
    account.call_as_somebody("Action=DescribeVpcs&Version=2016-11-15".to_owned());
    let vpc = account.ids("vpc", |_| true).pop().expect("the account is born with a VPC");
    let subnets = ["us-east-1a", "us-east-1b"].map(|zone| {
        account.ids("subnet", |it| it.name == zone).pop().expect("every zone has a subnet")
    });
    (vpc, subnets)
}
