//! The safety rules that roles bring to a zone, whether or not anybody configured one.

use std::collections::BTreeMap;

use growbox_model::{
    Danger, DeviceId, DeviceSpec, Quantity, SafetySpec, Span, Text, Trouble, ZoneId,
};

/// What the roles of a zone's devices bring. Limits: growing guides' emergencies (air ≥ 40 °C,
/// humidity ≥ 95 %, air within 0.2 °C of its dew point) and, for people, CO2 ≥ 2000 ppm, in every
/// zone. A big leak shows as a sensor that cannot be believed.
pub(super) fn of_roles(zone: &ZoneId, devices: &BTreeMap<DeviceId, DeviceSpec>) -> Vec<SafetySpec> {
    let mine = || {
        devices
            .values()
            .filter(|spec| spec.zone.as_ref() == Some(zone))
    };
    let off = |roles: &'static [&'static str]| {
        mine()
            .filter(move |spec| roles.contains(&spec.role.as_str()))
            .map(|spec| (spec.id.clone(), spec.safe_level))
    };
    let rescue = |roles: &'static [&'static str]| {
        mine()
            .filter(move |spec| roles.contains(&spec.role.as_str()))
            .map(|spec| (spec.id.clone(), spec.emergency_level))
    };
    let rule = |name: &str, when, dwell, latch, devices, message: &str| SafetySpec {
        id: format!("{zone}-{name}").into(),
        zone: zone.clone(),
        when,
        dwell,
        latch,
        devices,
        message: Text::from(message),
        shipped: true,
    };
    let above = |name: &str, limit, clear| {
        Quantity::new(name).ok().map(|quantity| Danger::Above {
            quantity,
            limit,
            clear,
        })
    };
    let hot = above("temperature", 40.0, 37.0).map(|when| {
        let devices = off(&["heater", "dehumidifier", "light", "co2"]).chain(rescue(AIR));
        rule(
            "hot",
            when,
            Span::seconds(60),
            false,
            devices.collect(),
            "it is too hot",
        )
    });
    // Outdoors it is often that wet, and nobody does anything about it.
    let has_devices = mine().next().is_some();
    let wet = above("humidity", 95.0, 90.0).filter(|_| has_devices);
    let wet = wet.map(|when| {
        let devices = off(&["humidifier"]);
        rule(
            "wet",
            when,
            Span::minutes(10),
            false,
            devices.collect(),
            "it is too wet",
        )
    });
    let near = Danger::NearDewPoint {
        margin: 0.2,
        clear: 1.0,
    };
    let devices = off(&["humidifier"]).chain(rescue(&["circulation"]));
    let dew = rule(
        "dew",
        near,
        Span::minutes(10),
        false,
        devices.collect(),
        "water condenses",
    );
    let co2 = above("co2", 2000.0, 1500.0).map(|when| {
        let devices = off(&["co2"]).chain(rescue(AIR));
        let message = "CO2 endangers people: air the room before anybody goes in";
        rule(
            "co2",
            when,
            Span::seconds(60),
            true,
            devices.collect(),
            message,
        )
    });
    let blind_to = |name: &str| {
        let needs = |spec: &DeviceSpec| spec.needs.iter().any(|need| need.as_str() == name);
        let quantity = Quantity::new(name).ok().filter(|_| mine().any(needs));
        quantity.map(untrusted)
    };
    let blind = blind_to("temperature").map(|when| {
        rule(
            "blind",
            when,
            Span::minutes(5),
            false,
            off(&["heater"]).collect(),
            "nobody knows how warm it is",
        )
    });
    let co2_blind = blind_to("co2").map(|when| {
        let devices = off(&["co2"]).chain(rescue(VENTS));
        rule(
            "co2-blind",
            when,
            Span::minutes(5),
            false,
            devices.collect(),
            "nobody knows how much CO2 there is: air the room before anybody goes in",
        )
    });
    let dew = has_devices.then_some(dew);
    [hot, wet, dew, co2, blind, co2_blind]
        .into_iter()
        .flatten()
        .collect()
}

/// Nobody can say, whatever the reason.
fn untrusted(quantity: Quantity) -> Danger {
    use Trouble::{Absent, Bad, Frozen, Stale};
    let troubles = vec![Stale, Bad, Frozen, Absent];
    Danger::Untrusted { quantity, troubles }
}

/// Roles that change the air for that of outside.
const VENTS: &[&str] = &["exhaust", "intake"];

/// Roles that move air.
const AIR: &[&str] = &["exhaust", "intake", "circulation"];
