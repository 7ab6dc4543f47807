//! The program `lab1-flow`. All of it is in the library beside this file, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab1_flow::main()
}
