//! Launch templates: what instances are started from.
//!
//! Made by `CreateLaunchTemplate`, the only create call of ours that takes a token; it refuses a name that
//! is taken, and so proves itself. A template has one version, which the groups name by its number. It is not
//! checked by AWS before a group uses it: the preflight does that. Taken back by `DeleteLaunchTemplate`.

use aws_sdk_ec2::types::{
    LaunchTemplate, LaunchTemplateInstanceMetadataOptionsRequest,
    LaunchTemplateTagSpecificationRequest, RequestLaunchTemplateData, ResourceType,
    ResponseLaunchTemplateData,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Compensate, Lane, Progress, Reconciled, Wait,
};
use serde::{Deserialize, Serialize};

use crate::adoption::{Comparison, Difference, Found};
use crate::connection::{Aws, Call, Service};
use crate::ec2::{self, filter};
use crate::ownership::{Mark, Ownership, foreign};
use crate::removal::{is_denied, not_ours, still_there};
use crate::spec::StackName;

/// The only version that a template of ours has.
const VERSION: i64 = 1;

/// All that a launch template is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaunchTemplateInput {
    /// Its name, unique in the account and region.
    pub(crate) name: String,
    /// The image to boot.
    pub(crate) image_id: String,
    /// The type of the instances.
    pub(crate) instance_type: String,
    /// The key pair to log in with, if any.
    pub(crate) key_name: Option<String>,
    /// The security group of the instances.
    pub(crate) security_group_id: String,
    /// The boot script, as cloud-init will run it.
    pub(crate) user_data: String,
}

/// A launch template that was made, and its only version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplateRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The number of the version to launch from; pinned, so that a later version changes nothing.
    pub version: i64,
}

/// Creates a launch template.
#[derive(Debug, Clone)]
pub(crate) struct CreateLaunchTemplate {
    aws: Aws,
    stack: StackName,
}

/// The templates of these names, as far as they exist.
pub(crate) async fn templates_named(
    aws: &Aws,
    names: &[&str],
) -> Result<Vec<LaunchTemplate>, ActionError> {
    // By filter: by parameter an absent template would be an error that reads like any other.
    let by_name = filter("launch-template-name", names.iter().copied());
    let request = aws.ec2().describe_launch_templates().filters(by_name);
    let subject = names.join(" ");
    let call = Call::reading(Service::Ec2, "DescribeLaunchTemplates", &subject);
    // Names are unique: there is no second page.
    Ok(aws.call(call, request.send()).await?.launch_templates.unwrap_or_default())
}

/// Reads what the only version of a template holds; `None` when it cannot be seen.
pub(crate) async fn version_data(
    aws: &Aws,
    name: &str,
    id: &str,
) -> Result<Option<ResponseLaunchTemplateData>, ActionError> {
    let request = aws.ec2().describe_launch_template_versions();
    let request = request.launch_template_id(id).versions(VERSION.to_string());
    let call = Call::reading(Service::Ec2, "DescribeLaunchTemplateVersions", name);
    let versions = aws.call(call, request.send()).await?.launch_template_versions;
    let version = versions.unwrap_or_default().into_iter().next();
    Ok(version.and_then(|version| version.launch_template_data))
}

impl CreateLaunchTemplate {
    const CALL: &'static str = "CreateLaunchTemplate";

    pub(crate) fn new(aws: &Aws, stack: &StackName) -> Self {
        Self { aws: aws.clone(), stack: stack.clone() }
    }

    /// Finds the template that has the name; `None` when it is not there or cannot be seen.
    async fn find(&self, name: &str) -> Result<Option<LaunchTemplate>, ActionError> {
        Ok(templates_named(&self.aws, &[name]).await?.into_iter().next())
    }

    async fn delete(&self, name: &str, id: &str) -> Result<(), ActionError> {
        let request = self.aws.ec2().delete_launch_template().launch_template_id(id);
        let call = Call::changing(Service::Ec2, "DeleteLaunchTemplate", name);
        self.aws.call(call, request.send()).await.map(drop)
    }
}

impl Action for CreateLaunchTemplate {
    type Input = LaunchTemplateInput;
    type Output = LaunchTemplateRef;

    /// Dies here: the template may stand; it is found again by its name and known by its mark.
    async fn execute(
        &self,
        context: &ActionContext,
        input: &LaunchTemplateInput,
    ) -> Result<LaunchTemplateRef, ActionError> {
        let mark = Mark::new(context, &self.stack);
        let request = self
            .aws
            .ec2()
            .create_launch_template()
            .client_token(context.token())
            .launch_template_name(&input.name)
            .launch_template_data(request_data(input, &mark))
            .tag_specifications(ec2::tagged(ResourceType::LaunchTemplate, &mark, &input.name));
        let call = Call::changing(Service::Ec2, Self::CALL, &input.name);
        let answer = self.aws.call(call, request.send()).await?;
        for warning in answer.warning.iter().flat_map(aws_sdk_ec2::types::ValidationWarning::errors)
        {
            tracing::warn!(
                name = input.name,
                code = warning.code(),
                message = warning.message(),
                "the launch template was made with a warning"
            );
        }
        // An answer about another template is not an answer.
        let is_named = |made: &LaunchTemplate| {
            made.launch_template_name().is_none_or(|name| name == input.name)
        };
        let made = answer.launch_template.filter(is_named);
        let id = made.and_then(|template| template.launch_template_id).ok_or_else(|| {
            ActionError::ambiguous(format!("the answer to {} does not name it", Self::CALL))
        })?;
        Ok(LaunchTemplateRef { id, name: input.name.clone(), version: VERSION })
    }

