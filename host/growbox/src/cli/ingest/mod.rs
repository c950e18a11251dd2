//! `growbox ingest`: JSON lines into a running host, as they come; nothing is refused silently.
//!
//! ```text
//!  lines ──▶ batch ──▶ POST ──▶ results ──▶ sum
//!   thread     │         ├─ log full ──▶ wait, again
//!              │         └─ host gone ─▶ lines with an id again, the others are told
//!              └─ no JSON object: told with its number
//! ```
//!
//! A line with an id may be sent twice: the host knows it again. One without is sent once;
//! where the host ends while it has it, nobody knows whether it was taken, and that is said.

mod batch;
mod lines;
mod sum;

use std::io::Write;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, bounded, never, select};
use serde_json::Value;

use super::client::{Client, Posted, garbled};
use super::failure::{Exit, Failure};
use super::options::IngestArgs;
use super::place::Place;
use crate::render::one_line;
use batch::{Batch, Content, Line, look};
use lines::{Heard, LINE_BYTES};
use sum::Sum;

/// A request goes out when nothing has come for so long.
const LINGER: Duration = Duration::from_millis(100);
/// A host that has gone is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked for.
const AGAIN: Duration = Duration::from_millis(250);

/// Carries out `growbox ingest`.
pub(super) fn ingest(
    args: &IngestArgs,
    place: &Place,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let client = Client::of(place)?;
    client.token()?;
    let lines = lines::of(&args.file)?;
    let mut feed = Feed {
        place,
        client,
        path: if args.durable {
            "events?edge=stdin&durable=true"
        } else {
            "events?edge=stdin"
        },
        interrupted: interruption()?,
        stopping: false,
        sum: Sum::default(),
    };
    let ended = feed.run(&lines);
    let sum = feed.sum;
    let told = if args.json {
        format!("{}\n", sum.json())
    } else {
        sum.text()
    };
    out.write_all(told.as_bytes())?;
    ended?;
    Ok(if sum.is_whole() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Hears when the person has had enough. A second time ends the process at once.
fn interruption() -> Result<Receiver<()>, Failure> {
    let (tell, told) = bounded(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Output)?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let Ok(mut signals) = crate::run::Signals::new() else {
                return;
            };
            signals.next().await;
            // Who listens may have ended already.
            let _ = tell.try_send(());
            signals.next().await;
            std::process::exit(i32::from(Exit::Failed.code()));
        });
    });
    Ok(told)
}

/// The way from the lines to the host.
struct Feed<'a> {
    place: &'a Place,
    client: Client,
    path: &'static str,
    interrupted: Receiver<()>,
    stopping: bool,
    sum: Sum,
}

/// Why a batch is not there yet.
enum Trouble {
    /// The host takes nothing now, and has taken nothing of it.
    Full(Duration, String),
    /// Nobody listens: nothing was sent.
    NotSent(String),
    /// The host went away while it had it.
    Broken(String),
}

