use lab1_flow_workflow::journal::RunId;

use super::*;
use crate::trial::Trial;

#[tokio::test]
async fn the_workflow_knows_every_change_that_is_taken_back_by_itself() {
    use lab1_flow_workflow::journal::Role;
    let trial = Trial::plain().await;
    let stack = StackName::default();
    let changes = |workflow: &Workflow| {
        let actions = workflow.steps().iter().flat_map(|step| step.actions.clone());
        let changes = actions.filter(|action| action.role == Role::Change);
        let mut names: Vec<String> = changes.map(|action| action.name.to_string()).collect();
        names.sort();
        names
    };
    let spec = crate::spec::StackSpec::default();
    let whole = crate::stack::Stack::new(&spec, &crate::connection::Target::local(None));
    let recovery = recovery_workflow(&stack, &trial.aws).unwrap();
    assert_eq!(changes(&recovery), changes(&whole.workflow(&trial.aws).unwrap()));
}

#[tokio::test]
async fn the_marks_of_an_account_are_told_run_by_run() {
    let trial = Trial::plain().await;
    assert_eq!(marked_runs(&trial.aws).await.unwrap(), []);
    trial.target_group("targets-of-ours").await;
    trial.load_balancer().await;
    let runs = marked_runs(&trial.aws).await.unwrap();
    let [run] = runs.as_slice() else { panic!("one run: {runs:?}") };
    assert_eq!(run.run, RunId::new(crate::trial::OUR_RUN).unwrap());
    assert_eq!(run.stack, StackName::default());
    let kinds: Vec<_> = run.things.iter().map(|thing| (thing.kind, &*thing.action)).collect();
    assert_eq!(kinds[1], ("target group", "targets-of-ours"));
    assert_eq!(kinds[0].0, "load balancer");
}
