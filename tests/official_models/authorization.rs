//! What AWS asks its policies before it carries out a call, as its service authorization reference tells.
//!
//! One call may be several questions: who makes a group from a launch template is also asked whether they might
//! start instances, tag them, and let the service make its role; who makes a balancer, whether they may look at
//! what it stands on.

use std::collections::BTreeMap;

use crate::exchange::Exchange;

/// The account in the questions; a policy for any account does not look at it.
const PLACE: &str = "us-east-1:123456789012";

pub(crate) type Tags = BTreeMap<String, String>;

/// One question: may this be done to that, under these circumstances?
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: BTreeMap<String, String>,
}

impl Question {
    fn new(action: &str, resource: String, context: BTreeMap<String, String>) -> Self {
        Self { action: action.to_owned(), resource, context }
    }
}

/// The tags of everything that the recorded calls have made, by id, ARN or name.
#[derive(Debug)]
pub(crate) struct Book(BTreeMap<String, Tags>);

impl Book {
    pub(crate) fn of<'a>(exchanges: impl Iterator<Item = &'a Exchange>) -> Self {
        let mut book = BTreeMap::new();
        for exchange in exchanges {
            let answer = exchange.answer.as_deref().unwrap_or_default();
            let form = Form::of(exchange);
            let made = match exchange.action() {
                "CreateSecurityGroup" => element(answer, "groupId"),
                "CreateLaunchTemplate" => element(answer, "launchTemplateId"),
                "CreateLoadBalancer" => element(answer, "LoadBalancerArn"),
                "CreateTargetGroup" => element(answer, "TargetGroupArn"),
                "CreateListener" => element(answer, "ListenerArn"),
                "CreateAutoScalingGroup" => form.0.get("AutoScalingGroupName").map(String::as_str),
                "DescribeInstances" => {
                    book.extend(instances(answer));
                    None
                }
                _ => None,
            };
            if let Some(made) = made {
                book.insert(made.to_owned(), form.tags());
            }
        }
        Self(book)
    }

    /// The circumstances in which something that exists is touched.
    fn of_resource(&self, id: &str) -> Result<BTreeMap<String, String>, String> {
        let tags = self.0.get(id).ok_or_else(|| format!("no recorded call has made {id}"))?;
        Ok(keys("aws:ResourceTag", tags))
    }
}

