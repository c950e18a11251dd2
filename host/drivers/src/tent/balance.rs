//! Heat, water and CO2 over one short step: what comes in, what goes out, what stays.

use super::air::Air;
use super::devices::Levels;
use super::plants;

/// A tent of 1.2 m × 1.2 m × 2 m.
const VOLUME: f64 = 1.2 * 1.2 * 2.0;

/// What must be warmed when the air is warmed, in J/K. The air itself is only 3.5 kJ/K; with
/// it go, within minutes, four kilograms of leaves (16 kJ/K), the skin of the tent (5 kJ/K),
/// the lamp's heat sink, poles and ducts (3 kJ/K) and the surface of the pots. The depth of the
/// pots follows over hours and is left out: it only smooths what the day rhythm does.
const HEAT_CAPACITY: f64 = 30_000.0;

/// What goes through the walls, in W/K: 12.5 m² of coated fabric, of which the floor counts
/// for nothing, with resting air on both sides and a reflecting inner face: 3 W/(m²·K). With it
/// a lamp of 240 W warms a closed tent by five kelvin, as growers find.
const WALL_LOSS: f64 = 35.0;

/// Zips and flaps leak: 8 m³/h, three changes of air an hour, without any fan. In m³/s.
const LEAK: f64 = 8.0 / 3600.0;

/// An inline fan of the 5 inch class moves 180 m³/h against a carbon filter and a bend of
/// duct: a change of air each minute, the usual advice for a tent. In m³/s at full speed.
const EXHAUST: f64 = 180.0 / 3600.0;

/// Air carries 1.2 kg/m³ × 1005 J/(kg·K).
const AIR_HEAT: f64 = 1206.0;

/// Water that evaporates cools, water that condenses warms: J/g at room temperature.
const LATENT_HEAT: f64 = 2450.0;

/// Pots, fabric and leaf surfaces take up water and give it back within minutes. Together they
/// hold three times what the air holds, so that humidity moves four times slower than in an
/// empty box: ten minutes of a humidifier show, ten seconds do not.
const WATER_CAPACITY: f64 = 4.0 * VOLUME;

/// A 240 W LED fixture; what it draws ends as heat, but for what plants evaporate with it.
const LIGHT_WATTS: f64 = 240.0;

/// 2.7 µmol/J, nine tenths of which reach the 1.44 m² of canopy: in µmol/(m²·s) at full level.
const LIGHT_PPFD: f64 = 405.0;

/// A small fan heater.
const HEATER_WATTS: f64 = 400.0;

/// Two clip fans, whose motors warm the air they stir.
const CIRCULATION_WATTS: f64 = 15.0;

/// An ultrasonic humidifier for tents: 290 g/h. It draws 25 W, but the mist takes its latent
/// heat from the air: humidifying cools.
const HUMIDIFIER_GRAMS: f64 = 0.08;
const HUMIDIFIER_WATTS: f64 = 25.0;

/// Mist does not evaporate into air that is nearly full: from this relative humidity on less and
/// less of it does, at 100 % none.
const MIST_FADES: f64 = 90.0;

/// A compressor of the 10 l/day class takes 3.5 l/day out of air at 60 % and 25 °C, more from
/// wetter, nothing below 30 %. In g/s at 60 %.
const DEHUMIDIFIER_GRAMS: f64 = 0.04;
const DEHUMIDIFIER_FLOOR: f64 = 30.0;
const DEHUMIDIFIER_WATTS: f64 = 130.0;

/// The air after `seconds`, which must be short against minutes.
/// `drunk` is what the plants evaporate, in g/s.
pub(super) fn after(air: Air, ambient: &Air, levels: &Levels, drunk: f64, seconds: f64) -> Air {
    let lit = Air {
        ppfd: LIGHT_PPFD * levels.light,
        ..air
    };
    let flow = flow(&lit, ambient, levels, drunk);
    condensed(Air {
        celsius: air.celsius + seconds * flow.watts / HEAT_CAPACITY,
        water: (air.water + seconds * flow.water / WATER_CAPACITY).max(0.0),
        co2: (air.co2 + seconds * flow.co2).max(0.0),
        ppfd: lit.ppfd,
    })
}

/// What flows into the air, everything told.
struct Flow {
    /// Heat, in W.
    watts: f64,
    /// Water, in g/s.
    water: f64,
    /// CO2, in ppm/s.
    co2: f64,
}

