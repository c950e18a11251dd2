//! A guest that calls an address for every alert: the host decides whether, and when.

use growbox_sdk::prelude::*;
use growbox_sdk::wire::{Call, Effect};

/// Where it calls.
#[derive(Debug, Settings)]
pub struct Calling {
    /// The whole address.
    #[setting(default = "http://127.0.0.1:1/")]
    pub address: String,
}

#[growbox::plugin(
    id = "calling",
    reads("alert.raised"),
    may_call("*" = "to show what is let out")
)]
impl Handler for Calling {
    type State = ();

    fn handle(&self, room: &Room, (): &mut (), effects: &mut Effects) -> Outcome {
        for event in room.events() {
            effects.push(Effect::Call(Call {
                key: format!("alert {}", event.seq),
                method: "POST".to_owned(),
                url: self.address.clone(),
                headers: vec![("Title".to_owned(), "too hot".to_owned())],
                body: b"26 degrees".to_vec(),
            }));
        }
        Ok(())
    }
}
