//! The growbox binary: reads the command line and hands it to who carries it out.

use std::process::ExitCode;

use growbox::cli::{self, Local, Task};

fn main() -> ExitCode {
    if let Some(code) = growbox::child::compile() {
        return code;
    }
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(code) => return code,
    };
    let data = command.data.as_deref();
    match &command.task {
        Task::Asking(asking) => cli::perform(asking, data),
        Task::Local(Local::Run(args)) => growbox::run::run(args, data),
        Task::Local(Local::Demo(args)) => growbox::demo::demo(args, data),
        Task::Local(Local::Sim(args)) => growbox::sim::sim(args),
        Task::Local(Local::Safe(args)) => growbox::guardian::safe(args, data),
        Task::Local(Local::Check(args)) => cli::check(args),
        Task::Local(Local::Discover(args)) => growbox::discover::discover(args),
        Task::Local(Local::InspectFile { file, json }) => growbox::inspect::inspect(file, *json),
        Task::Local(Local::Roles { json }) => cli::roles(*json),
    }
}
