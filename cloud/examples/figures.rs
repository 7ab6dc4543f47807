//! Measures the embedded AWS as a process of its own, and prints one line of JSON.
//!
//! ```text
//! cargo run --release -p lab1-flow-cloud --example figures
//! ```
//!
//! `start_ms` is the time from the command to the first answer, `rss_mb` and `rss_mb_max` what the
//! process holds after a full deployment (Linux only), `calls_per_s` how many `DescribeTargetGroups` it
//! answers on one connection, one after the other.

#![expect(clippy::print_stdout, reason = "a program of the command line")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lab1_flow_cloud::daemon::{self, Launch, ServeOptions};
use lab1_flow_cloud::{CloudOptions, Limits};

type Outcome<T> = Result<T, Box<dyn Error>>;

const CALLS: u32 = 20_000;
/// `#!/bin/sh` in base64: any user data starts the application.
const USER_DATA: &str = "IyEvYmluL3NoCg==";
/// How long the deployment may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Outcome<()> {
    if let Some(directory) = std::env::args_os().nth(1) {
        return serve(PathBuf::from(directory));
    }
    let home = tempfile::tempdir()?;
    let directory = home.path().join("cloud");
    let launch = Launch::of_this_program([directory.as_os_str()])?;
    let start = Instant::now();
    let endpoint = daemon::start(&directory, &launch)?.endpoint;
    let start_ms = start.elapsed().as_secs_f64() * 1_000.0;

    let figures = measure(endpoint.port, endpoint.pid);
    daemon::stop(&directory)?;
    let (calls_per_s, rss_mb, rss_mb_max) = figures?;
    println!(
        "{{\"start_ms\":{start_ms:.1},\"calls_per_s\":{calls_per_s:.0},\"rss_mb\":{rss_mb:.1},\
         \"rss_mb_max\":{rss_mb_max:.1}}}"
    );
    Ok(())
}

/// Serves without rate limits: they are what would be measured.
fn serve(directory: PathBuf) -> Outcome<()> {
    daemon::detach();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let limits = Limits { throttling: false, ..Limits::default() };
    let cloud = CloudOptions { time_scale: 600.0, limits, ..CloudOptions::default() };
    let options = ServeOptions { cloud, ..ServeOptions::new(directory) };
    runtime.block_on(daemon::serve(options, daemon::stop_signal(), |_| {}))?;
    Ok(())
}

fn measure(port: u16, pid: u32) -> Outcome<(f64, f64, f64)> {
    let mut caller = Caller::new(port)?;
    deploy(&mut caller)?;
    let start = Instant::now();
    for _ in 0..CALLS {
        caller.elb("DescribeTargetGroups", "")?;
    }
    let calls_per_s = f64::from(CALLS) / start.elapsed().as_secs_f64();
    let (now, most) = memory_mb(pid);
    Ok((calls_per_s, now, most))
}

