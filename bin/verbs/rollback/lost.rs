//! `rollback --from-tags`: a run whose records are lost, taken back by the tags on what it made.

use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use lab1_flow_journal::{FailureClass, JournalError, OnFailure, Rest, RunId, RunStore};
use lab1_flow_steps::{CloudKind, MarkedRun, StackName, marked_runs, recovery_workflow};
use lab1_flow_workflow::{NewRun, Resume};
use serde_json::json;

use super::{DELETING, RollbackArgs};
use crate::account;
use crate::app::App;
use crate::confirm;
use crate::ending;
use crate::error::CliError;
use crate::execute::{self, Assignment};
use crate::exit_status::ExitStatus;
use crate::paint::Tone;
use crate::run_context::RunContext;
use crate::stack_lock::StackLock;
use crate::target::{self, Connection};
use crate::verbs::common::announce;
use crate::view::stage::full;
use crate::view::standing::Request;
use crate::view::text::counted;
use crate::view::time;

/// How often the search is tried, and the pause when the provider names none.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_secs(1);

/// What this machine knows of the run.
enum Known {
    /// Nothing, or nothing that can be read, or its end, or that it has made nothing: the tags may tell more.
    NoMore,
    /// The records are there: the rollback goes on from them, and searches beside them.
    Recorded,
}

pub(super) async fn take_back(args: RollbackArgs, app: &App) -> Result<ExitStatus, CliError> {
    refuse_nameless(&args, app)?;
    let runs = app.runs()?;
    let asked = args.run.as_deref().map(|text| whole_id(app, &runs, text)).transpose()?;
    // What the tags show is shown, whatever the records say.
    let may_use_records = !args.dry_run;
    if let Some(run) = &asked
        && may_use_records
        && matches!(known(app, &runs, run)?, Known::Recorded)
    {
        return take_back_by_records(app, args, run).await;
    }
    let choice = args.target.clone().choose()?;
    let asks = choice.target.cloud != CloudKind::Local && !args.yes && !args.dry_run;
    if asks {
        confirm::refuse_without_terminal(DELETING)?;
    }
    let mut connection = choice.connect(app).await?;
    account::pin(app, &mut connection).await?;
    let found = search(&connection).await?;
    let Some(marked) = pick(app, asked.as_ref(), args.stack.as_ref(), found)? else {
        if args.dry_run {
            let run = args.run();
            app.output
                .say(&format!("Nothing carries the mark of run {run}; nothing was recorded."));
            return Ok(ExitStatus::Success);
        }
        // Its records say that it was taken back, and the account says the same.
        let again = RollbackArgs { from_tags: false, ..args };
        return again.take_back(app).await;
    };
    if args.dry_run && app.output.json {
        app.output.json_line(&json!({
            "event": "marks-found",
            "run_id": marked.run,
            "stack": marked.stack,
            "dry_run": true,
            "things": marked.things,
            "made_from": marked.made.map(|(first, _)| time::moment(first)),
            "made_to": marked.made.map(|(_, last)| time::moment(last)),
            "made_by": marked.made_by,
        }));
    }
    show(app, &marked, &connection);
    if args.dry_run {
        app.output.say("Nothing was deleted and nothing was recorded.");
        return Ok(ExitStatus::Success);
    }
    if asked.is_none() && matches!(known(app, &runs, &marked.run)?, Known::Recorded) {
        return take_back_by_records(app, args, &marked.run).await;
    }
    if asked.is_none() && !asks {
        return Err(unnamed(app, &args, &marked));
    }
    if asks {
        let run = &marked.run;
        confirm::ask(app, &format!("Type the run id {run} to delete all this:"), run.as_str())?;
    }
    carry_out(app, &runs, &args, connection, &marked).await
}

/// A stack's name leads to whatever run is there now, be it somebody's who uses it. Neither its age nor its
/// owner proves
/// that it is lost, so where nobody is asked only its id will do: that names one run, and no later one.
fn unnamed(app: &App, args: &RollbackArgs, marked: &MarkedRun) -> CliError {
    let flags = args.target.again();
    let mut words: Vec<&OsStr> =
        ["rollback", "--from-tags", marked.run.as_str()].map(OsStr::new).into();
    words.extend(flags.iter().map(OsString::as_os_str));
    if args.yes {
        words.push(OsStr::new("--yes"));
    }
    CliError::usage(format!(
        "the name of a stack alone does not say whose run it is: run {} has made this",
        marked.run
    ))
    .stands("nothing was deleted")
    .next("make sure that it is the lost one, and that no other machine works on it; then:")
    .next(app.program.command(&words))
}

