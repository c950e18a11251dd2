//! The workers: each takes a call whose origin is free, performs it, and says what came of it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use growbox_model::OpenCall;
use growbox_model::origin::origin_of;
use growbox_model::ports::CallAnswer;

use crate::book::Book;
use crate::http::{self, Outcome, PATIENCE, Patience};
use crate::mail::Mailer;
use crate::queue::{Bounds, Queue};
use crate::secret::Purse;

/// Calls at a time: one an origin, so that five that hang leave room for a sixth.
const WORKERS: usize = 6;
/// Calls that may wait.
const BOUNDS: Bounds = Bounds { all: 256, each: 64 };
/// All mail goes to one server.
const MAIL: &str = "mailto:";

/// Performs outbound calls; each is answered once. Its threads end when it is dropped.
pub struct Outbound {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Waiting>,
    changed: Condvar,
    book: RwLock<Arc<Book>>,
    mailer: Mailer,
    answer: Box<dyn Fn(CallAnswer) + Send + Sync>,
}

struct Waiting {
    calls: Queue<OpenCall>,
    ended: bool,
}

impl Outbound {
    /// Starts the workers; `answer` hears what came of each call.
    ///
    /// # Errors
    /// Where the machine has no threads for it.
    pub fn start(
        book: Book,
        answer: impl Fn(CallAnswer) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::with(book, PATIENCE, answer)
    }

    fn with(
        book: Book,
        patience: Patience,
        answer: impl Fn(CallAnswer) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Waiting {
                calls: Queue::new(BOUNDS),
                ended: false,
            }),
            changed: Condvar::new(),
            book: RwLock::new(Arc::new(book)),
            mailer: Mailer::default(),
            answer: Box::new(answer),
        });
        for number in 0..WORKERS {
            let shared = shared.clone();
            let agent = http::agent(patience);
            std::thread::Builder::new()
                .name(format!("outbound-{number}"))
                .spawn(move || shared.work(&agent))?;
        }
        Ok(Self { shared })
    }

    /// Takes a call on. Never waits: where it cannot wait for a worker either, the answer says
    /// that all are busy, and is this one.
    #[must_use]
    pub fn call(&self, call: OpenCall) -> Option<CallAnswer> {
        let origin = match origin_of(&call.call.url) {
            Ok(mail) if mail.starts_with(MAIL) => MAIL.to_owned(),
            Ok(origin) => origin,
            Err(objection) => return Some(refusal(&call, objection.message)),
        };
        let pushed = self.shared.waiting().calls.push(origin, call);
        self.shared.changed.notify_one();
        pushed.err().map(|(call, why)| refusal(&call, why))
    }

    /// From now on these secrets and this mail server.
    pub fn renew(&self, book: Book) {
        let mut kept = self
            .shared
            .book
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *kept = Arc::new(book);
    }
}

fn refusal(call: &OpenCall, why: String) -> CallAnswer {
    CallAnswer {
        id: call.id,
        outcome: Err(why),
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        self.shared.waiting().ended = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, agent: &ureq::Agent) {
        while let Some((origin, call)) = self.next() {
            let outcome = self.perform(agent, &call);
            self.waiting().calls.done(&origin);
            self.changed.notify_one();
            (self.answer)(CallAnswer {
                id: call.id,
                outcome,
            });
        }
    }

    fn next(&self) -> Option<(String, OpenCall)> {
        let mut waiting = self.waiting();
        loop {
            if waiting.ended {
                return None;
            }
            if let Some(next) = waiting.calls.take() {
                return Some(next);
            }
            waiting = self
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn perform(&self, agent: &ureq::Agent, open: &OpenCall) -> Outcome {
        let book = self
            .book
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let origin = origin_of(&open.call.url).map_err(|objection| objection.message)?;
        if origin.starts_with(MAIL) {
            let key = format!("{}-{}", open.plugin, open.call.key);
            return self.mailer.perform(book.mail.as_ref(), &open.call, &key);
        }
        let mut purse = Purse::new(&book, &origin);
        http::perform(agent, &open.call, &origin, &mut purse)
    }
}

#[cfg(test)]
mod tests;
