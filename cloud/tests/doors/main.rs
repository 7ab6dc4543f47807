//! The doors with a real cloud behind them: calls over a socket, traffic through the balancer's own.
//!
//! Time runs 600 times as fast, so that the ten minutes of a deployment pass in a second.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up has failed")]

mod in_process;
mod stack;
mod world;

use std::io;
use std::time::Duration;

use lab1_flow_cloud::{Fault, FaultPlan, FaultRule};
use tokio::net::{TcpListener, TcpStream};

use stack::{Balancer, deploy, instances_of};
use world::{Opened, becomes, get};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployed_stack_answers_from_every_instance_by_its_rules() {
    let world = Opened::new().await;
    let balancer = deploy(&world, 5, 4).await;
    let first = balancer.answers_from(&world, "/cluster1", "group1", 5).await;
    let second = balancer.answers_from(&world, "/cluster2", "group2", 4).await;
    assert!(first.is_disjoint(&second));

    let (status, text) = get(&balancer.host, "/").await.unwrap();
    assert_eq!((status, text.as_str()), (200, "Healthy!"));
    let (status, text) = get(&balancer.host, "/cluster1/").await.unwrap();
    assert!(status == 404 && text.contains("not found on the server"), "{text}");

    let clients: Vec<_> = (0..8)
        .map(|_| {
            let host = balancer.host.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    assert_eq!(get(&host, "/cluster2").await.unwrap().0, 200);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balancer_refuses_until_it_is_active_and_again_once_it_is_deleted() {
    let world = Opened::slow().await;
    let balancer = Balancer::create(&world).await;
    balancer.listen(&world).await;
    // Active after 150 seconds: two and a half here.
    let mut refused = 0;
    loop {
        let connected = TcpStream::connect(&balancer.host).await;
        if balancer.shown(&world, "Code").await != "provisioning" {
            break;
        }
        assert_eq!(connected.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        refused += 1;
    }
    assert!(refused > 0, "the balancer was never seen provisioning");
    becomes(async || get(&balancer.host, "/").await.is_ok_and(|(status, _)| status == 503)).await;

    let idle = TcpStream::connect(&balancer.host).await.unwrap();
    world
        .call("elasticloadbalancing", "DeleteLoadBalancer", &[("LoadBalancerArn", &balancer.arn)])
        .await;
    becomes(async || TcpStream::connect(&balancer.host).await.is_err()).await;
    let closed =
        async || idle.readable().await.is_ok() && idle.try_read(&mut [0]).is_ok_and(|n| n == 0);
    becomes(closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminated_instance_gets_no_request_and_is_replaced() {
    let world = Opened::new().await;
    let balancer = deploy(&world, 2, 1).await;
    let before = balancer.answers_from(&world, "/cluster1", "group1", 2).await;
    let gone = before.first().unwrap();
    world.call("ec2", "TerminateInstances", &[("InstanceId.1", gone)]).await;

    becomes(async || {
        let now = instances_of(&world, "group1").await;
        now.len() == 2 && !now.contains(gone)
    })
    .await;
    let after = balancer.answers_from(&world, "/cluster1", "group1", 2).await;
    assert!(!after.contains(gone));
    assert_eq!(after.difference(&before).count(), 1, "{before:?} became {after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balancer_that_admits_nobody_does_not_answer() {
    let world = Opened::new().await;
    let balancer = Balancer::create(&world).await;
    balancer.listen(&world).await;
    becomes(async || get(&balancer.host, "/").await.is_ok()).await;
    let group = balancer.security_group.clone();
    let rule = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "80"),
        ("IpPermissions.1.ToPort", "80"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    world.call("ec2", "RevokeSecurityGroupIngress", &rule).await;
    let waited = tokio::time::timeout(Duration::from_millis(300), get(&balancer.host, "/")).await;
    assert!(waited.is_err(), "an answer came through a closed security group: {waited:?}");
    world.call("ec2", "AuthorizeSecurityGroupIngress", &rule).await;
    assert_eq!(get(&balancer.host, "/").await.unwrap().0, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balancer_keeps_its_port_over_a_restart() {
    let world = Opened::new().await;
    let balancer = Balancer::create(&world).await;
    balancer.listen(&world).await;
    becomes(async || get(&balancer.host, "/").await.is_ok()).await;
    let _lingering = TcpStream::connect(&balancer.host).await.unwrap();
    let world = world.restart().await;
    becomes(async || get(&balancer.host, "/").await.is_ok_and(|(status, _)| status == 503)).await;
    assert_eq!(balancer.shown(&world, "DNSName").await, balancer.host);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_was_taken_meanwhile_is_opened_when_it_is_free_again() {
    let world = Opened::new().await;
    let balancer = Balancer::create(&world).await;
    balancer.listen(&world).await;
    becomes(async || get(&balancer.host, "/").await.is_ok()).await;
    let directory = world.stop().await;
    let holder = TcpListener::bind(&balancer.host).await.unwrap();
    let _world = Opened::serving(directory, FaultPlan::default()).await;
    drop(holder);
    becomes(async || get(&balancer.host, "/").await.is_ok_and(|(status, _)| status == 503)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_closes_the_balancers() {
    let world = Opened::new().await;
    let balancer = Balancer::create(&world).await;
    balancer.listen(&world).await;
    becomes(async || get(&balancer.host, "/").await.is_ok()).await;
    world.request("POST", "/_lab1_flow/reset", "").await.unwrap();
    becomes(async || TcpStream::connect(&balancer.host).await.is_err()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_is_lost_has_had_its_effect() {
    let rule = FaultRule {
        action: Some("CreateSecurityGroup".to_owned()),
        count: Some(1),
        ..FaultRule::new(Fault::ReplyLost)
    };
    let plan = FaultPlan { seed: 1, rules: vec![rule] };
    let world = Opened::serving(tempfile::tempdir().unwrap(), plan).await;
    let create = "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=web&GroupDescription=web";
    let lost = world.request("POST", "/", create).await.unwrap_err();
    assert_eq!(lost.kind(), io::ErrorKind::UnexpectedEof);
    let (status, again) = world.request("POST", "/", create).await.unwrap();
    assert!(status == 400 && again.contains("InvalidGroup.Duplicate"), "{again}");
}