/// The records tell more than the tags, and may yet be behind them: an older copy, put back. So it is said
/// that they are
/// used, and the rollback takes back what carries the run's mark under any name, recorded or not.
async fn take_back_by_records(
    app: &App,
    args: RollbackArgs,
    run: &RunId,
) -> Result<ExitStatus, CliError> {
    app.output.say(&format!(
        "the records of run {run} are here and can be read: they are used, and what carries its mark beside them is \
         taken back, too"
    ));
    RollbackArgs { run: Some(run.to_string()), ..args }.take_back(app).await
}

/// Begins the run's records anew, and takes back all that it may have made.
///
/// Dies here: before the new records are there nothing was sent, and the same command begins again; with them
/// `resume` and `rollback` go on.
async fn carry_out(
    app: &App,
    runs: &RunStore,
    args: &RollbackArgs,
    connection: Connection,
    marked: &MarkedRun,
) -> Result<ExitStatus, CliError> {
    let began = Instant::now();
    let (run, stack) = (&marked.run, marked.stack.as_str());
    let patience = args.common.patience();
    let _lock = StackLock::acquire(app, &connection.target, stack, run, patience)?;
    let workflow = recovery_workflow(&marked.stack, &connection.aws);
    let workflow = workflow.map_err(|error| CliError::bug(error.to_string()))?;
    let context = RunContext::new(stack, connection.target);
    let (on_failure, profile) = (OnFailure::Rollback, connection.profile);
    let new = NewRun { on_failure, profile, ..NewRun::new(run.clone()) };
    let header = context.header(new, &workflow)?;
    let refuse = |error| CliError::of_journal(&error, Some(run), &app.program);
    if runs.dir(run).exists() {
        let aside = runs.set_aside(run).map_err(refuse)?;
        app.output.say(&format!("the earlier records are kept in {}", aside.display()));
    }
    let journal = runs.create(&header).map_err(refuse)?;
    announce(app, run, &context);
    let assignment = Assignment {
        run,
        stack,
        journal,
        workflow: &workflow,
        pacer: connection.aws.pacer().cloned(),
        request: Request::RollBack,
        skip: None,
        how: Resume { now: args.common.now, ..Resume::default() },
        notify: args.common.notify.notify_cmd.as_deref(),
    };
    let report = Box::pin(execute::carry_out(app, assignment)).await?;
    Ok(ending::tell(app, report.state(), Request::RollBack, began.elapsed()))
}

fn refuse_nameless(args: &RollbackArgs, app: &App) -> Result<(), CliError> {
    if args.run.is_some() || args.stack.is_some() {
        return Ok(());
    }
    let again = |rest: &[&str]| app.program.command(&[&["rollback", "--from-tags"], rest].concat());
    Err(CliError::usage("--from-tags needs the id of the run, or the name of its stack")
        .stands("nothing was sent")
        .next(again(&["RUN-ID"]))
        .next(again(&["--stack", "NAME"])))
}

/// Tags hold the whole id: the beginning of one can be completed for a run that is known here.
fn whole_id(app: &App, runs: &RunStore, text: &str) -> Result<RunId, CliError> {
    if let Ok(known) = runs.resolve(text) {
        return Ok(known);
    }
    RunId::new(text).map_err(|error| {
        CliError::usage(error.to_string()).stands("nothing was sent").next(app.program.command(&[
            "rollback",
            "--from-tags",
            "RUN-ID",
        ]))
    })
}

fn known(app: &App, runs: &RunStore, run: &RunId) -> Result<Known, CliError> {
    match runs.view(run) {
        Ok(view) if view.state.rest() == Some(&Rest::RolledBack) => Ok(Known::NoMore),
        Ok(view) if !view.state.may_have_made_something() => Ok(Known::NoMore),
        Ok(_) => Ok(Known::Recorded),
        Err(
            JournalError::NotFound { .. }
            | JournalError::Damaged { .. }
            | JournalError::NewerFormat { .. },
        ) => Ok(Known::NoMore),
        Err(error) => Err(CliError::of_journal(&error, Some(run), &app.program)),
    }
}