    async fn reconcile(
        &self,
        context: &ActionContext,
        input: &LaunchTemplateInput,
    ) -> Result<Reconciled<LaunchTemplateRef>, ActionError> {
        let name = &input.name;
        let Some(template) = self.find(name).await? else {
            return Ok(Reconciled::Absent);
        };
        let what = format!("launch template {name}");
        let ownership = Mark::new(context, &self.stack).judge(ec2::pairs(template.tags()));
        if let Ownership::Foreign { owner } = ownership {
            return Ok(foreign(&what, &owner));
        }
        let id = template.launch_template_id.unwrap_or_default();
        let Some(data) = version_data(&self.aws, name, &id).await? else {
            let wait = Wait::new(format!("{what} is there, its version {VERSION} is not seen yet"));
            return Ok(Reconciled::Unclear(wait));
        };
        let output = LaunchTemplateRef { id, name: name.clone(), version: VERSION };
        let differences = differences(input, &data);
        Ok(Found { what, differences, output }.judge(ownership))
    }

    fn lane(&self) -> Option<Lane> {
        Some(Service::Ec2.lane(Self::CALL))
    }
}

impl CreateLaunchTemplate {
    /// Takes back what this action made; all that it needs is known from the account.
    pub(crate) async fn take_back(
        &self,
        context: &ActionContext,
        template: &LaunchTemplateRef,
    ) -> Result<Progress<()>, ActionError> {
        let name = &template.name;
        let Some(seen) = self.find(name).await? else { return Ok(Progress::Done(())) };
        let what = format!("launch template {name}");
        let mark = Mark::new(context, &self.stack);
        let id = seen.launch_template_id().unwrap_or_default();
        match mark.judge(ec2::pairs(seen.tags())) {
            // The mark decides, not the id that the create call returned.
            Ownership::Ours => {}
            Ownership::Foreign { owner } if id == template.id => {
                return Err(not_ours(&what, &owner));
            }
            // Ours is gone, and somebody else uses its name.
            Ownership::Foreign { .. } => return Ok(Progress::Done(())),
        }
        match self.delete(name, id).await {
            Ok(()) => Ok(still_there(&what, "is being deleted")),
            Err(error) if error.code() == Some("InvalidLaunchTemplateId.NotFound") => {
                Ok(still_there(&what, "is being deleted"))
            }
            // A right that depends on tags is denied for what has none, so also for what is gone.
            Err(error) if is_denied(&error) => match self.find(name).await? {
                Some(again) if again.launch_template_id() == Some(id) => Err(error),
                _ => Ok(Progress::Done(())),
            },
            Err(error) => Err(error),
        }
    }
}

impl Compensate for CreateLaunchTemplate {
    /// Dies here: the next process looks again.
    async fn compensate(
        &self,
        context: &ActionContext,
        _input: &LaunchTemplateInput,
        template: &LaunchTemplateRef,
    ) -> Result<Progress<()>, ActionError> {
        self.take_back(context, template).await
    }
}

fn request_data(input: &LaunchTemplateInput, mark: &Mark) -> RequestLaunchTemplateData {
    use aws_sdk_ec2::types::LaunchTemplateHttpTokensState::Required;
    use aws_sdk_ec2::types::LaunchTemplateInstanceMetadataEndpointState::Enabled;
    // Said here, so that no default of the account or the image decides it. One hop is enough for a
    // process on the host.
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_endpoint(Enabled)
        .http_tokens(Required)
        .http_put_response_hop_limit(1)
        .build();
    // Instances get the mark from their group alone: one that a person starts from this template is not ours.
    let launched = [ResourceType::Volume, ResourceType::NetworkInterface].map(|kind| {
        LaunchTemplateTagSpecificationRequest::builder()
            .resource_type(kind)
            .set_tags(Some(ec2::tags(mark, &input.name)))
            .build()
    });
    RequestLaunchTemplateData::builder()
        .image_id(&input.image_id)
        .instance_type(input.instance_type.as_str().into())
        .set_key_name(input.key_name.clone())
        .security_group_ids(&input.security_group_id)
        .user_data(STANDARD.encode(&input.user_data))
        .metadata_options(metadata)
        .set_tag_specifications(Some(launched.into()))
        .build()
}

/// What differs between a template's version and what was asked for.
pub(crate) fn differences(
    input: &LaunchTemplateInput,
    data: &ResponseLaunchTemplateData,
) -> Vec<Difference> {
    let mut comparison = Comparison::default();
    comparison.field("image", input.image_id.as_str(), data.image_id());
    let kind = data.instance_type().map(aws_sdk_ec2::types::InstanceType::as_str);
    comparison.field("instance type", input.instance_type.as_str(), kind);
    let key = input.key_name.as_deref().unwrap_or("none");
    comparison.field("key pair", key, Some(data.key_name().unwrap_or("none")));
    let groups = data.security_group_ids().iter().map(String::as_str);
    comparison.set("security groups", [input.security_group_id.as_str()], groups);
    let tokens = data.metadata_options().and_then(|options| options.http_tokens());
    comparison.field(
        "metadata tokens",
        "required",
        tokens.map(aws_sdk_ec2::types::LaunchTemplateHttpTokensState::as_str),
    );
    // A script does not fit into one line: only that it differs is said.
    let script = data.user_data().and_then(|text| STANDARD.decode(text).ok());
    let same = script.as_deref() == Some(input.user_data.as_bytes());
    comparison.field("boot script", "ours", Some(if same { "ours" } else { "another" }));
    comparison.differences()
}

#[cfg(test)]
mod tests;
