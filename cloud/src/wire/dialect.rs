//! The four services and how each writes requests, answers and errors.

use super::refusal::Refusal;
use super::xml::Xml;

/// Names a service of the cloud; each has a wire dialect of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Service {
    Ec2,
    Elb,
    AutoScaling,
    Sts,
}

/// Says whether an answer has a result element: some calls of Auto Scaling have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapping {
    Result,
    Bare,
}

impl Service {
    /// Every service.
    pub(crate) const ALL: [Self; 4] = [Self::Ec2, Self::Elb, Self::AutoScaling, Self::Sts];

    /// Finds the service that an API version belongs to: no two share one.
    pub(crate) fn by_version(version: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.version() == version)
    }

    /// Gives the API version, which is also what tells the services apart.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Ec2 => "2016-11-15",
            Self::Elb => "2015-12-01",
            Self::AutoScaling => "2011-01-01",
            Self::Sts => "2011-06-15",
        }
    }

    /// Gives the name under which requests are signed.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Elb => "elasticloadbalancing",
            Self::AutoScaling => "autoscaling",
            Self::Sts => "sts",
        }
    }

    /// Writes the prefix of the n-th item of a list: EC2 flattens its lists, the others do not.
    pub(crate) fn item_prefix(self, list: &str, number: usize) -> String {
        match self {
            Self::Ec2 => format!("{list}.{number}"),
            Self::Elb | Self::AutoScaling | Self::Sts => format!("{list}.member.{number}"),
        }
    }

    /// Gives what stands between a list's name and the number of an item.
    pub(crate) fn list_infix(self) -> &'static str {
        match self {
            Self::Ec2 => ".",
            Self::Elb | Self::AutoScaling | Self::Sts => ".member.",
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
            Self::Elb => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
            Self::AutoScaling => "http://autoscaling.amazonaws.com/doc/2011-01-01/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }

    /// Wraps the members of an answer into the envelope of the service.
    pub(crate) fn success(
        self,
        action: &str,
        answer: Wrapping,
        members: &Xml,
        request_id: &str,
    ) -> String {
        let namespace = self.namespace();
        let members = members.as_str();
        match self {
            Self::Ec2 => format!(
                "{DECLARATION}<{action}Response xmlns=\"{namespace}\">\
                 <requestId>{request_id}</requestId>{members}</{action}Response>"
            ),
            Self::AutoScaling if answer == Wrapping::Bare => format!(
                "{DECLARATION}<{action}Response xmlns=\"{namespace}\">\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
                 </{action}Response>"
            ),
            Self::Elb | Self::AutoScaling | Self::Sts => format!(
                "{DECLARATION}<{action}Response xmlns=\"{namespace}\">\
                 <{action}Result>{members}</{action}Result>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
                 </{action}Response>"
            ),
        }
    }

    /// Wraps a refusal into the error envelope of the service.
    pub(crate) fn error(self, refusal: &Refusal, request_id: &str) -> String {
        let mut error = Xml::new();
        if self == Self::Ec2 {
            error.text("Code", &refusal.code);
            error.text("Message", &refusal.message);
            return format!(
                "{DECLARATION}<Response><Errors><Error>{}</Error></Errors>\
                 <RequestID>{request_id}</RequestID></Response>",
                error.as_str()
            );
        }
        error.text("Type", if refusal.status < 500 { "Sender" } else { "Receiver" });
        error.text("Code", &refusal.code);
        error.text("Message", &refusal.message);
        format!(
            "{DECLARATION}<ErrorResponse xmlns=\"{}\"><Error>{}</Error>\
             <RequestId>{request_id}</RequestId></ErrorResponse>",
            self.namespace(),
            error.as_str()
        )
    }
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
