//! A caller of the cloud: posts forms, reads XML, moves the clock.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use lab1_flow_cloud::{Cloud, CloudOptions, VirtualCloudClock};

/// A cloud of its own, with a clock that stands still until it is moved.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) cloud: Cloud,
    pub(crate) clock: VirtualCloudClock,
    region: &'static str,
}

impl Caller {
    /// Calls the plainest cloud: medians, no lag, no limits.
    pub(crate) fn plain() -> Self {
        Self::with(CloudOptions::plain())
    }

    pub(crate) fn with(options: CloudOptions) -> Self {
        let clock = VirtualCloudClock::default();
        let cloud = Cloud::in_memory(Arc::new(clock.clone()), options);
        Self::of(cloud, clock)
    }

    /// Calls a cloud that somebody else has made.
    pub(crate) fn of(cloud: Cloud, clock: VirtualCloudClock) -> Self {
        Self { cloud, clock, region: "us-east-1" }
    }

    /// Calls the same cloud in another region.
    pub(crate) fn in_region(&self, region: &'static str) -> Self {
        Self { region, ..self.clone() }
    }

    pub(crate) fn wait_s(&self, seconds: i64) {
        self.clock.advance_s(seconds);
    }

    pub(crate) fn ec2(&self, action: &str, form: &str) -> Reply {
        self.post("ec2", "2016-11-15", action, form)
    }

    pub(crate) fn elb(&self, action: &str, form: &str) -> Reply {
        self.post("elasticloadbalancing", "2015-12-01", action, form)
    }

    pub(crate) fn asg(&self, action: &str, form: &str) -> Reply {
        self.post("autoscaling", "2011-01-01", action, form)
    }

    pub(crate) fn sts(&self, action: &str, form: &str) -> Reply {
        self.post("sts", "2011-06-15", action, form)
    }

    fn post(&self, service: &str, version: &str, action: &str, form: &str) -> Reply {
        let credential = format!("key/20260101/{}/{service}/aws4_request", self.region);
        let request = Request::post("/")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, Signature=0"),
            )
            .body(Bytes::from(format!("Action={action}&Version={version}&{form}")))
            .unwrap();
        self.send(request)
    }

    pub(crate) fn send(&self, request: Request<Bytes>) -> Reply {
        let response = self.cloud.handle(request);
        let status = response.status().as_u16();
        let body = String::from_utf8(response.into_body().to_vec()).unwrap();
        assert_well_formed(&body);
        Reply { status, body }
    }
}

fn assert_well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => return,
            Ok(_) => {}
            Err(error) => panic!("not well-formed: {error}\n{xml}"),
        }
    }
}

/// An answer of the cloud.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    /// Asserts success.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.body);
        self
    }

    /// Gives status and code of a refusal, as `400 PriorityInUse`.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        assert_ne!(self.status, 200, "expected a refusal: {}", self.body);
        format!("{} {}", self.status, self.text("Code"))
    }

    /// Gives the text of the first element of this name.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        self.texts(name).into_iter().next().unwrap_or_else(|| panic!("no {name}: {}", self.body))
    }

    /// Gives the texts of all elements of this name, those within others too.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.inner(name).into_iter().map(str::to_owned).collect()
    }

    /// Counts the elements of this name.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.inner(name).len()
    }

    fn inner(&self, name: &str) -> Vec<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let parts = self.body.split(open.as_str()).skip(1);
        parts.map(|part| part.split(close.as_str()).next().unwrap_or_default()).collect()
    }
}
