//! A configuration file to begin with, and the check of one.

use crate::assert_transcript;
use crate::common::{Sandbox, text};

#[test]
fn a_first_file_is_written_and_is_right() {
    let sandbox = Sandbox::new();
    assert_transcript!(sandbox.run(&["init"]), @r"
    exit status: 0
    -- stderr
    stack.toml has every value with its default; change what you like, then:
      lab1-flow config check stack.toml
      lab1-flow run --config stack.toml
    ");
    assert_transcript!(sandbox.run(&["config", "check"]), @r"
    exit status: 0
    -- stdout
    stack.toml: right; stack default with 5 m4.large in us-east-1a and 4 t2.large in us-east-1b
    ");
    let written = sandbox.read("stack.toml");
    assert_eq!(sandbox.succeed(&["init", "-"]).stdout, written);
    assert!(written.starts_with("#:schema lab1-flow.schema.json\n"), "{written}");
}

#[test]
fn a_file_that_is_there_is_never_overwritten() {
    let sandbox = Sandbox::new();
    sandbox.file("mine.toml", "stack = \"blue\"\n");
    assert_transcript!(sandbox.run(&["init", "mine.toml"]), @r"
    exit status: 2
    -- stderr
    error: mine.toml is there already
      now:  it was left as it is
      next: name another file, or `-` for stdout
    ");
    assert_eq!(sandbox.read("mine.toml"), "stack = \"blue\"\n");
    sandbox.run(&["init", "no/such/folder.toml"]).expect_status(74);
}

#[test]
fn every_mistake_of_a_file_is_named_at_once() {
    let sandbox = Sandbox::new();
    let written = sandbox.succeed(&["init", "-"]).stdout;
    let wrong = written
        .replace("image_id =", "image-id =")
        .replace("ssh = true", "ssh = 1")
        .replace("interval_s = 10", "interval_s = 301")
        .replace("weight = 1", "weight = 1000");
    sandbox.file("stack.toml", &wrong);
    assert_transcript!(sandbox.run(&["config", "check"]), @r#"
    exit status: 2
    -- stderr
    error: stack.toml has 5 mistakes

    unknown field `image-id`
      --> stack.toml:26:1
       |
    26 | image-id = "ami-08c40ec9ead489470"
       | ^^^^^^^^ did you mean `image_id`?

    invalid type: integer `1`, expected a boolean
      --> stack.toml:32:7
       |
    32 | ssh = 1
       |       ^

    targets.health_check.interval_s: 301 is not between 5 and 300
      --> stack.toml:53:14
       |
    53 | interval_s = 301
       |              ^^^ 5 to 300

    groups[0].weight: 1000 is not between 0 and 999
       --> stack.toml:112:10
        |
    112 | weight = 1000
        |          ^^^^ 0 to 999

    groups[1].weight: 1000 is not between 0 and 999
       --> stack.toml:138:10
        |
    138 | weight = 1000
        |          ^^^^ 0 to 999
      now:  nothing was created
      next: correct stack.toml and give the command again
    "#);
}

#[test]
fn a_check_as_json_has_the_place_of_each_mistake() {
    let sandbox = Sandbox::new();
    sandbox.file("stack.toml", "colour = 1\n[[groups]]\nmin = 6\n");
    let transcript = sandbox.run(&["config", "check", "--json"]);
    transcript.expect_status(2);
    let lines = transcript.json();
    let checked = &lines[0];
    assert_eq!(
        (text(&checked["event"]), &checked["valid"]),
        ("config-checked".into(), &false.into())
    );
    let places = checked["mistakes"].as_array().expect("a list").iter().map(|mistake| {
        (text(&mistake["path"]), mistake["line"].as_u64(), mistake["column"].as_u64())
    });
    let expected = [("colour", 1, 1), ("groups[0].min", 3, 7)];
    let expected = expected.map(|(path, line, column)| (path.into(), Some(line), Some(column)));
    assert_eq!(places.collect::<Vec<(String, _, _)>>(), expected);
    assert_eq!(lines[1]["event"], "error");
}

#[test]
fn the_schema_names_every_key_of_the_first_file() {
    let sandbox = Sandbox::new();
    let schema = sandbox.succeed(&["config", "schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("one JSON value");
    assert_eq!(schema, sandbox.succeed(&["config", "schema", "--json"]).json()[0]["config_schema"]);
    let written = sandbox.succeed(&["init", "-"]).stdout;
    let keys = written.lines().filter_map(|line| {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let (key, _) = line.split_once(" = ")?;
        (!key.contains(' ')).then_some(key)
    });
    let all = schema.to_string();
    let mut count = 0;
    for key in keys {
        count += 1;
        assert!(all.contains(&format!("{key:?}:")), "{key} is not in the schema");
    }
    assert_eq!(count, 50);
}
