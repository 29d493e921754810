//! `taki`: the assistant and its tools in the terminal.

mod args;
mod bench;
mod chat;
mod interrupt;
mod lab;
mod learned;
mod models;
mod output;
mod prove;
mod setup;
mod suite;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use output::Output;

fn main() -> ExitCode {
    // The worker is this same program: it must hand over before anything else is set up.
    if std::env::args_os().nth(1).is_some_and(|first| first == "worker") {
        std::process::exit(engine::worker_main());
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("TAKI_LOG").unwrap_or_else(|_| "error".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let args = Args::parse();
    let output = Output::new(args.json());
    let result = match args.command {
        Command::Chat(args) => chat::run(&args, &output),
        Command::Models { command } => models::run(&command, &output),
        Command::Ladders { command: args::Ladders::List { .. } } => models::ladders(&output),
        Command::Prove(args) => prove::run(&args, &output),
        Command::Bench(args) => bench::run(&args, &output),
        Command::Lab { command } => lab::run(&command, &output),
        Command::Learned { command } => learned::run(&command, &output),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            output.problem(&problem);
            ExitCode::FAILURE
        }
    }
}
