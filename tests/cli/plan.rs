//! `plan`: what would be made, what is in the way, what it costs, and what a run has still to do.

use crate::assert_transcript;
use crate::common::{FAST, Sandbox, holds_no_run, text};

const EC2: &str = "Version=2016-11-15";

#[test]
fn the_whole_stack_is_planned_with_its_cost_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    assert_transcript!(sandbox.run(&["plan"]), @r"
    exit status: 0
    -- stdout
    stack default on the embedded cloud (simulated), us-east-1, account 000000000000
        VPC vpc-[id]
     1  Launch templates: lab1-template-1 (m4.large) and lab1-template-2 (t2.large)
        + security group lab1-instances
        + TCP 22, 80, 443 from 0.0.0.0/0
        + launch template lab1-template-1: m4.large
        + launch template lab1-template-2: t2.large
          image ami-08c40ec9ead489470, key pair vockey
     2  Target groups: target-group-1 and target-group-2
        + target-group-1: HTTP on port 80
        + deregistration delay [span]
        + target-group-2: HTTP on port 80
        + deregistration delay [span]
          health check / every [span], timeout [span], healthy after 2, unhealthy after 2, codes 200
     3  Security group of the load balancer: lab1-load-balancer-sg, TCP from 0.0.0.0/0
        + security group lab1-load-balancer-sg
        + all TCP from 0.0.0.0/0
     4  Load balancer lab1-load-balancer: internet-facing, IPv4
        + load balancer lab1-load-balancer
          in us-east-1a (subnet-[id]) and us-east-1b (subnet-[id])
     5  Listener: HTTP on port 80, both target groups by weight 1:1
        + listener on port 80
     6  Rules: /cluster1 and /cluster2 each to its target group
        + rule 1: /cluster1
        + rule 2: /cluster2
          /cluster1 leads to target-group-1
          /cluster2 leads to target-group-2
     7  Auto Scaling groups: group1 (5 m4.large) and group2 (4 t2.large)
        + group1: 5 m4.large
        + group2: 4 t2.large
          group1: 4 to 5 instances in us-east-1a (subnet-[id])
          group2: 4 to 5 instances in us-east-1b (subnet-[id])
     8  Serving: every instance answers over HTTP
        . wait: load balancer active
        . wait: every target healthy
        . wait: every instance has answered over HTTP

    COST                 COUNT  AN HOUR  A DAY
    instance m4.large        5   0.5000  12.00
    instance t2.large        4   0.3712   8.91
    volume gp2 of 8 GiB      9   0.0099   0.24
    load balancer            1   0.0225   0.54
    public IPv4 address     11   0.0550   1.32
    all of it                    0.9586  23.01
    USD on demand in us-east-1, prices of 2026-01
    not counted: 0.008 an hour for each capacity unit of the balancer in use
    not counted: traffic to the internet and between zones, and taxes
    the embedded cloud is simulated and costs nothing

    Plan: 16 to create, 0 to change, 0 to delete.
    -- stderr
      do it: lab1-flow run
    ");
    assert!(holds_no_run(&sandbox.state_dir()));
    assert_eq!(sandbox.account(), Vec::<String>::new());
    let detailed = sandbox.run(&["plan", "--detailed-exitcode", "--stack", "blue"]);
    detailed.expect_status(8);
    assert!(detailed.stdout.contains("+ blue-target-group-1: HTTP on port 80"), "{detailed}");
    assert!(detailed.stderr.contains("lab1-flow run --stack blue"), "{detailed}");
}

