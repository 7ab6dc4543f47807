//! Launch templates as tools that compare before they change see them.

use crate::support::Caller;

const DATA: &str = "LaunchTemplateData.ImageId=ami-08c40ec9ead489470\
                    &LaunchTemplateData.InstanceType=m4.large";

#[test]
fn a_template_without_tag_specifications_shows_no_list_of_them() {
    let caller = Caller::plain();
    caller.ec2("CreateLaunchTemplate", &format!("LaunchTemplateName=small&{DATA}")).ok();
    let seen = caller.ec2("DescribeLaunchTemplateVersions", "LaunchTemplateName=small").ok();
    assert_eq!(seen.count("tagSpecificationSet"), 0, "an empty list looks like a difference");
}

#[test]
fn a_version_with_a_source_takes_what_was_not_sent_from_it() {
    let caller = Caller::plain();
    caller.ec2("CreateLaunchTemplate", &format!("LaunchTemplateName=small&{DATA}")).ok();
    let change =
        "LaunchTemplateName=small&SourceVersion=1&LaunchTemplateData.InstanceType=t2.large";
    let made = caller.ec2("CreateLaunchTemplateVersion", change).ok();
    assert_eq!(made.text("instanceType"), "t2.large");
    assert_eq!(made.text("imageId"), "ami-08c40ec9ead489470");
    let absent = change.replace("SourceVersion=1", "SourceVersion=9");
    let refusal = caller.ec2("CreateLaunchTemplateVersion", &absent).refusal();
    assert_eq!(refusal, "400 InvalidLaunchTemplateId.VersionNotFound");
}

#[test]
fn a_route_table_is_found_by_its_vpc_and_leads_to_the_internet() {
    let caller = Caller::plain();
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let main = format!(
        "Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}&Filter.2.Name=association.main&Filter.2.Value.1=true"
    );
    let seen = caller.ec2("DescribeRouteTables", &main).ok();
    assert_eq!(seen.texts("destinationCidrBlock"), ["172.31.0.0/16", "0.0.0.0/0"]);
    let own = "Filter.1.Name=association.subnet-id&Filter.1.Value.1=subnet-0";
    assert_eq!(caller.ec2("DescribeRouteTables", own).ok().count("routeTableId"), 0);
    let absent = caller.ec2("DescribeVpcAttribute", "VpcId=vpc-0&Attribute=enableDnsSupport");
    assert_eq!(absent.refusal(), "400 InvalidVpcID.NotFound");
}
