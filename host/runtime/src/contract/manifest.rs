//! Guest → model: the manifest, checked before the plug-in is given anything.

use growbox_model as model;
use model::catalogue::DOCUMENTS;
use model::id::quoted;
use model::quantity::QUANTITIES;
use model::{EventType, Objection, PluginId, Span, ZoneId};

use super::wit::growbox::plugin::types as wit;
use crate::limits::{MANIFEST_ENTRIES, SHORTEST_TICK, WORDS_BYTES};

/// Longest version, name or scope.
const NAME_BYTES: usize = 256;

/// What the plug-in says of itself, or what is wrong with that.
pub(crate) fn manifest(said: wit::Manifest) -> Result<model::Manifest, Objection> {
    let id = PluginId::new(&said.id)?;
    words("version", &said.version, NAME_BYTES)?;
    if said.version.trim().is_empty() {
        return Err(bad("its version is empty; give it one, such as \"0.1.0\""));
    }
    words("summary", &said.summary, WORDS_BYTES)?;
    schema(&said.settings_schema)?;
    Ok(model::Manifest {
        id,
        version: said.version,
        summary: said.summary,
        subscriptions: each("subscriptions", said.subscriptions, subscription)?,
        asks: each("asks", said.asks, ask)?,
        tick: said.tick.map(tick).transpose()?,
        settings_schema: said.settings_schema,
        state_version: said.state_version,
        attributes: each("attributes", said.attributes, |(name, value)| {
            words("attribute", &name, NAME_BYTES)?;
            words("attribute", &value, WORDS_BYTES)?;
            Ok((name, value))
        })?,
    })
}

fn bad(why: impl Into<String>) -> Objection {
    Objection::new("bad_manifest", why)
}

fn each<T, U>(
    what: &str,
    list: Vec<T>,
    check: impl Fn(T) -> Result<U, Objection>,
) -> Result<Vec<U>, Objection> {
    if list.len() > MANIFEST_ENTRIES {
        return Err(bad(format!(
            "it has {} {what}, at most {MANIFEST_ENTRIES} are taken",
            list.len()
        )));
    }
    list.into_iter().map(check).collect()
}

fn words(what: &str, text: &str, most: usize) -> Result<(), Objection> {
    if text.len() <= most {
        return Ok(());
    }
    let size = text.len();
    Err(bad(format!(
        "{what} {} has {size} bytes, at most {most}",
        quoted(text)
    )))
}

fn subscription(said: wit::Subscription) -> Result<model::Subscription, Objection> {
    Ok(model::Subscription {
        types: each("types in a subscription", said.types, |pattern| {
            known(&pattern).map(|()| pattern)
        })?,
        zones: each("zones in a subscription", said.zones, |zone| {
            ZoneId::new(&zone).map(|_| zone)
        })?,
        delivery: match said.delivery {
            wit::Delivery::Every => model::Delivery::Every,
            wit::Delivery::Latest => model::Delivery::Latest,
        },
    })
}

/// A type of the catalogue, or a prefix that some type has.
fn known(pattern: &str) -> Result<(), Objection> {
    let Some(prefix) = pattern.strip_suffix('*') else {
        return EventType::parse(pattern).map(|_| ());
    };
    let own = |open: &str| prefix.starts_with(open) || open.starts_with(prefix);
    let covers = DOCUMENTS.iter().any(|doc| doc.name.starts_with(prefix))
        || own("x.")
        || own("sensor.x_")
        || prefix
            .strip_prefix("sensor.")
            .is_some_and(|rest| QUANTITIES.iter().any(|q| q.name.starts_with(rest)));
    if covers {
        return Ok(());
    }
    let families = DOCUMENTS.iter().filter_map(|doc| doc.name.split_once('.'));
    let families: Vec<String> = families.map(|(family, _)| format!("{family}.*")).collect();
    Err(Objection::unknown(
        "unknown_type",
        "event types",
        pattern,
        families.iter().map(String::as_str),
    ))
}

fn ask(said: wit::Ask) -> Result<model::Ask, Objection> {
    words("ability", &said.ability, NAME_BYTES)?;
    words("scope", &said.scope, NAME_BYTES)?;
    words("why", &said.why, WORDS_BYTES)?;
    Ok(model::Ask {
        ability: said.ability,
        scope: said.scope,
        why: said.why,
        required: said.required,
    })
}

fn tick(said: u64) -> Result<Span, Objection> {
    let tick = Span(said);
    if tick >= Span::from(SHORTEST_TICK) {
        return Ok(tick);
    }
    Err(bad(format!(
        "its tick is {tick}, the shortest is {SHORTEST_TICK:?}"
    )))
}

/// No schema is none; anything else is a JSON object.
fn schema(text: &str) -> Result<(), Objection> {
    if text.is_empty() {
        return Ok(());
    }
    model::Json::parse(text)
        .map(|_| ())
        .map_err(|o| bad(format!("its settings-schema is {}", o.message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> wit::Manifest {
        wit::Manifest {
            id: "dew-guard".into(),
            version: "0.1.0".into(),
            summary: "Keeps leaves dry.".into(),
            subscriptions: vec![wit::Subscription {
                types: vec!["sensor.humidity".into(), "control.*".into(), "*".into()],
                zones: vec![],
                delivery: wit::Delivery::Latest,
            }],
            asks: vec![],
            tick: Some(60_000_000_000),
            settings_schema: r#"{"type":"object"}"#.into(),
            state_version: 1,
            attributes: vec![],
        }
    }

    #[test]
    fn a_good_one_is_taken() {
        let manifest = manifest(said()).unwrap();
        assert_eq!(manifest.id.as_str(), "dew-guard");
        assert_eq!(manifest.tick, Some(Span::minutes(1)));
    }

    #[test]
    fn everything_in_it_is_checked() {
        let refused = |change: fn(&mut wit::Manifest)| {
            let mut said = said();
            change(&mut said);
            manifest(said).unwrap_err().message
        };
        assert!(refused(|m| m.id = "Dew Guard".into()).contains("plug-in id"));
        assert!(refused(|m| m.version = " ".into()).contains("version is empty"));
        assert!(refused(|m| m.tick = Some(1)).contains("shortest is 1s"));
        assert!(refused(|m| m.settings_schema = "[".into()).contains("settings-schema"));
        assert!(
            refused(|m| m.subscriptions[0].types = vec!["sensor.humidty".into()])
                .contains("sensor.humidity")
        );
        assert!(
            refused(|m| m.subscriptions[0].types = vec!["contrl.*".into()]).contains("control.*")
        );
        assert!(refused(|m| m.subscriptions[0].zones = vec!["My Tent".into()]).contains("zone id"));
    }

    #[test]
    fn prefixes_of_known_types_are_known() {
        for pattern in [
            "sensor.*",
            "sensor.hum*",
            "sensor.x_*",
            "x.*",
            "x.dew-guard.*",
        ] {
            known(pattern).unwrap();
        }
        known("sensor.zz*").unwrap_err();
    }
}
