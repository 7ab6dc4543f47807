//! Exchanges that are broken on purpose: the judge must object to each, for the right reason.

use crate::exchange::Exchange;

/// One exchange with a fault in it.
#[derive(Debug)]
pub(crate) struct Broken {
    /// What was done to it, for people.
    pub(crate) what: String,
    pub(crate) exchange: Exchange,
    /// Whether the answer is at fault, or the request.
    pub(crate) is_answer: bool,
    /// What one of the problems must say.
    pub(crate) complaint: &'static str,
}

/// What is done to a request.
#[derive(Debug, Clone, Copy)]
enum Break {
    /// A parameter gets this value on the wire, or is added with it.
    Set(&'static str, &'static str),
    /// A parameter gets a value of this many characters.
    Fill(&'static str, usize),
    /// A parameter is left out.
    Remove(&'static str),
    /// Parameters that begin like this begin like that.
    Rename(&'static str, &'static str),
    /// A parameter is sent twice.
    Repeat(&'static str),
    Method(&'static str),
    SignedFor(&'static str),
}

/// An action, what is done to its first request, and the complaint.
const REQUESTS: [(&str, Break, &str); 36] = [
    ("CreateRule", Break::Set("Action", "CreateRules"), "no action CreateRules"),
    ("CreateRule", Break::Set("Version", "2012-06-01"), "no service has the version 2012-06-01"),
    ("CreateRule", Break::Method("GET"), "method is 'GET'"),
    ("CreateRule", Break::SignedFor("ec2"), "signed_for is 'ec2'"),
    ("CreateRule", Break::Repeat("Priority"), "is sent twice"),
    ("CreateRule", Break::Set("Prority", "1"), "unknown parameter Prority"),
    ("CreateRule", Break::Remove("Priority"), "Missing required parameter in input: \"Priority\""),
    ("CreateRule", Break::Set("Priority", "0"), "min value: 1"),
    ("CreateRule", Break::Set("Priority", "50001"), "50001 is more than 50000"),
    ("CreateRule", Break::Set("Priority", "first"), "Invalid type for parameter Priority"),
    ("CreateRule", Break::Set("Priority", "01"), "Invalid type for parameter Priority"),
    ("CreateRule", Break::Set("Actions.member.1.Type", "forwards"), "not in the enumeration"),
    (
        "CreateRule",
        Break::Set("Conditions.member.1.PathPatternConfig.Values.member.1", "%2Fa%23b"),
        "not a name that is allowed",
    ),
    (
        "CreateRule",
        Break::Rename("Tags.member.1.", "Tags.member.9."),
        "unknown parameter Tags.member.9.Key",
    ),
    ("CreateRule", Break::Set("Tags.member.1.Key", "aws%3Amine"), "not a tag that is allowed"),
    ("CreateRule", Break::Set("Tags.member.1.Value", "a%23b"), "does not fit the pattern"),
    ("CreateRule", Break::Fill("Tags.member.1.Value", 257), "257 is more than 256"),
    ("CreateListener", Break::Set("Port", "65536"), "65536 is more than 65535"),
    (
        "CreateListener",
        Break::Set("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight", "1000"),
        "a weight is not within",
    ),
    ("CreateListener", Break::Remove("Protocol"), "a listener needs a port"),
    ("CreateTargetGroup", Break::Fill("Name", 33), "not a name that is allowed"),
    ("CreateTargetGroup", Break::Set("HealthCheckIntervalSeconds", "4"), "min value: 5"),
    ("CreateTargetGroup", Break::Remove("VpcId"), "missing for targets that are instances"),
    ("CreateLoadBalancer", Break::Set("Name", "internal-x"), "not a name that is allowed"),
    ("CreateLoadBalancer", Break::Remove("Subnets.member.2"), "fewer than two"),
    ("CreateLaunchTemplate", Break::Set("LaunchTemplateName", "a+b"), "not a name that is allowed"),
    ("CreateLaunchTemplate", Break::Fill("ClientToken", 65), "at most 64 characters"),
    // Four letters of base64 are three bytes.
    ("CreateLaunchTemplate", Break::Fill("LaunchTemplateData.UserData", 21_848), "16386 bytes"),
    (
        "CreateLaunchTemplate",
        Break::Set("LaunchTemplateData.InstanceType", "m4.huge"),
        "not in the enumeration",
    ),
    (
        "CreateLaunchTemplate",
        Break::Rename("TagSpecification.", "TagSpecifications."),
        "unknown parameter TagSpecifications.1.ResourceType",
    ),
    (
        "AuthorizeSecurityGroupIngress",
        Break::Set("IpPermissions.1.FromPort", "http"),
        "Invalid type for parameter IpPermissions[0].FromPort",
    ),
    ("CreateSecurityGroup", Break::Set("GroupName", "sg-mine"), "not a name that is allowed"),
    ("CreateAutoScalingGroup", Break::Set("DesiredCapacity", "9"), "is not within"),
    (
        "CreateAutoScalingGroup",
        Break::Set("AutoScalingGroupName", "a%3Ab"),
        "not a name that is allowed",
    ),
    (
        "CreateAutoScalingGroup",
        Break::Set("Tags.member.1.PropagateAtLaunch", "True"),
        "Invalid type for parameter Tags[0].PropagateAtLaunch",
    ),
    ("DeleteAutoScalingGroup", Break::Set("ForceDelete", "yes"), "Invalid type for parameter"),
];

/// An action, what is replaced in its first answer by what, and the complaint.
const ANSWERS: [(&str, &str, &str, &str); 11] = [
    ("CreateRule", "</CreateRuleResponse>", "", "not XML"),
    ("CreateRule", "CreateRuleResponse", "CreateRulesResponse", "the root is CreateRulesResponse"),
    ("CreateRule", "2015-12-01", "2012-06-01", "the namespace is"),
    ("CreateRule", "<Priority>", "<Surprise>1</Surprise><Priority>", "unknown element Surprise"),
    ("CreateTargetGroup", "<Port>80<", "<Port>eighty<", "not a integer"),
    ("CreateLoadBalancer", "<Code>provisioning<", "<Code>asleep<", "not in the enumeration"),
    ("CreateLoadBalancer", "<CreatedTime>2026-", "<CreatedTime>26-", "not a timestamp"),
    ("CreateSecurityGroup", "requestId>", "requestID>", "unknown element requestID"),
    ("DescribeVpcs", "<isDefault>true<", "<isDefault>yes<", "not a boolean"),
    ("DescribeVpcs", "<vpcSet><item>", "<vpcSet><item><vpcId>vpc-2</vpcId>", "is there twice"),
    ("DescribeTargetHealth", "member>", "item>", "item in a list of member"),
];

/// Breaks exchanges of the kinds that were recorded.
pub(crate) fn all(exchanges: &[Exchange]) -> Vec<Broken> {
    let requests = REQUESTS.iter().map(|&(action, how, complaint)| {
        let mut exchange = answered(exchanges, action, "").clone();
        how.apply(&mut exchange);
        Broken { what: format!("{action} {how:?}"), exchange, is_answer: false, complaint }
    });
    let answers = ANSWERS.iter().map(|&(action, from, to, complaint)| {
        let mut exchange = answered(exchanges, action, from).clone();
        exchange.answer = exchange.answer.map(|answer| answer.replace(from, to));
        let what = format!("the answer to {action} with {to:?} for {from:?}");
        Broken { what, exchange, is_answer: true, complaint }
    });
    requests.chain(answers).chain(refusals(exchanges)).chain([incomplete(exchanges)]).collect()
}

/// Finds the first exchange of an action whose answer was a success and holds a text.
fn answered<'a>(exchanges: &'a [Exchange], action: &str, text: &str) -> &'a Exchange {
    let fits = |exchange: &&Exchange| {
        let answer = exchange.answer.as_deref();
        exchange.action() == action
            && exchange.status == 200
            && answer.is_some_and(|answer| answer.contains(text))
    };
    let found = exchanges.iter().find(fits);
    found.unwrap_or_else(|| panic!("{action} was answered with {text:?} in it"))
}

/// Breaks a refusal in its envelope, its code and its status.
fn refusals(exchanges: &[Exchange]) -> impl Iterator<Item = Broken> {
    let is_refusal = |exchange: &&Exchange| {
        exchange.status == 400
            && exchange.answer.as_ref().is_some_and(|answer| answer.contains("<ErrorResponse"))
    };
    let refusal = exchanges.iter().find(is_refusal).expect("the cloud refused something");
    let broken = |what: &str, complaint, change: &dyn Fn(&mut Exchange)| {
        let mut exchange = refusal.clone();
        change(&mut exchange);
        Broken { what: what.to_owned(), exchange, is_answer: true, complaint }
    };
    let replace = |exchange: &mut Exchange, from: &str, to: &str| {
        let answer = exchange.answer.take().unwrap();
        assert!(answer.contains(from), "{answer}");
        exchange.answer = Some(answer.replace(from, to));
    };
    [
        broken("a refusal of another status", "with status 418", &|it| it.status = 418),
        broken("a refusal in the wrong envelope", "not the envelope of an error", &|it| {
            replace(it, "ErrorResponse", "Response");
        }),
        broken("a refusal with a code of its own", "with status 400; the model lists", &|it| {
            replace(it, "<Code>", "<Code>My");
        }),
    ]
    .into_iter()
}

/// Leaves out what a group must have.
fn incomplete(exchanges: &[Exchange]) -> Broken {
    let mut exchange = answered(exchanges, "DescribeAutoScalingGroups", "<MinSize>").clone();
    let answer = exchange.answer.take().unwrap();
    exchange.answer = Some(answer.replace("<MinSize>4</MinSize>", ""));
    let what = "a group without its least size".to_owned();
    Broken { what, exchange, is_answer: true, complaint: "MinSize is missing" }
}

impl Break {
    fn apply(self, exchange: &mut Exchange) {
        let before = exchange.body.clone();
        let mut pairs: Vec<String> = before.split('&').map(str::to_owned).collect();
        let is = |pair: &str, key: &str| pair.split_once('=').is_some_and(|(name, _)| name == key);
        match self {
            Self::Set(key, value) => {
                pairs.retain(|pair| !is(pair, key));
                pairs.push(format!("{key}={value}"));
            }
            Self::Fill(key, characters) => {
                pairs.retain(|pair| !is(pair, key));
                pairs.push(format!("{key}={}", "A".repeat(characters)));
            }
            Self::Remove(key) => pairs.retain(|pair| !is(pair, key)),
            Self::Rename(from, to) => {
                for pair in &mut pairs {
                    if let Some(rest) = pair.strip_prefix(from) {
                        *pair = format!("{to}{rest}");
                    }
                }
            }
            Self::Repeat(key) => {
                let again = pairs.iter().find(|pair| is(pair, key)).cloned();
                pairs.extend(again);
            }
            Self::Method(method) => return method.clone_into(&mut exchange.method),
            Self::SignedFor(service) => return service.clone_into(&mut exchange.signed_for),
        }
        exchange.body = pairs.join("&");
        assert_ne!(exchange.body, before, "{self:?} breaks something");
    }
}
