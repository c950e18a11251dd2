//! Switches the light on and off with the day of its zone.
//!
//! Whether it is day is the host's to say, since it knows `lights_on`, the stage and how far
//! the clock can be trusted. Where it does not say, nothing is asked: the light goes to its safe
//! level.

use growbox_sdk::prelude::*;
use growbox_sdk::{Placing, Standing, Wish, denied_device};

/// Its own name, as the host knows it.
const ID: &str = env!("CARGO_PKG_NAME");

/// What an operator may set.
#[derive(Clone, Debug, Settings)]
pub struct Photoperiod {
    /// How long a request stands unless it is renewed; at least three ticks.
    #[setting(default = "120s", min = "90s", max = "30min")]
    pub lease: Span,
}

#[growbox::plugin(
    reads(
        "control.stage.changed",
        "control.photoperiod.changed",
        "device.action.denied"
    ),
    tick = "30s",
    may_control(light = "to give plants their day and their night")
)]
impl Handler for Photoperiod {
    type State = PerZone<Standing>;

    fn handle(&self, room: &Room, standing: &mut Self::State, effects: &mut Effects) -> Outcome {
        take_denials(room, standing);
        for zone in room.zones().filter(has_light) {
            let standing = standing.of(zone);
            if zone.paused() {
                standing.forget();
                continue;
            }
            let placing = Placing {
                plugin: ID,
                now: room.now(),
                tick: room.tick(),
                lease: self.lease,
                causes: &causes(room, &zone),
            };
            let wishes = wishes(room, &zone, standing);
            let otherwise = "whether it is day is not known";
            standing.place(placing, &zone, &wishes, otherwise, effects);
        }
        Ok(())
    }
}

fn has_light(zone: &Zone) -> bool {
    zone.devices_of("light").next().is_some()
}

/// A level for every light that may be asked; none where it is not known whether it is day.
fn wishes(room: &Room, zone: &Zone, standing: &mut Standing) -> Vec<Wish> {
    let Some(day) = zone.day else {
        return Vec::new();
    };
    let reason = if day {
        day_in_words(zone)
    } else {
        "night".into()
    };
    let lights = zone.devices_of("light");
    let wish = |light: Device| Wish {
        device: light.id.clone(),
        level: f64::from(u8::from(day)),
        reason: reason.clone(),
    };
    lights
        .filter(|light| !standing.is_denied(&light.id, room.now()))
        .map(wish)
        .collect()
}

/// `18 h day`, or `day` where the stage does not say how long it is.
fn day_in_words(zone: &Zone) -> String {
    match zone.growth_stage() {
        Some(stage) => format!("{} h day", stage.hours_of_light()),
        None => "day".into(),
    }
}

/// The events of the batch that are about this zone.
fn causes(room: &Room, zone: &Zone) -> Vec<u64> {
    let about = room.events().iter().filter(|event| {
        event.type_.starts_with("control.")
            && event.zone.as_deref().is_none_or(|about| about == zone.id())
    });
    about.map(|event| event.seq).collect()
}

fn take_denials(room: &Room, standing: &mut PerZone<Standing>) {
    for device in room
        .events()
        .iter()
        .filter_map(|event| denied_device(event, ID))
    {
        let home = room
            .zones()
            .find(|zone| zone.devices().any(|known| known.id == device));
        if let Some(zone) = home {
            standing.of(zone).take_denial(&device, room.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use growbox_sdk::json::json;

    fn tent(day: Option<bool>) -> TestRoom<Photoperiod> {
        TestRoom::with(Photoperiod::default())
            .switch("light")
            .view(|view| {
                view.stage = Some("mid-veg".into());
                view.day = day;
            })
    }

    #[test]
    fn the_light_follows_the_day() {
        let mut room = tent(Some(true));
        room.run(seconds(30)).expect_request("light", Level::FULL);
        assert_eq!(room.requests()[0].reason, "18 h day");
        room.tent().day = Some(false);
        room.run(seconds(30)).expect_request("light", Level::OFF);
        assert_eq!(room.requests()[0].reason, "night");
    }

    #[test]
    fn flowers_have_a_shorter_day() {
        let mut room = tent(Some(true)).view(|view| view.stage = Some("mid-flower".into()));
        room.run(seconds(30));
        assert_eq!(room.requests()[0].reason, "12 h day");
        let mut room = tent(Some(true)).view(|view| view.stage = None);
        room.run(seconds(30));
        assert_eq!(room.requests()[0].reason, "day");
    }

    #[test]
    fn a_whole_day_is_without_a_gap() {
        let mut room = tent(Some(true));
        for _ in 0..60 {
            room.run(minutes(2));
            assert_eq!(room.tent().devices[0].level, 1.0);
            assert_eq!(room.requests().len(), 2, "renewed every second tick");
        }
    }

    #[test]
    fn without_knowing_the_day_the_light_is_let_go() {
        let mut room = tent(None);
        room.run(minutes(5)).expect_nothing();
        let mut room = tent(Some(true));
        room.run(minutes(1));
        room.tent().day = None;
        room.run(seconds(30)).expect_release("light");
        room.run(minutes(5)).expect_nothing();
    }

    #[test]
    fn a_change_of_stage_is_acted_upon_at_once() {
        let mut room = tent(Some(true));
        room.run(minutes(1));
        let changed = room.document("control.stage.changed", &json!({"new_stage": "drying"}));
        let seq = changed.seq;
        room.tent().day = Some(false);
        room.send([changed]).expect_request("light", Level::OFF);
        assert_eq!(room.requests()[0].causes, [seq]);
    }

    #[test]
    fn a_denied_light_is_left_alone_for_a_while() {
        let mut room = tent(Some(true));
        room.run(seconds(30)).expect_request("light", Level::FULL);
        let denial = json!({"device_id": "light", "requester": "photoperiod"});
        let denied = room.document("device.action.denied", &denial);
        room.send([denied]).expect_nothing();
        room.run(minutes(4)).expect_nothing();
        room.run(minutes(2)).expect_request("light", Level::FULL);
    }

    #[test]
    fn zones_without_light_and_paused_zones_are_left_alone() {
        TestRoom::with(Photoperiod::default())
            .switch("heater")
            .view(|view| view.day = Some(true))
            .run(minutes(5))
            .expect_nothing();
        tent(Some(true))
            .view(|view| view.operation = "paused".into())
            .run(minutes(5))
            .expect_nothing();
    }

    #[test]
    fn it_works_without_being_allowed_to() {
        assert!(Photoperiod::manifest().asks.iter().all(|ask| !ask.required));
    }
}
