//! Requests that should stand: asked when they change, renewed in time, let go when unwanted.
//!
//! Every lease ends by itself, so a level that is meant to last is asked again and again. This
//! keeps account: an equal request is renewed at a tick, word by word, once half of its lease
//! is over, and at once where the host no longer knows of it (it was started anew, or a stop
//! emptied the claims). A device that was denied is left alone for a while.

use crate::effects::Effects;
use crate::time::{Moment, Span, minutes};
use crate::units::Level;
use crate::wire::Event;
use crate::zone::Zone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A level between off and full that differs by less is not worth a request.
const WORTH_ASKING: f64 = 0.075;
/// A device that was denied is left alone for so long.
const DENIED_REST: Span = minutes(5);

/// A level that a device should have, and the sentence that a person reads beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Which device, by id.
    pub device: String,
    /// 0.0 to 1.0.
    pub level: f64,
    /// Why.
    pub reason: String,
}

/// The requests of a plug-in in one zone, as part of its state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    asked: BTreeMap<String, Asked>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    denied: BTreeMap<String, Moment>,
}

/// A request that should stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    level: f64,
    /// A renewal repeats it word by word, so that the host sees nothing new in it.
    reason: String,
    at: Moment,
}

/// How and when wishes become requests.
#[derive(Clone, Copy, Debug)]
pub struct Placing<'a> {
    /// The plug-in's own id, by which the host names the owner of a device.
    pub plugin: &'a str,
    /// Room time.
    pub now: Moment,
    /// Whether this is a tick: equal requests are renewed at no other time.
    pub tick: bool,
    /// How long a request stands; at least three ticks.
    pub lease: Span,
    /// The events behind the wishes.
    pub causes: &'a [u64],
}

impl Standing {
    /// Asks for what is new, renews what ends soon, and lets go of what is not among the
    /// wishes, `otherwise` being the reason for that.
    pub fn place(
        &mut self,
        placing: Placing,
        zone: &Zone,
        wishes: &[Wish],
        otherwise: &str,
        effects: &mut Effects,
    ) {
        self.asked.retain(|device, _| {
            let keep = wishes.iter().any(|wish| wish.device == *device);
            if !keep {
                placing.release(zone, device, otherwise, effects);
            }
            keep
        });
        for wish in wishes {
            self.ask(placing, zone, wish, effects);
        }
    }

    /// Whether this device has been asked for something that should still stand.
    #[must_use]
    pub fn holds(&self, device: &str) -> bool {
        self.asked.contains_key(device)
    }

    /// Forgets everything that was asked, without letting go: the host has ended the claims.
    pub fn forget(&mut self) {
        self.asked.clear();
    }

    /// Takes a denial: what was asked does not stand, and the device is left alone for a while.
    pub fn take_denial(&mut self, device: &str, now: Moment) {
        self.asked.remove(device);
        self.denied.insert(device.to_string(), now);
    }

    /// Whether this device was denied a short while ago.
    pub fn is_denied(&mut self, device: &str, now: Moment) -> bool {
        self.denied.retain(|_, at| now.since(*at) < DENIED_REST);
        self.denied.contains_key(device)
    }

    fn ask(&mut self, placing: Placing, zone: &Zone, wish: &Wish, effects: &mut Effects) {
        let standing = self.asked.get(&wish.device);
        let standing = standing.filter(|asked| is_equal(asked.level, wish.level));
        let request = match standing {
            Some(asked) if !placing.must_renew(zone, &wish.device, asked) => return,
            Some(asked) => Asked {
                at: placing.now,
                ..asked.clone()
            },
            None => Asked {
                level: wish.level,
                reason: wish.reason.clone(),
                at: placing.now,
            },
        };
        effects
            .request([&wish.device])
            .level(Level(request.level))
            .lease(placing.lease)
            .caused_by(placing.causes)
            .because(&request.reason);
        self.asked.insert(wish.device.clone(), request);
    }
}

impl Placing<'_> {
    fn must_renew(self, zone: &Zone, device: &str, asked: &Asked) -> bool {
        let view = zone.devices().find(|known| known.id == device);
        let lost = view.is_some_and(|view| {
            view.refusal.is_none() && view.owner.as_deref() != Some(self.plugin)
        });
        self.tick && (lost || self.now.since(asked.at) >= self.lease.half())
    }

    /// Only of devices that are there.
    fn release(self, zone: &Zone, device: &str, why: &str, effects: &mut Effects) {
        let there = zone.devices().find(|known| known.id == device);
        effects
            .request(there)
            .release()
            .caused_by(self.causes)
            .because(why);
    }
}

