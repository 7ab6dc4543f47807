//! A client of the API with one connection that it keeps, and what it deploys.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lab1_flow_cloud::daemon::Endpoint;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// `#!/bin/sh` in base64: any user data starts the application.
const USER_DATA: &str = "IyEvYmluL3NoCg==";
/// How long the deployment may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes the documented stack and waits for its nine targets.
pub(crate) fn deploy(caller: &mut Caller) -> Outcome<()> {
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
pub(crate) struct Caller {
    endpoint: Endpoint,
    connection: BufReader<TcpStream>,
}

pub(crate) struct Answer {
    status: u16,
    body: String,
}

impl Caller {
    pub(crate) fn new(endpoint: &Endpoint) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", endpoint.port))?;
        stream.set_nodelay(true)?;
        Ok(Self { endpoint: endpoint.clone(), connection: BufReader::new(stream) })
    }

    fn ec2(&mut self, action: &str, form: &str) -> Outcome<Answer> {
        self.call("ec2", action, form)?.good()
    }

    pub(crate) fn elb(&mut self, action: &str, form: &str) -> Outcome<Answer> {
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
             authorization: AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/{service}/aws4_request\
             \r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            self.endpoint.port,
            self.endpoint.access_key_id.as_str(),
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