/// Returns the questions that a call raises; the error is a call of which nothing is known here.
pub(crate) fn questions(exchange: &Exchange, book: &Book) -> Result<Vec<Question>, String> {
    let (action, form) = (exchange.action(), Form::of(exchange));
    let service = exchange.signed_for.as_str();
    let named = format!("{service}:{action}");
    let one = |resource: String, context| vec![Question::new(&named, resource, context)];
    if ["Describe", "Get"].iter().any(|reading| action.starts_with(reading)) {
        // Who one is, one may always ask.
        let nobody_asks = named == "sts:GetCallerIdentity";
        let all = format!("arn:aws:{service}:{PLACE}:*");
        return Ok(if nobody_asks { Vec::new() } else { one(all, BTreeMap::new()) });
    }
    let touched = |kind: &str, key: &str| -> Result<Vec<Question>, String> {
        let id = form.get(key)?;
        let arn = if id.starts_with("arn:") { id.to_owned() } else { ec2(kind, id) };
        Ok(one(arn, book.of_resource(id)?))
    };
    match action {
        "CreateSecurityGroup" => {
            let mut asked = made_in_ec2(action, "security-group", &form);
            // Tags of the request are no circumstance of the network.
            asked.extend(one(ec2("vpc", form.get("VpcId")?), BTreeMap::new()));
            Ok(asked)
        }
        "CreateLaunchTemplate" => Ok(made_in_ec2(action, "launch-template", &form)),
        "AuthorizeSecurityGroupIngress" | "DeleteSecurityGroup" => {
            touched("security-group", "GroupId")
        }
        "DeleteLaunchTemplate" => touched("launch-template", "LaunchTemplateId"),
        "TerminateInstances" => touched("instance", "InstanceId.1"),
        "CreateLoadBalancer" => {
            let mut asked = made_in_elb(action, &elb("loadbalancer/app", &form)?, None, &form);
            asked.push(role_of("elasticloadbalancing"));
            asked.extend(looks(&LOOKS_FOR_A_BALANCER));
            Ok(asked)
        }
        "CreateTargetGroup" => {
            let mut asked = made_in_elb(action, &elb("targetgroup", &form)?, None, &form);
            asked.push(role_of("elasticloadbalancing"));
            asked.extend(looks(&LOOKS_FOR_A_TARGET_GROUP));
            Ok(asked)
        }
        "CreateListener" => {
            let on = form.get("LoadBalancerArn")?;
            Ok(made_in_elb(action, on, Some(("loadbalancer/", "listener/")), &form))
        }
        "CreateRule" => {
            let on = form.get("ListenerArn")?;
            Ok(made_in_elb(action, on, Some(("listener/", "listener-rule/")), &form))
        }
        "ModifyTargetGroupAttributes" | "DeleteTargetGroup" => touched("", "TargetGroupArn"),
        "DeleteLoadBalancer" => touched("", "LoadBalancerArn"),
        "CreateAutoScalingGroup" => group_made(&form, book),
        "DeleteAutoScalingGroup" => {
            let name = form.get("AutoScalingGroupName")?;
            Ok(one(group(name), book.of_resource(name)?))
        }
        _ => Err(format!(
            "{named}: tests/official_models/authorization.rs does not say what AWS asks"
        )),
    }
}

fn made_in_ec2(action: &str, kind: &str, form: &Form) -> Vec<Question> {
    let context = keys("aws:RequestTag", &form.tags());
    let mut tagging = context.clone();
    tagging.insert("ec2:CreateAction".to_owned(), action.to_owned());
    vec![
        Question::new(&format!("ec2:{action}"), ec2(kind, "new"), context),
        Question::new("ec2:CreateTags", ec2(kind, "new"), tagging),
    ]
}

/// `below` turns the ARN that is asked about into one of what is made.
fn made_in_elb(action: &str, arn: &str, below: Option<(&str, &str)>, form: &Form) -> Vec<Question> {
    let context = keys("aws:RequestTag", &form.tags());
    let mut tagging = context.clone();
    tagging.insert("elasticloadbalancing:CreateAction".to_owned(), action.to_owned());
    let made = below.map_or(arn.to_owned(), |(from, to)| arn.replacen(from, to, 1) + "/new");
    vec![
        Question::new(&format!("elasticloadbalancing:{action}"), arn.to_owned(), context),
        Question::new("elasticloadbalancing:AddTags", made, tagging),
    ]
}

fn group_made(form: &Form, book: &Book) -> Result<Vec<Question>, String> {
    let arn = group(form.get("AutoScalingGroupName")?);
    let context = keys("aws:RequestTag", &form.tags());
    let mut asked = vec![role_of("autoscaling")];
    for action in ["autoscaling:CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags"] {
        asked.push(Question::new(action, arn.clone(), context.clone()));
    }
    let id = form.get("LaunchTemplate.LaunchTemplateId")?;
    let template = ec2("launch-template", id);
    let from = |mut context: BTreeMap<String, String>| {
        context.insert("ec2:LaunchTemplate".to_owned(), template.clone());
        context
    };
    asked.push(Question::new("ec2:RunInstances", template.clone(), from(book.of_resource(id)?)));
    let parts = ["instance", "key-pair", "network-interface", "security-group", "subnet", "volume"];
    let mut resources: Vec<String> = parts.into_iter().map(|part| ec2(part, "any")).collect();
    resources.push("arn:aws:ec2:us-east-1::image/ami-08c40ec9ead489470".to_owned());
    for resource in resources {
        asked.push(Question::new("ec2:RunInstances", resource, from(BTreeMap::new())));
    }
    for tagged in ["instance", "network-interface", "volume"] {
        let mut context = context.clone();
        context.insert("ec2:CreateAction".to_owned(), "RunInstances".to_owned());
        asked.push(Question::new("ec2:CreateTags", ec2(tagged, "any"), context));
    }
    Ok(asked)
}

