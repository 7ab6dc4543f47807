//! The wait for the load balancer to carry traffic.

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer, LoadBalancerState, LoadBalancerStateEnum,
};
use lab1_flow_workflow::{ActionContext, ActionError, Look, Progress, Wait};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::load_balancer::{LoadBalancerRef, describe};

/// A load balancer that carries traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveLoadBalancer {
    /// Its public address.
    pub dns_name: String,
}

/// Waits until the load balancer is active.
#[derive(Debug, Clone)]
pub(crate) struct LoadBalancerActive {
    aws: Aws,
}

impl LoadBalancerActive {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone() }
    }
}

impl Look for LoadBalancerActive {
    type Input = LoadBalancerRef;
    type Output = ActiveLoadBalancer;

    async fn look(
        &self,
        _context: &ActionContext,
        input: &LoadBalancerRef,
    ) -> Result<Progress<ActiveLoadBalancer>, ActionError> {
        match describe(&self.aws, input).await? {
            Some(balancer) => judge(input, &balancer),
            None => Err(ActionError::transient(format!(
                "load balancer {} was made and is not there",
                input.name
            ))),
        }
    }
}

fn judge(
    input: &LoadBalancerRef,
    balancer: &LoadBalancer,
) -> Result<Progress<ActiveLoadBalancer>, ActionError> {
    let state = balancer.state();
    let reason = state.and_then(LoadBalancerState::reason).unwrap_or("no reason given");
    match state.and_then(LoadBalancerState::code) {
        Some(LoadBalancerStateEnum::Active) => {}
        Some(LoadBalancerStateEnum::ActiveImpaired) => {
            tracing::warn!(name = input.name, reason, "the load balancer serves and cannot grow");
        }
        Some(LoadBalancerStateEnum::Failed) => {
            return Err(ActionError::permanent(format!(
                "load balancer {} failed: {reason}",
                input.name
            ))
            .with_advice("roll back and run again; AWS does not repair a failed load balancer"));
        }
        Some(LoadBalancerStateEnum::Provisioning) => {
            return Ok(waiting("load balancer provisioning, usually 2-3 min".to_owned()));
        }
        other => {
            let state = other.map_or("unknown", LoadBalancerStateEnum::as_str);
            return Ok(waiting(format!("load balancer in state {state}")));
        }
    }
    Ok(Progress::Done(ActiveLoadBalancer { dns_name: input.dns_name.clone() }))
}

fn waiting(reason: String) -> Progress<ActiveLoadBalancer> {
    Progress::Waiting(Wait::new(reason))
}

#[cfg(test)]
mod tests {
    use lab1_flow_workflow::journal::FailureClass;

    use super::*;

    fn look(code: LoadBalancerStateEnum) -> Result<Progress<ActiveLoadBalancer>, ActionError> {
        let state = LoadBalancerState::builder().code(code).reason("no room").build();
        let input = LoadBalancerRef {
            arn: "arn".to_owned(),
            name: "lab1-load-balancer".to_owned(),
            dns_name: "lab1.example".to_owned(),
        };
        judge(&input, &LoadBalancer::builder().state(state).build())
    }

    #[test]
    fn an_active_balancer_is_done_even_when_it_cannot_grow() {
        for code in [LoadBalancerStateEnum::Active, LoadBalancerStateEnum::ActiveImpaired] {
            let done = ActiveLoadBalancer { dns_name: "lab1.example".to_owned() };
            assert_eq!(look(code), Ok(Progress::Done(done)));
        }
    }

    #[test]
    fn provisioning_and_unknown_states_are_waited_for() {
        for code in [LoadBalancerStateEnum::Provisioning, LoadBalancerStateEnum::from("new-state")]
        {
            assert!(matches!(look(code), Ok(Progress::Waiting(_))));
        }
    }

    #[test]
    fn a_failed_balancer_fails_the_run_with_the_reason() {
        let error = look(LoadBalancerStateEnum::Failed).unwrap_err();
        assert_eq!(error.class(), FailureClass::Permanent);
        assert!(error.to_string().contains("no room"), "{error}");
    }
}
