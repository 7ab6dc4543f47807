//! The same traffic without a socket: a cloud in memory, a virtual clock, names that resolve nowhere.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use lab1_flow_cloud::{Cloud, CloudOptions, Traffic, Unreachable, VirtualCloudClock};

use crate::world::first;

/// Makes a call of the load balancing API or of EC2 and returns its answer.
fn call(cloud: &Cloud, form: &str) -> String {
    let request = Request::post("http://localhost/").body(Bytes::from(form.to_owned())).unwrap();
    let response = cloud.handle(request);
    let answer = String::from_utf8(response.body().to_vec()).unwrap();
    assert_eq!(response.status(), 200, "{answer}");
    answer
}

#[test]
fn a_name_and_a_port_reach_the_balancer_once_it_is_active() {
    let clock = VirtualCloudClock::default();
    let cloud = Cloud::in_memory(Arc::new(clock.clone()), CloudOptions::plain());
    let traffic = Traffic::new(7);
    let ask = |host: &str| {
        let request = Request::get("/").body(Bytes::new()).unwrap();
        traffic.answer(&cloud, host, &request).map(|response| response.status().as_u16())
    };

    let subnets: Vec<String> = ["us-east-1a", "us-east-1b"]
        .map(|zone| {
            let filter = format!("Filter.1.Name=availability-zone&Filter.1.Value.1={zone}");
            let form = format!("Action=DescribeSubnets&Version=2016-11-15&{filter}");
            first(&call(&cloud, &form), "subnetId")
        })
        .into();
    let group = call(
        &cloud,
        "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=web&GroupDescription=web",
    );
    let group = first(&group, "groupId");
    call(
        &cloud,
        &format!(
            "Action=AuthorizeSecurityGroupIngress&Version=2016-11-15&GroupId={group}\
             &IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
        ),
    );
    let made = call(
        &cloud,
        &format!(
            "Action=CreateLoadBalancer&Version=2015-12-01&Name=lab1-load-balancer\
             &Subnets.member.1={}&Subnets.member.2={}&SecurityGroups.member.1={group}",
            subnets[0], subnets[1]
        ),
    );
    let host = first(&made, "DNSName");
    let arn = first(&made, "LoadBalancerArn");
    call(
        &cloud,
        &format!(
            "Action=CreateListener&Version=2015-12-01&LoadBalancerArn={arn}&Protocol=HTTP&Port=8080\
             &DefaultActions.member.1.Type=fixed-response\
             &DefaultActions.member.1.FixedResponseConfig.StatusCode=404"
        ),
    );

    assert_eq!(ask(&host), Err(Unreachable::Refused), "it answers while it is provisioned");
    clock.advance_s(600);
    assert_eq!(ask(&host), Ok(404));
    assert_eq!(ask(&format!("{host}:8080")), Ok(404));
    assert_eq!(ask(&format!("{host}:80")), Err(Unreachable::Refused));
    assert_eq!(ask("another.elb.invalid"), Err(Unreachable::UnknownHost));
    assert_eq!(ask(&format!("{host}:eighty")), Err(Unreachable::UnknownHost));
}