impl Feed<'_> {
    fn run(&mut self, lines: &Receiver<Heard>) -> Result<(), Failure> {
        loop {
            let (batch, ended) = self.collect(lines);
            let ended = match ended {
                None => self.send(batch).map(|()| false),
                Some(ended) => self.send(batch).and(ended).map(|()| true),
            };
            if ended? {
                return Ok(());
            }
        }
    }

    /// The next batch, and how the input ended where it did.
    fn collect(&mut self, lines: &Receiver<Heard>) -> (Batch, Option<Result<(), Failure>>) {
        let mut batch = Batch::default();
        let mut patience = never();
        while !batch.is_full() {
            let heard = if self.stopping {
                lines.try_recv().ok()
            } else {
                select! {
                    recv(lines) -> heard => heard.ok(),
                    recv(self.interrupted) -> _ => {
                        self.stopping = true;
                        continue;
                    }
                    recv(patience) -> _ => return (batch, None),
                }
            };
            let Some(heard) = heard else {
                return (batch, Some(Ok(())));
            };
            if let Err(failure) = self.take(heard, &mut batch) {
                return (batch, Some(Err(failure)));
            }
            if batch.lines.len() == 1 {
                patience = after(LINGER);
            }
        }
        (batch, None)
    }

    fn take(&mut self, heard: Heard, batch: &mut Batch) -> Result<(), Failure> {
        self.sum.lines += 1;
        let number = self.sum.lines;
        match heard {
            Heard::Line(line) => match look(number, &line) {
                Content::Event(line) => batch.push(line),
                Content::Blank => {}
                Content::Export => return Err(export()),
                Content::Wrong(why) => self.refuse(number, &why),
            },
            Heard::TooLong => self.refuse(number, &format!("it is longer than {LINE_BYTES} bytes")),
            Heard::Unreadable(why) => {
                self.sum.lines -= 1;
                return Err(Failure::Input(format!("after line {}: {why}", number - 1)));
            }
        }
        Ok(())
    }

    fn refuse(&mut self, number: u64, why: &str) {
        self.sum.refused += 1;
        complain(&format!("line {number}: refused: {}", one_line(why)));
    }

    /// Until the host has taken it, or nobody wants to wait any longer.
    fn send(&mut self, mut batch: Batch) -> Result<(), Failure> {
        let mut waiting = Waiting::default();
        while !batch.is_empty() {
            let trouble = match self.post(&batch)? {
                Ok(results) => return self.count(&batch, &results),
                Err(trouble) => trouble,
            };
            let (pause, why) = match trouble {
                Trouble::Full(pause, why) => {
                    waiting.gone = None;
                    (pause, why)
                }
                Trouble::NotSent(why) => (waiting.for_host(), why),
                Trouble::Broken(why) => {
                    self.give_up_nameless(&mut batch, &why);
                    (waiting.for_host(), why)
                }
            };
            waiting.tell(&why);
            if waiting.too_long() || self.stopped_within(pause) {
                return Err(self.leave(&batch, why));
            }
            if let Ok(client) = Client::of(self.place) {
                self.client = client;
            }
        }
        Ok(())
    }

    fn post(&self, batch: &Batch) -> Result<Result<Value, Trouble>, Failure> {
        Ok(match self.client.post_lines(self.path, &batch.body())? {
            Posted::Answered(results) => Ok(results),
            Posted::Full { retry_after, why } => Err(Trouble::Full(retry_after, why)),
            Posted::NotSent(why) => Err(Trouble::NotSent(why)),
            Posted::Broken(why) => Err(Trouble::Broken(why)),
        })
    }

    fn count(&mut self, batch: &Batch, answer: &Value) -> Result<(), Failure> {
        let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
        if results.len() != batch.lines.len() {
            let why = format!("{} results for {} events", results.len(), batch.lines.len());
            return Err(garbled("events", &why));
        }
        for (line, result) in batch.lines.iter().zip(results) {
            self.sum.bad += u64::from(result["quality"] == "bad");
            match result["status"].as_str() {
                Some("accepted") => self.sum.accepted += 1,
                Some("duplicate") => self.sum.duplicate += 1,
                Some("late") => self.sum.late += 1,
                _ => self.refuse(line.number, &reason(&result["error"])),
            }
        }
        Ok(())
    }

    fn give_up_nameless(&mut self, batch: &mut Batch, why: &str) {
        for Line { number, .. } in batch.take_nameless() {
            self.sum.unknown += 1;
            complain(&format!(
                "line {number}: nobody knows whether it was taken ({why}); it has no id to send it again with"
            ));
        }
    }

    /// Waits; true when the person has had enough.
    fn stopped_within(&mut self, pause: Duration) -> bool {
        if !self.stopping {
            self.stopping = self.interrupted.recv_timeout(pause).is_ok();
        }
        self.stopping
    }

    fn leave(&mut self, batch: &Batch, why: String) -> Failure {
        self.sum.unsent += batch.lines.len() as u64;
        if let (Some(first), Some(last)) = (batch.lines.first(), batch.lines.last()) {
            complain(&format!(
                "lines {} to {} and what follows are not taken",
                first.number, last.number
            ));
        }
        Failure::Lost(why)
    }
}

/// How long one batch has been waiting already.
#[derive(Default)]
struct Waiting {
    told: bool,
    gone: Option<Instant>,
}

impl Waiting {
    fn tell(&mut self, why: &str) {
        if !std::mem::replace(&mut self.told, true) {
            complain(&format!("waiting: {}", one_line(why)));
        }
    }

    /// A full log is waited for as long as it takes, a host that has gone only for a while.
    fn for_host(&mut self) -> Duration {
        self.gone.get_or_insert_with(Instant::now);
        AGAIN
    }

    fn too_long(&self) -> bool {
        self.gone.is_some_and(|since| since.elapsed() > PATIENCE)
    }
}

fn export() -> Failure {
    Failure::Usage(
        "this is an export of a log: what is in it happened already and would be said again, requests to devices too\n  \
         take its readings alone: growbox events export --type 'sensor.*' | tail -n +2 | growbox ingest"
            .into(),
    )
}

fn reason(error: &Value) -> String {
    let word = |key: &str| error[key].as_str().unwrap_or_default();
    format!("{} ({})", word("message"), word("code"))
}

fn complain(line: &str) {
    // Where not even this can be said there is nobody to tell; the sum counts it.
    let _ = writeln!(std::io::stderr(), "{line}");
}