/// Searches the account for marks; a refusal that passes is waited out.
async fn search(connection: &Connection) -> Result<Vec<MarkedRun>, CliError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match marked_runs(&connection.aws).await {
            Ok(found) => return Ok(found),
            Err(error) if tries < TRIES && may_pass(error.class()) => {
                tokio::time::sleep(error.retry_after().unwrap_or(PAUSE)).await;
            }
            Err(error) => {
                let failure = error.failure();
                let refusal = CliError::new(ExitStatus::Suspended, full(failure));
                let refusal = failure.advice.iter().cloned().fold(refusal, CliError::next);
                return Err(refusal
                    .stands("nothing was deleted")
                    .next("then give the same command again"));
            }
        }
    }
}

fn may_pass(class: FailureClass) -> bool {
    !matches!(class, FailureClass::Permanent | FailureClass::Unreachable)
}

/// Finds the run that was asked for; `None` when nothing carries its mark, and its records say why.
fn pick(
    app: &App,
    run: Option<&RunId>,
    stack: Option<&StackName>,
    found: Vec<MarkedRun>,
) -> Result<Option<MarkedRun>, CliError> {
    let all = found.iter().map(describe).collect::<Vec<_>>();
    let stands = match all.as_slice() {
        [] => "nothing in the account carries a mark of lab1-flow".to_owned(),
        all => format!("the account carries marks of {}", all.join(", ")),
    };
    let fits = |marked: &MarkedRun| match (run, stack) {
        (Some(run), _) => marked.run == *run,
        (None, Some(stack)) => marked.stack == *stack,
        (None, None) => false,
    };
    let mut fitting: Vec<MarkedRun> = found.into_iter().filter(fits).collect();
    match (fitting.len(), run) {
        (1, _) => Ok(fitting.pop()),
        (0, Some(run)) if app.runs()?.view(run).is_ok() => Ok(None),
        (0, _) => {
            let sought = match (run, stack) {
                (Some(run), _) => format!("run {run}"),
                (None, stack) => {
                    format!("a run of stack {}", stack.map_or("?", |stack| stack.as_str()))
                }
            };
            Err(CliError::usage(format!("nothing carries the mark of {sought}"))
                .stands(stands)
                .next("check the id, the region and the account"))
        }
        (_, _) => {
            let ids = fitting.iter().map(describe).collect::<Vec<_>>().join(", ");
            Err(CliError::usage("more than one run has made something of this stack")
                .stands(format!("they are {ids}; nothing was deleted"))
                .next(app.program.command(&[
                    "rollback",
                    "--from-tags",
                    fitting.first().map_or("RUN-ID", |marked| marked.run.as_str()),
                ])))
        }
    }
}

fn describe(marked: &MarkedRun) -> String {
    let things = counted(marked.things.len(), "thing");
    format!("run {} (stack {}, {things})", marked.run, marked.stack)
}

fn show(app: &App, marked: &MarkedRun, connection: &Connection) {
    let output = &app.output;
    let account = connection.target.account.as_deref();
    let account = account.map_or_else(String::new, |account| format!(", account {account}"));
    output.say(&format!(
        "On {}{account}, this carries the mark of run {}:",
        target::words(&connection.target),
        marked.run
    ));
    let minus = output.err.tone(Tone::Red, "-");
    for thing in &marked.things {
        let detail = if thing.detail.is_empty() || thing.detail.starts_with("arn:") {
            String::new()
        } else {
            format!(" ({})", thing.detail)
        };
        output.say(&format!("  {minus} {:<18} {}{detail}", thing.kind, thing.name));
    }
    if let Some((first, last)) = marked.made {
        let by = marked.made_by.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let by = if by.is_empty() { by } else { format!(", by {by}") };
        let (first, last) = (time::moment(first), time::moment(last));
        output.say(&format!("It was made from {first} to {last}{by}."));
    }
    output.say(&format!(
        "Plan: 0 to create, 0 to change, {} to delete, and what was in flight when the run was lost.",
        marked.things.len()
    ));
}