/// Makes the documented stack and waits for its nine targets.
fn deploy(caller: &mut Caller) -> Outcome<()> {
    let vpc = caller.ec2("DescribeVpcs", "")?.text("vpcId")?;
    let mut subnets = Vec::new();
    for zone in ["us-east-1a", "us-east-1b"] {
        let form = format!("Filter.1.Name=availability-zone&Filter.1.Value.1={zone}");
        subnets.push(caller.ec2("DescribeSubnets", &form)?.text("subnetId")?);
    }
    let form = format!("GroupName=lab1&GroupDescription=lab1&VpcId={vpc}");
    let security = caller.ec2("CreateSecurityGroup", &form)?.text("groupId")?;
    let form = format!(
        "GroupId={security}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80\
         &IpPermissions.1.ToPort=80&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
    );
    caller.until("ec2", "AuthorizeSecurityGroupIngress", &form, |_| true)?;
    let form = format!(
        "Name=lab1&Subnets.member.1={}&Subnets.member.2={}&SecurityGroups.member.1={security}",
        subnets[0], subnets[1]
    );
    let made = caller.until("elasticloadbalancing", "CreateLoadBalancer", &form, |_| true)?;
    let balancer = made.text("LoadBalancerArn")?;
    for (cluster, size) in [(0, 5), (1, 4)] {
        let form = format!(
            "LaunchTemplateName=lab1-{cluster}&LaunchTemplateData.ImageId=ami-08c40ec9ead489470\
             &LaunchTemplateData.InstanceType=t2.large&LaunchTemplateData.UserData={USER_DATA}\
             &LaunchTemplateData.SecurityGroupId.1={security}"
        );
        let template = caller.ec2("CreateLaunchTemplate", &form)?.text("launchTemplateId")?;
        let form = format!("Name=lab1-{cluster}&Protocol=HTTP&Port=80&VpcId={vpc}");
        let targets = caller.elb("CreateTargetGroup", &form)?.text("TargetGroupArn")?;
        let form = format!(
            "LoadBalancerArn={balancer}&Protocol=HTTP&Port=8{cluster}\
             &DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={targets}"
        );
        caller.until("elasticloadbalancing", "CreateListener", &form, |_| true)?;
        let form = format!(
            "AutoScalingGroupName=lab1-{cluster}&MinSize=4&MaxSize=5&DesiredCapacity={size}\
             &LaunchTemplate.LaunchTemplateId={template}&VPCZoneIdentifier={}\
             &TargetGroupARNs.member.1={targets}",
            subnets[cluster]
        );
        caller.until("autoscaling", "CreateAutoScalingGroup", &form, |_| true)?;
        let form = format!("TargetGroupArn={targets}");
        caller.until("elasticloadbalancing", "DescribeTargetHealth", &form, |answer| {
            answer.body.matches(">healthy<").count() == size
        })?;
    }
    Ok(())
}

/// A client with one connection that it keeps.
struct Caller {
    port: u16,
    connection: BufReader<TcpStream>,
}

struct Answer {
    status: u16,
    body: String,
}

impl Caller {
    fn new(port: u16) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self { port, connection: BufReader::new(stream) })
    }

    fn ec2(&mut self, action: &str, form: &str) -> Outcome<Answer> {
        self.call("ec2", action, form)?.good()
    }

    fn elb(&mut self, action: &str, form: &str) -> Outcome<Answer> {
        self.call("elasticloadbalancing", action, form)?.good()
    }

    /// Calls again until the answer is good and as it should be.
    fn until(
        &mut self,
        service: &str,
        action: &str,
        form: &str,
        fits: impl Fn(&Answer) -> bool,
    ) -> Outcome<Answer> {
        let patience_ends = Instant::now() + PATIENCE;
        loop {
            let answer = self.call(service, action, form)?;
            if answer.status == 200 && fits(&answer) {
                return Ok(answer);
            }
            if Instant::now() > patience_ends {
                return Err(format!("{action} in vain: {}", answer.body).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn call(&mut self, service: &str, action: &str, form: &str) -> Outcome<Answer> {
        let version = match service {
            "ec2" => "2016-11-15",
            "autoscaling" => "2011-01-01",
            _ => "2015-12-01",
        };
        let body = format!("Action={action}&Version={version}&{form}");
        let request = format!(
            "POST / HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/{service}/aws4_request\
             \r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        self.connection.get_mut().write_all(request.as_bytes())?;
        self.read()
    }

    fn read(&mut self) -> Outcome<Answer> {
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        let status = line.split(' ').nth(1).ok_or("no status")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            self.connection.read_line(&mut line)?;
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body)?;
        Ok(Answer { status, body: String::from_utf8(body)? })
    }
}

impl Answer {
    fn good(self) -> Outcome<Self> {
        if self.status == 200 { Ok(self) } else { Err(self.body.into()) }
    }

    /// Returns the text of the first element of a name.
    fn text(&self, element: &str) -> Outcome<String> {
        let (_, rest) = self.body.split_once(&format!("<{element}>")).ok_or("no such element")?;
        Ok(rest.split('<').next().unwrap_or_default().to_owned())
    }
}

/// Reads what a process holds now, and what it held at most; 0 where the system does not tell.
fn memory_mb(pid: u32) -> (f64, f64) {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kb = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kb.unwrap_or(0.0) / 1_024.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}
