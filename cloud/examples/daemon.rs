//! The embedded AWS without the rest of the project: a program of its own around the daemon.
//!
//! ```text
//! eval "$(cargo run -p lab1-flow-cloud --example daemon -- start /tmp/cloud)"
//! aws --region us-east-1 elbv2 describe-load-balancers
//! cargo run -p lab1-flow-cloud --example daemon -- stop /tmp/cloud
//! ```

#![expect(clippy::print_stdout, reason = "a program of the command line")]

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lab1_flow_cloud::daemon::{self, AccessKey, Launch, ServeOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [verb, directory] = arguments.as_slice() else {
        return Err("usage: daemon serve|start|status|reset|stop DIRECTORY".into());
    };
    let directory = std::path::absolute(directory)?;
    match verb.to_str() {
        Some("serve") => serve(directory),
        Some("start") => start(&directory),
        Some("status") => status(&directory),
        Some("reset") => Ok(daemon::reset(&directory)?),
        Some("stop") => stop(&directory),
        _ => Err("the verb is one of serve, start, status, reset, stop".into()),
    }
}

/// Serves in the foreground; `start` runs this as the daemon's process.
fn serve(directory: PathBuf) -> Result<(), Box<dyn Error>> {
    daemon::detach();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let options = ServeOptions::new(directory);
    runtime.block_on(daemon::serve(options, daemon::stop_signal(), |endpoint| {
        println!("{}", endpoint.url());
    }))?;
    Ok(())
}

fn start(directory: &Path) -> Result<(), Box<dyn Error>> {
    let launch = Launch::of_this_program(["serve".as_ref(), directory.as_os_str()])?;
    let started = daemon::start(directory, &launch)?;
    println!("export AWS_ENDPOINT_URL={}", started.endpoint.url());
    println!("export AWS_ACCESS_KEY_ID={}", started.endpoint.access_key_id.as_str());
    println!("export AWS_SECRET_ACCESS_KEY={}", AccessKey::SECRET_ACCESS_KEY);
    Ok(())
}

fn status(directory: &Path) -> Result<(), Box<dyn Error>> {
    match daemon::status(directory)? {
        Some(status) => println!("{}", serde_json::to_string_pretty(&status)?),
        None => println!("not running"),
    }
    Ok(())
}

fn stop(directory: &Path) -> Result<(), Box<dyn Error>> {
    println!("{}", if daemon::stop(directory)? { "stopped" } else { "not running" });
    Ok(())
}