fn flow(air: &Air, ambient: &Air, levels: &Levels, drunk: f64) -> Flow {
    let exchange = LEAK + EXHAUST * levels.exhaust;
    let evaporated = drunk + mist(air, levels);
    let extracted = extraction(air, levels);
    let out = WALL_LOSS + AIR_HEAT * exchange;
    Flow {
        watts: electrical(levels) + LATENT_HEAT * (extracted - evaporated)
            - out * (air.celsius - ambient.celsius),
        water: evaporated - extracted - exchange * (air.water - ambient.water),
        co2: plants::carbon(air) - exchange / VOLUME * (air.co2 - ambient.co2),
    }
}

fn electrical(levels: &Levels) -> f64 {
    LIGHT_WATTS * levels.light
        + HEATER_WATTS * levels.heater
        + CIRCULATION_WATTS * levels.circulation
        + HUMIDIFIER_WATTS * levels.humidifier
        + DEHUMIDIFIER_WATTS * levels.dehumidifier
}

fn mist(air: &Air, levels: &Levels) -> f64 {
    let room_for_more = ((100.0 - air.humidity()) / (100.0 - MIST_FADES)).clamp(0.0, 1.0);
    HUMIDIFIER_GRAMS * levels.humidifier * room_for_more
}

fn extraction(air: &Air, levels: &Levels) -> f64 {
    let wetness = (air.humidity() - DEHUMIDIFIER_FLOOR) / (60.0 - DEHUMIDIFIER_FLOOR);
    DEHUMIDIFIER_GRAMS * levels.dehumidifier * wetness.max(0.0)
}

/// What air cannot hold runs down the walls and leaves its heat behind.
fn condensed(air: Air) -> Air {
    let excess = (air.water - air.saturation()).max(0.0);
    Air {
        water: air.water - excess,
        celsius: air.celsius + excess * WATER_CAPACITY * LATENT_HEAT / HEAT_CAPACITY,
        ..air
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Air = Air {
        celsius: 21.0,
        water: 8.2,
        co2: 450.0,
        ppfd: 0.0,
    };
    const TENT: Air = Air {
        celsius: 25.0,
        water: 14.0,
        co2: 400.0,
        ppfd: 0.0,
    };

    /// What plants evaporate meanwhile, in g/s.
    const DRUNK: f64 = 0.03;

    /// Heat (sensible and latent) and water that entered in one second.
    fn gained(before: Air, levels: &Levels) -> (f64, f64) {
        let now = after(before, &ROOM, levels, DRUNK, 1.0);
        let grams = WATER_CAPACITY * (now.water - before.water);
        (
            HEAT_CAPACITY * (now.celsius - before.celsius) + LATENT_HEAT * grams,
            grams,
        )
    }

    #[test]
    fn evaporation_moves_heat_but_makes_none() {
        let off = gained(TENT, &Levels::default());
        let mist = gained(
            TENT,
            &Levels {
                humidifier: 1.0,
                ..Levels::default()
            },
        );
        assert!((mist.0 - off.0 - HUMIDIFIER_WATTS).abs() < 1e-6);
        assert!((mist.1 - off.1 - HUMIDIFIER_GRAMS).abs() < 1e-9);
    }

    #[test]
    fn a_dehumidifier_heats_by_what_it_draws_and_what_it_condenses() {
        let levels = Levels {
            dehumidifier: 1.0,
            ..Levels::default()
        };
        let (idle, running) = (
            flow(&TENT, &ROOM, &Levels::default(), DRUNK),
            flow(&TENT, &ROOM, &levels, DRUNK),
        );
        let taken = idle.water - running.water;
        assert!(taken > 0.0);
        let heat = running.watts - idle.watts;
        assert!((heat - DEHUMIDIFIER_WATTS - LATENT_HEAT * taken).abs() < 1e-9);
    }

    #[test]
    fn the_exhaust_brings_the_room_in() {
        let levels = Levels {
            exhaust: 1.0,
            ..Levels::default()
        };
        let (still, drawn) = (
            after(TENT, &ROOM, &Levels::default(), DRUNK, 1.0),
            after(TENT, &ROOM, &levels, DRUNK, 1.0),
        );
        assert!(
            drawn.celsius < still.celsius && drawn.water < still.water && drawn.co2 > still.co2
        );
    }

    #[test]
    fn air_never_holds_more_than_it_can() {
        let wet = after(
            Air {
                water: 40.0,
                ..TENT
            },
            &ROOM,
            &Levels::default(),
            DRUNK,
            1.0,
        );
        assert!(wet.humidity() <= 100.0 && wet.celsius > TENT.celsius);
    }
}
