//! The document is whole: every reference resolves, every schema is used, every address answers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{COMPONENTS, describe};
use crate::routes::table;
use crate::tests::Room;

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str().filter(|_| key == "$ref") {
                    Some(reference) => drop(found.insert(reference)),
                    None => references(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_resolves_and_nothing_is_left_over() {
    let document = describe(&table());
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for kind in ["schemas", "parameters"] {
        let known = document["components"][kind].as_object().unwrap();
        for name in known.keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(found.contains(&*reference), "{reference} is not used");
        }
    }
    assert!(serde_json::from_str::<Value>(COMPONENTS).is_ok());
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = describe(&table());
    let operations = document["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|path| path.as_object().unwrap().values());
    let names: Vec<&str> = operations
        .map(|o| o["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), table().len(), "one path and method each");
    let different: BTreeSet<&&str> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "{names:?}");
}

/// The other method is refused, so the address is there; the documented one is not.
#[test]
fn what_is_documented_is_served_and_the_token_is_asked_for() {
    let room = Room::new();
    let document = room.client().get("/openapi.json").json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let address = path.replace("{id}", "nobody");
        for method in ["get", "post"] {
            if path == "/api/v1/events/stream" && method == "get" {
                drop(room.client().stream(&address)); // it goes on: no answer to wait for
                continue;
            }
            let reply = match method {
                "get" => room.client().get(&address),
                _ => room.client().post(&address, "{}"),
            };
            let documented = &methods[method];
            assert_eq!(
                reply.status == 405,
                documented.is_null(),
                "{method} {path}: {reply:?}"
            );
            let needs_token = documented["security"][0]["token"].is_array();
            assert_eq!(
                reply.status == 401,
                needs_token,
                "{method} {path}: {reply:?}"
            );
        }
    }
}
