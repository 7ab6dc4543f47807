//! What the launch templates of a real run carry.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::embedded::Cloud;
use crate::support::flow::Flow;

/// A launch template's user data, and an instance that the cloud started from it.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) script: String,
    pub(crate) instance_id: String,
}

/// The templates of both clusters, as the program made them on the embedded cloud.
pub(crate) static TEMPLATES: LazyLock<[Template; 2]> = LazyLock::new(|| {
    let flow = Flow::new();
    flow.run(&["run", "--time-scale", "150"]).expect_status(0);
    let cloud = Cloud::look(&flow).expect("the cloud runs");
    let templates = ["1", "2"].map(|place| {
        let made_by = |kind: &str, action: &str| {
            let action = format!("{action}-{place}");
            let mut found = cloud.resources.iter().filter(|it| it.kind == kind);
            let found = found.find(|it| it.action() == Some(action.as_str()));
            found.unwrap_or_else(|| panic!("{action} made a {kind}")).id.clone()
        };
        let id = made_by("launch-template", "launch-template");
        let answer = cloud.call(&format!(
            "Action=DescribeLaunchTemplateVersions&Version=2016-11-15&LaunchTemplateId={id}"
        ));
        let (_, rest) = answer.split_once("<userData>").expect("the template has user data");
        let (encoded, _) = rest.split_once("</userData>").expect("the element ends");
        let script = STANDARD.decode(encoded).expect("user data is base64");
        Template {
            script: String::from_utf8(script).expect("the script is text"),
            instance_id: made_by("instance", "auto-scaling-group"),
        }
    });
    flow.run(&["cloud", "stop"]).expect_status(0);
    templates
});

impl Template {
    /// The same template with one text of its script replaced.
    pub(crate) fn with(&self, from: &str, to: &str) -> Self {
        assert_eq!(self.script.matches(from).count(), 1, "{from:?} is in the script once");
        Self { script: self.script.replace(from, to), ..self.clone() }
    }

    /// The same template with a script that gives up at the second try.
    pub(crate) fn in_a_hurry(&self) -> Self {
        self.with("in 1 2 3 4 5 6 7 8;", "in 1 8;")
    }
}