#[test]
fn names_that_others_hold_are_named_with_their_owners_and_the_plan_is_shown_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "1", "--time-scale", FAST]);
    let holder = sandbox.run_ids()[0].clone();
    sandbox.somebody(&format!(
        "Action=CreateLaunchTemplate&{EC2}&LaunchTemplateName=blue-lab1-template-2\
         &LaunchTemplateData.ImageId=ami-08c40ec9ead489470"
    ));
    let transcript = sandbox.run(&["plan", "--detailed-exitcode"]);
    transcript.expect_status(3);
    for part in [
        "+ target-group-1: HTTP on port 80",
        "run would be refused, and create nothing:",
        &format!(
            "4 of the names exist already, run {holder} of lab1-flow (stack default): \
             security group lab1-instances, security group lab1-load-balancer-sg, "
        ),
        &format!("take it back with `lab1-flow rollback {holder}`"),
        "Plan: 16 to create, 0 to change, 0 to delete. This is what it would be with all that out of",
    ] {
        assert!(transcript.stdout.contains(part), "{part}\n{transcript}");
    }
    assert_eq!(
        transcript.stdout.matches("  do: ").count(),
        1,
        "once for each holder\n{transcript}"
    );
    let transcript = sandbox.run(&["plan", "--stack", "blue", "--json"]);
    let lines = transcript.expect_status(3).json();
    let exists: Vec<_> = lines.iter().filter(|it| it["event"] == "exists").collect();
    assert_eq!(exists.len(), 1, "{transcript}");
    assert_eq!(exists[0]["thing"]["name"], "blue-lab1-template-2");
    assert_eq!(exists[0]["thing"]["owner"], "no mark of lab1-flow");
    assert!(exists[0]["thing"]["run_id"].is_null());
    let end = lines.last().expect("a last line");
    assert_eq!((&end["outcome"], &end["create"]), (&"refused".into(), &16.into()));
}

#[test]
fn scripts_read_the_steps_and_the_cost() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeed(&["plan", "--json"]).json();
    let steps: Vec<_> = lines.iter().filter(|it| it["event"] == "planned-step").collect();
    assert_eq!(steps.len(), 8);
    assert_eq!(steps[0]["step"]["actions"][0]["effect"], "create");
    let cost = lines.iter().find(|it| it["event"] == "cost").expect("the cost");
    assert_eq!(cost["cost"]["items"].as_array().map(Vec::len), Some(5));
    assert_eq!(text(&cost["cost"]["as_of"]).len(), "2026-01".len());
    let end = lines.last().expect("a last line");
    assert_eq!(
        (&end["create"], &end["change"], &end["delete"]),
        (&16.into(), &0.into(), &0.into())
    );
}

#[test]
fn a_region_without_prices_is_told_and_not_guessed() {
    let sandbox = Sandbox::new();
    let config = sandbox.file(
        "stack.toml",
        "[network]\nzones = [\"eu-north-1a\", \"eu-north-1b\"]\n[instances]\nkey_name = \"\"\n",
    );
    let config = config.to_str().expect("a plain path");
    let transcript = sandbox.run(&["plan", "--config", config, "--region", "eu-north-1"]);
    transcript.expect_status(3);
    let told = "no prices are known here for region eu-north-1, and none is guessed";
    assert!(transcript.stdout.contains(told), "{transcript}");
    let image = "image ami-08c40ec9ead489470 cannot be seen in region eu-north-1";
    assert!(transcript.stdout.contains(image), "{transcript}");
}

#[test]
fn of_a_run_that_is_there_what_is_left_is_planned() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "6", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    assert_transcript!(sandbox.run(&["plan", &run]), @r"
    exit status: 0
    -- stdout
    run [run]: paused, what is left of its deployment
     7  Auto Scaling groups: group1 (5 m4.large) and group2 (4 t2.large)
        + group1: 5 m4.large
        + group2: 4 t2.large
     8  Serving: every instance answers over HTTP
        . wait: load balancer active
        . wait: every target healthy
        . wait: every instance has answered over HTTP

    Plan: 2 to create, 0 to change, 0 to delete.
    -- stderr
      go on: lab1-flow resume [run]
      undo:  lab1-flow rollback [run]
      look:  lab1-flow status [run]
    ");
    sandbox.run(&["plan", &run, "--detailed-exitcode"]).expect_status(8);
    sandbox.succeed(&["resume", &run]);
    assert_transcript!(sandbox.run(&["plan", &run, "--detailed-exitcode"]), @r"
    exit status: 0
    -- stdout
    run [run]: completed, what is left of its deployment

    Plan: 0 to create, 0 to change, 0 to delete.
    -- stderr
      look:  lab1-flow status [run]
      undo:  lab1-flow rollback [run]
    ");
    sandbox.run(&["plan", &run, "--stack", "blue"]).expect_status(2);
    sandbox.succeed(&["rollback", &run]);
    let nothing = sandbox.succeed(&["plan", &run, "--detailed-exitcode"]);
    assert!(nothing.stdout.contains("what is left of its rollback"), "{nothing}");
}

#[test]
fn an_account_that_cannot_be_asked_is_one_clear_error() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.run(&["plan", "--cloud", "aws"]);
    transcript.expect_status(3);
    assert!(transcript.stderr.contains("error: there are no credentials"), "{transcript}");
}