/// The first use of a service in an account makes the role that it works under.
fn role_of(service: &str) -> Question {
    let host = format!("{service}.amazonaws.com");
    let role = format!("arn:aws:iam::123456789012:role/aws-service-role/{host}/Any");
    let context = [("iam:AWSServiceName".to_owned(), host)].into();
    Question::new("iam:CreateServiceLinkedRole", role, context)
}

/// Elastic Load Balancing looks around in EC2 in the name of the caller: its user guide lists so under "API
/// permissions". What it has seen in an account before it may not ask for again, so that a fresh one refuses.
const LOOKS_FOR_A_BALANCER: [&str; 6] = [
    "DescribeAccountAttributes",
    "DescribeAddresses",
    "DescribeInternetGateways",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcs",
];
const LOOKS_FOR_A_TARGET_GROUP: [&str; 2] = ["DescribeInternetGateways", "DescribeVpcs"];

fn looks(actions: &[&str]) -> impl Iterator<Item = Question> {
    let all = format!("arn:aws:ec2:{PLACE}:*");
    actions
        .iter()
        .map(move |action| Question::new(&format!("ec2:{action}"), all.clone(), BTreeMap::new()))
}

fn ec2(kind: &str, id: &str) -> String {
    format!("arn:aws:ec2:{PLACE}:{kind}/{id}")
}

fn elb(kind: &str, form: &Form) -> Result<String, String> {
    Ok(format!("arn:aws:elasticloadbalancing:{PLACE}:{kind}/{}/new", form.get("Name")?))
}

fn group(name: &str) -> String {
    format!("arn:aws:autoscaling:{PLACE}:autoScalingGroup:any:autoScalingGroupName/{name}")
}

fn keys(kind: &str, tags: &Tags) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| (format!("{kind}/{key}"), value.clone())).collect()
}

/// The parameters of a call.
struct Form(BTreeMap<String, String>);

impl Form {
    fn of(exchange: &Exchange) -> Self {
        Self(form_urlencoded::parse(exchange.body.as_bytes()).into_owned().collect())
    }

    fn get(&self, key: &str) -> Result<&str, String> {
        self.0.get(key).map(String::as_str).ok_or_else(|| format!("the call has no {key}"))
    }

    /// The tags for what the call makes.
    fn tags(&self) -> Tags {
        let of_made = |key: &str| {
            ["TagSpecification.", "Tags.member."].iter().any(|list| key.starts_with(list))
        };
        let pairs = self.0.iter().filter(|(key, _)| of_made(key));
        let pairs = pairs.filter_map(|(key, tag)| {
            Some((
                tag.clone(),
                self.0.get(&format!("{}.Value", key.strip_suffix(".Key")?))?.clone(),
            ))
        });
        pairs.collect()
    }
}

/// Returns the text of the first element of a name.
fn element<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}

/// Reads the instances of an answer with their tags.
fn instances(answer: &str) -> impl Iterator<Item = (String, Tags)> {
    answer.split("<instanceId>").skip(1).map(|instance| {
        let id = instance.split('<').next().unwrap_or_default().to_owned();
        let tags = instance.split("<tagSet>").nth(1).unwrap_or_default();
        let tags = tags.split("</tagSet>").next().unwrap_or_default();
        let pairs = tags.split("<item>").skip(1).filter_map(|item| {
            Some((element(item, "key")?.to_owned(), element(item, "value")?.to_owned()))
        });
        (id, pairs.collect())
    })
}
