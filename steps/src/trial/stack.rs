//! Pieces of the stack, made by the actions that make them.

use lab1_flow_workflow::Action;

use super::{OUR_RUN, Trial, context};
use crate::auto_scaling_group::{
    AutoScalingGroupInput, AutoScalingGroupRef, CreateAutoScalingGroup,
};
use crate::forwarding::WeightedTargetGroup;
use crate::launch_template::LaunchTemplateRef;
use crate::listener::{CreateListener, ListenerInput, ListenerRef};
use crate::load_balancer::{CreateLoadBalancer, LoadBalancerInput, LoadBalancerRef};
use crate::rule::{CreateRule, RuleInput, RuleRef};
use crate::spec::{HealthCheckSpec, ScalingSpec};
use crate::target_group::{CreateTargetGroup, TargetGroupInput, TargetGroupRef};

impl Trial {
    /// A security group that is open to everybody; without a mark, for the tests do not take it back.
    pub(crate) async fn security_group(&self, name: &str) -> String {
        let vpc_id = self.network().await.vpc_id;
        let ec2 = self.aws.ec2();
        let made = ec2.create_security_group().group_name(name).description(name).vpc_id(vpc_id);
        let id = made.send().await.unwrap().group_id.unwrap();
        let anywhere = ec2.authorize_security_group_ingress().group_id(&id).ip_protocol("tcp");
        let anywhere = anywhere.from_port(0).to_port(65535).cidr_ip("0.0.0.0/0");
        anywhere.send().await.unwrap();
        id
    }

    /// A launch template of the documented image.
    pub(crate) async fn launch_template(&self, name: &str) -> LaunchTemplateRef {
        self.launch_template_of(name, "ami-08c40ec9ead489470").await
    }

    /// A launch template of this image.
    pub(crate) async fn launch_template_of(&self, name: &str, image: &str) -> LaunchTemplateRef {
        let data = aws_sdk_ec2::types::RequestLaunchTemplateData::builder()
            .image_id(image)
            .instance_type(aws_sdk_ec2::types::InstanceType::M4Large)
            // Without a boot script nothing would ever answer on the instances.
            .user_data("IyEvYmluL2Jhc2gK")
            .security_group_ids(self.security_group(&format!("{name}-sg")).await)
            .build();
        let request = self.aws.ec2().create_launch_template().launch_template_name(name);
        let answer = request.launch_template_data(data).send().await.unwrap();
        let id = answer.launch_template.unwrap().launch_template_id.unwrap();
        LaunchTemplateRef { id, name: name.to_owned(), version: 1 }
    }

    /// A target group of our run.
    pub(crate) async fn target_group(&self, name: &str) -> TargetGroupRef {
        let input = TargetGroupInput {
            name: name.to_owned(),
            vpc_id: self.network().await.vpc_id,
            port: 80,
            health_check: HealthCheckSpec::default(),
        };
        let action = CreateTargetGroup::new(&self.aws, &self.stack);
        action.execute(&context(OUR_RUN, name), &input).await.unwrap()
    }

    /// What the load balancer is made from.
    pub(crate) async fn load_balancer_input(&self) -> LoadBalancerInput {
        LoadBalancerInput {
            name: "lab1-load-balancer".to_owned(),
            subnet_ids: self.network().await.subnets.map(|subnet| subnet.id),
            security_group_id: self.security_group("lab1-load-balancer-sg").await,
        }
    }

    /// The load balancer of our run.
    pub(crate) async fn load_balancer(&self) -> LoadBalancerRef {
        let input = self.load_balancer_input().await;
        let action = CreateLoadBalancer::new(&self.aws, &self.stack);
        action.execute(&context(OUR_RUN, "load-balancer"), &input).await.unwrap()
    }

    /// The listener of our run, with both target groups at equal weight.
    pub(crate) async fn listener(
        &self,
        load_balancer: &LoadBalancerRef,
        target_groups: [&TargetGroupRef; 2],
    ) -> ListenerRef {
        let input = ListenerInput {
            load_balancer: load_balancer.clone(),
            port: 80,
            target_groups: target_groups.map(|group| WeightedTargetGroup {
                target_group_arn: group.arn.clone(),
                weight: 1,
            }),
        };
        let action = CreateListener::new(&self.aws, &self.stack);
        action.execute(&context(OUR_RUN, "listener"), &input).await.unwrap()
    }

    /// A rule of our run.
    pub(crate) async fn rule(
        &self,
        listener: &ListenerRef,
        priority: u32,
        target_group: &TargetGroupRef,
    ) -> RuleRef {
        let input = RuleInput {
            listener: listener.clone(),
            priority,
            path: format!("/cluster{priority}"),
            target_group: target_group.clone(),
        };
        let action = CreateRule::new(&self.aws, &self.stack);
        let context = context(OUR_RUN, &format!("rule-{priority}"));
        action.execute(&context, &input).await.unwrap()
    }

    /// What a group of two instances is made from.
    pub(crate) async fn group_input(
        &self,
        name: &str,
        launch_template: &LaunchTemplateRef,
        target_group: &TargetGroupRef,
    ) -> AutoScalingGroupInput {
        let [subnet, _] = self.network().await.subnets;
        AutoScalingGroupInput {
            name: name.to_owned(),
            min: 1,
            desired: 2,
            max: 3,
            launch_template: launch_template.clone(),
            subnet_id: subnet.id,
            target_group: target_group.clone(),
            scaling: ScalingSpec::default(),
        }
    }

    /// A group of two instances of our run.
    pub(crate) async fn group(
        &self,
        name: &str,
        launch_template: &LaunchTemplateRef,
        target_group: &TargetGroupRef,
    ) -> AutoScalingGroupRef {
        let input = self.group_input(name, launch_template, target_group).await;
        let action = CreateAutoScalingGroup::new(&self.aws, &self.stack);
        action.execute(&context(OUR_RUN, name), &input).await.unwrap()
    }
}
