//! temp
use std::sync::Arc;
use std::time::Instant;
use lab1_flow_cloud::*;
fn post(c:&Cloud,v:&str,f:&str)->String{ let r=c.handle(http::Request::post("/").header("authorization","x").body(bytes::Bytes::from(format!("Version={v}&{f}"))).unwrap()); let s=r.status(); let b=String::from_utf8_lossy(r.body()).into_owned(); assert_eq!(s,200,"{b}"); b}
fn inner<'a>(b:&'a str,t:&str)->&'a str{ b.split(&format!("<{t}>")).nth(1).unwrap().split(&format!("</{t}>")).next().unwrap()}
fn main(){
    let clock=VirtualCloudClock::default();
    let dir=std::env::args().nth(1);
    let c= match dir { Some(p)=>Cloud::open(std::path::Path::new(&p),Arc::new(clock.clone()),CloudOptions::plain()).unwrap(), None=>Cloud::in_memory(Arc::new(clock.clone()),CloudOptions::plain())};
    let (e,l,a)=("2016-11-15","2015-12-01","2011-01-01");
    let t0=Instant::now();
    let vpc=inner(&post(&c,e,"Action=DescribeVpcs"),"vpcId").to_owned();
    let sub=|z:&str| inner(&post(&c,e,&format!("Action=DescribeSubnets&Filter.1.Name=availability-zone&Filter.1.Value.1={z}")),"subnetId").to_owned();
    let (s1,s2)=(sub("us-east-1a"),sub("us-east-1b"));
    let g=inner(&post(&c,e,&format!("Action=CreateSecurityGroup&GroupName=g&GroupDescription=d&VpcId={vpc}")),"groupId").to_owned();
    post(&c,e,&format!("Action=AuthorizeSecurityGroupIngress&GroupId={g}&IpProtocol=tcp&FromPort=80&ToPort=80&CidrIp=0.0.0.0/0"));
    let ud="IyEvYmluL3NoCg".repeat(160)+"IyEvYmluL3NoCg==";
    let lt=inner(&post(&c,e,&format!("Action=CreateLaunchTemplate&LaunchTemplateName=lab&LaunchTemplateData.ImageId=ami-08c40ec9ead489470&LaunchTemplateData.InstanceType=m4.large&LaunchTemplateData.UserData={ud}&LaunchTemplateData.SecurityGroupId.1={g}")),"launchTemplateId").to_owned();
    let tg=inner(&post(&c,l,&format!("Action=CreateTargetGroup&Name=tg&Protocol=HTTP&Port=80&VpcId={vpc}&HealthCheckIntervalSeconds=10")),"TargetGroupArn").to_owned();
    let lb=inner(&post(&c,l,&format!("Action=CreateLoadBalancer&Name=lb&Subnets.member.1={s1}&Subnets.member.2={s2}&SecurityGroups.member.1={g}")),"LoadBalancerArn").to_owned();
    post(&c,l,&format!("Action=CreateListener&LoadBalancerArn={lb}&Protocol=HTTP&Port=80&DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={tg}"));
    post(&c,a,&format!("Action=CreateAutoScalingGroup&AutoScalingGroupName=g1&MinSize=9&MaxSize=9&VPCZoneIdentifier={s1}&LaunchTemplate.LaunchTemplateId={lt}&TargetGroupARNs.member.1={tg}"));
    println!("deploy calls {:?}",t0.elapsed());
    let t=Instant::now(); clock.advance_s(600); c.account(); println!("advance 600 s {:?}",t.elapsed());
    let n=20000;
    for f in [(l,"Action=DescribeTargetGroups"),(e,"Action=DescribeInstances"),(a,"Action=DescribeAutoScalingGroups")] { let t=Instant::now(); for _ in 0..n { post(&c,f.0,f.1);} println!("{} {:?} each",f.1,t.elapsed()/n);}
    let h=format!("Action=DescribeTargetHealth&TargetGroupArn={tg}"); let t=Instant::now(); for _ in 0..n { post(&c,l,&h);} println!("health {:?}",t.elapsed()/n);
    let t=Instant::now(); for i in 0..2000 { post(&c,e,&format!("Action=CreateTags&ResourceId.1={g}&Tag.1.Key=k&Tag.1.Value={i}")); } println!("CreateTags {:?}",t.elapsed()/2000);
    let t=Instant::now(); for _ in 0..2000 { let s=c.snapshot(); c.restore(&s);} println!("snapshot+restore {:?}",t.elapsed()/2000);
    let t=Instant::now(); for _ in 0..2000 { clock.advance_ms(1); post(&c,l,"Action=DescribeTargetGroups"); } println!("describe w/ moving clock {:?}",t.elapsed()/2000);
    let host=c.load_balancer_hosts()[0].1.clone(); let t=Instant::now(); for _ in 0..2000 { c.route_table(&host).unwrap(); } println!("route_table {:?}",t.elapsed()/2000);
    println!("{}",std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l|l.starts_with("VmRSS")).collect::<String>());
}