/// The device of an event `device.action.denied` that is about a request of this plug-in.
#[must_use]
pub fn denied_device(event: &Event, plugin: &str) -> Option<String> {
    if !event.is("device.action.denied") {
        return None;
    }
    let data = event.document()?;
    let ours = data["requester"].as_str() == Some(plugin);
    ours.then(|| data["device_id"].as_str().map(ToString::to_string))?
}

/// On and off are never equal, levels between them are when they are close.
fn is_equal(asked: f64, wished: f64) -> bool {
    (asked > 0.0) == (wished > 0.0) && (asked - wished).abs() < WORTH_ASKING
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Room;
    use crate::testing::{batch, device, zone};
    use crate::time::seconds;
    use crate::wire::{Command, DeviceView, Effect, Request};

    const OWNER: &str = "mine";

    fn wish(level: f64) -> Vec<Wish> {
        vec![Wish {
            device: "fan".into(),
            level,
            reason: format!("for {level}"),
        }]
    }

    /// What is asked of a fan in the state of `view`, so long after the beginning.
    fn place(
        standing: &mut Standing,
        view: DeviceView,
        at: Span,
        tick: bool,
        wishes: &[Wish],
    ) -> Vec<Request> {
        let mut tent = zone("tent");
        tent.devices = vec![view];
        let batch = batch(at, vec![tent]);
        let room = Room::of(&batch);
        let tent = room.zone("tent").expect("is there");
        let mut effects = Effects::default();
        let placing = Placing {
            plugin: OWNER,
            now: room.now(),
            tick,
            lease: seconds(120),
            causes: &[],
        };
        standing.place(placing, &tent, wishes, "enough", &mut effects);
        let requests = effects.into_list().into_iter().map(|effect| match effect {
            Effect::Request(request) => request,
            other => panic!("{other:?}"),
        });
        requests.collect()
    }

    fn ours() -> DeviceView {
        DeviceView {
            owner: Some(OWNER.into()),
            ..device("fan", "exhaust")
        }
    }

    #[test]
    fn equal_wishes_are_renewed_at_ticks_only() {
        let mut standing = Standing::default();
        let mut asked =
            |at, tick, level| place(&mut standing, ours(), seconds(at), tick, &wish(level)).len();
        assert_eq!(asked(0, false, 0.5), 1);
        assert_eq!(asked(30, true, 0.5), 0, "not yet");
        assert_eq!(asked(70, false, 0.5), 0, "no tick");
        assert_eq!(asked(90, true, 0.55), 1, "close enough to be the same");
        assert_eq!(asked(91, false, 0.6), 1, "another level at once");
    }

    #[test]
    fn a_renewal_repeats_level_and_reason() {
        let mut standing = Standing::default();
        let first = place(&mut standing, ours(), seconds(0), false, &wish(0.5));
        let again = place(&mut standing, ours(), seconds(60), true, &wish(0.55));
        assert_eq!(first, again);
    }

    #[test]
    fn a_lost_claim_is_asked_at_the_next_tick_and_an_outranked_one_is_not() {
        let mut standing = Standing::default();
        let lost = device("fan", "exhaust");
        place(&mut standing, lost.clone(), seconds(0), false, &wish(0.5));
        assert_eq!(
            place(&mut standing, lost, seconds(5), true, &wish(0.5)).len(),
            1
        );
        let outranked = DeviceView {
            owner: Some("you".into()),
            refusal: Some("outranked".into()),
            ..device("fan", "exhaust")
        };
        assert_eq!(
            place(&mut standing, outranked, seconds(9), true, &wish(0.5)).len(),
            0
        );
    }

    #[test]
    fn what_is_unwanted_is_let_go_once() {
        let mut standing = Standing::default();
        place(&mut standing, ours(), seconds(0), false, &wish(0.5));
        let released = place(&mut standing, ours(), seconds(1), false, &[]);
        assert_eq!(released[0].command, Command::Release);
        assert_eq!(released[0].reason, "enough");
        assert!(place(&mut standing, ours(), seconds(2), true, &[]).is_empty());
    }

    #[test]
    fn off_is_never_equal_to_nearly_off() {
        assert!(!is_equal(0.0, 0.05) && is_equal(0.0, 0.0) && is_equal(0.5, 0.55));
    }

    #[test]
    fn a_denial_rests_for_a_while() {
        let at = |span: Span| Moment::default() + span;
        let mut standing = Standing::default();
        place(&mut standing, ours(), seconds(0), false, &wish(0.5));
        standing.take_denial("fan", at(seconds(1)));
        assert!(!standing.holds("fan"));
        assert!(standing.is_denied("fan", at(minutes(5))));
        assert!(!standing.is_denied("fan", at(minutes(6))));
    }
}
