//! The command line as a whole: what it is called, its global flags, and its verbs.

use clap::Parser;

use crate::app::GlobalArgs;
use crate::verbs::Verb;

/// Deploy the two-cluster Flask stack as durable steps: kill it anywhere, resume it, or roll it back
///
/// Without further flags everything happens on an embedded cloud on this machine: no account, no cost.
#[derive(Debug, Parser)]
#[command(
    name = "lab1-flow",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = AFTER_HELP,
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const AFTER_HELP: &str = "\
Run ids may be shortened to a unique prefix.

Exit statuses:
    0  the requested end was reached
    1  a step failed for good; the run stands where the journal says
    2  wrong usage or configuration: nothing was created
    3  refused before the first change: nothing was created
    4  another live process holds the run
    5  something of ours is left; the list follows
    6  the journal is damaged, or from a newer version
    8  there are differences (verify, and plan with --detailed-exitcode)
   70  a bug in lab1-flow
   74  the journal cannot be written: nothing further was sent; or stdout cannot, after all else was done
   75  suspended or stopped: `lab1-flow resume` continues
  130  left at once on a second Ctrl-C; `watch` on the first

Environment:
  LAB1_FLOW_STATE_DIR  the state directory, as --state-dir
  LAB1_FLOW_LOG        a filter for the log on stderr, such as lab1_flow_steps=debug; what other crates log
                       (the AWS SDK, hyper) may hold credentials, and no filter shows it
  AWS_ENDPOINT_URL     as --endpoint-url, where no flag names a cloud (`cloud env` prints that of the embedded one)
  AWS_PROFILE and the other variables of the AWS tools, on AWS and other endpoints
  NO_COLOR, TERM=dumb  no colours; CI and TERM=dumb: plain lines instead of the tree";
