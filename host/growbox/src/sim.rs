//! `growbox sim`: the simulated tent as a process of its own, behind a unix socket.

use std::process::ExitCode;

use anyhow::Context as _;
use growbox_drivers::room_server::{ServedRoom, listen, serve};
use growbox_drivers::tent::Tent;
use growbox_model::Span;

use crate::cli::SimArgs;
use crate::run::end;

/// The tent's sensors speak this often, in its own time.
const INTERVAL: Span = Span::seconds(10);
const SEED: u64 = 1;

/// Carries out `growbox sim`: until it is ended.
pub fn sim(args: &SimArgs) -> ExitCode {
    crate::telemetry::start(false, crate::telemetry::LogFormat::Text);
    end(simulate(args))
}

fn simulate(args: &SimArgs) -> anyhow::Result<()> {
    let listener = listen(&args.socket)
        .with_context(|| format!("cannot listen on {}", args.socket.display()))?;
    let (_stop, stopped) = crossbeam_channel::bounded(1);
    let room = ServedRoom::new(Tent::new(SEED), INTERVAL);
    eprintln!("a simulated tent behind unix:{}", args.socket.display());
    serve(listener, room, args.speed, &stopped, |switch| {
        println!(
            "{:>10.1} s  {} {} ({:?})",
            switch.at.as_seconds(),
            switch.output,
            switch.level,
            switch.by
        );
    })
    .map_err(Into::into)
}
