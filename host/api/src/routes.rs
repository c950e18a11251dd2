//! The table of addresses: it builds both the router and the document that describes it.

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use growbox_model::row::Order;

use crate::edge::Edge;
use crate::{filter, html, listing, metrics, openapi, order, post as posting, query, stream};

type Serve = MethodRouter<Arc<Edge>>;

/// One address and method: who serves it, and what is told of it.
pub(crate) struct Route {
    /// As the router and the document write it: `/api/v1/devices/{id}/why`.
    pub(crate) path: &'static str,
    /// `get` or `post`.
    pub(crate) method: &'static str,
    pub(crate) serve: Serve,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// Names of query parameters; each is described once for all.
    pub(crate) query: &'static [&'static str],
    /// Content types of the body and their schemas.
    pub(crate) bodies: &'static [(&'static str, &'static str)],
    /// Statuses, content types and schemas of answers; errors besides these share one schema.
    pub(crate) answers: Vec<(u16, &'static str, &'static str)>,
    /// Statuses of errors.
    pub(crate) errors: Vec<u16>,
    /// Whether it needs the token.
    pub(crate) token: bool,
}

pub(crate) const JSON: &str = "application/json";

/// What any request can be answered: strange query, strange host, no time.
const USUAL_ERRORS: [u16; 3] = [400, 403, 503];

impl Route {
    fn read(path: &'static str, serve: Serve, summary: &'static str, schema: &'static str) -> Self {
        Self {
            path,
            method: "get",
            serve,
            summary,
            query: &[],
            bodies: &[],
            answers: vec![(200, JSON, schema)],
            errors: USUAL_ERRORS.to_vec(),
            token: false,
        }
        .of_one_thing()
    }

    /// A change: needs the token, and the host may say no.
    fn change(
        path: &'static str,
        serve: Serve,
        summary: &'static str,
        bodies: &'static [(&'static str, &'static str)],
        schema: &'static str,
    ) -> Self {
        let mut route = Self::read(path, serve, summary, schema);
        route.method = "post";
        route.bodies = bodies;
        route.token = true;
        route.errors.extend([401, 408, 409, 413, 415]);
        if !route.errors.contains(&404) {
            route.errors.push(404);
        }
        route
    }

    /// What is named in the path may not be there.
    fn of_one_thing(mut self) -> Self {
        if self.path.contains('{') {
            self.errors.push(404);
        }
        self
    }

    fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// Answers with this content type instead of JSON.
    fn typed(mut self, kind: &'static str) -> Self {
        for answer in &mut self.answers {
            answer.1 = kind;
        }
        self
    }

    fn also(mut self, status: u16, schema: &'static str) -> Self {
        self.answers.push((status, JSON, schema));
        self.errors.retain(|error| *error != status);
        self
    }
}

/// Every address and method.
pub(crate) fn table() -> Vec<Route> {
    let mut table = reads();
    table.push(take_in());
    table.extend(changes());
    table
}

/// The router of the table.
pub(crate) fn router() -> Router<Arc<Edge>> {
    let routes = table().into_iter();
    routes.fold(Router::new(), |router, route| {
        router.route(route.path, route.serve)
    })
}

fn reads() -> Vec<Route> {
    let read = Route::read;
    vec![
        read("/", get(html::page), "The room on one plain page", "Page").typed("text/html; charset=utf-8"),
        read("/metrics", get(metrics::metrics), "Everything that is counted, for Prometheus", "Exposition")
            .typed("text/plain; version=0.0.4; charset=utf-8"),
        read("/openapi.json", get(openapi::document), "This document", "Document"),
        read("/api/v1/events", get(query::events), "A page of the log, in sequence order", "EventPage")
            .query(filter::PARAMETERS),
        read("/api/v1/events/stream", get(stream::stream), "Events as they happen, as server-sent events: id is the sequence, event the type, data the event; Last-Event-ID resumes", "EventStream")
            .query(stream::PARAMETERS)
            .typed("text/event-stream"),
        read("/api/v1/events/{id}/why", get(query::why), "What led to an event, and what came of it", "Story"),
        read("/api/v1/events/{id}/related", get(query::related), "What happened around an event", "Related"),
        read("/api/v1/devices", get(listing::devices), "All devices: level, since when, whose claim, and why", "Devices"),
        read("/api/v1/devices/{id}/why", get(query::device_why), "Where a device is, and the events that brought it there", "DeviceStory"),
        read("/api/v1/zones", get(listing::zones), "All zones: stage, operation, set points, climate", "Zones"),
        read("/api/v1/plugins", get(listing::plugins), "All plug-ins: state, how far behind, what they command", "Plugins"),
        read("/api/v1/plugins/{id}", get(listing::plugin), "One plug-in: row, manifest, grant", "PluginWhole"),
        read("/api/v1/alerts", get(listing::alerts), "Alerts that stand, and the newest that were cleared", "Alerts")
            .query(listing::ALERT_PARAMETERS),
        read("/api/v1/analytics", get(listing::analytics), "The newest report of a window, or of every window", "Analytics")
            .query(listing::ANALYTICS_PARAMETERS),
        read("/api/v1/dead-letters", get(listing::dead_letters), "What was refused after it was accepted, newest first", "DeadLetters")
            .query(listing::LETTER_PARAMETERS),
        read("/api/v1/health", get(listing::health), "How well everything is", "Health"),
        read("/api/v1/live", get(listing::live), "Whether the edge serves", "Live"),
        read("/api/v1/ready", get(listing::ready), "Whether plug-ins are loaded and the log takes events", "Ready").also(503, "ReadyOrError"),
    ]
}

fn take_in() -> Route {
    const BODIES: &[(&str, &str)] = &[(JSON, "Events"), ("application/x-ndjson", "EventLines")];
    const SUMMARY: &str = "Take events in: an object, an array, or one object a line. \
         All but sensor.* needs the token to have an effect";
    let serve = post(posting::post);
    let mut route = Route::change("/api/v1/events", serve, SUMMARY, BODIES, "PostResults")
        .query(posting::PARAMETERS)
        .also(202, "PostResults")
        .also(422, "PostResults");
    route.token = false;
    route.errors.retain(|error| ![404, 409].contains(error));
    route
}

fn changes() -> Vec<Route> {
    const SET: &[(&str, &str)] = &[(JSON, "SetOrder")];
    const HOLD: &[(&str, &str)] = &[(JSON, "HoldOrder")];
    const SIGNED: &[(&str, &str)] = &[(JSON, "SignedOrder")];
    const OF_ZONE: &[(&str, &str)] = &[(JSON, "ZoneScopedOrder")];
    const ZONE: &[(&str, &str)] = &[(JSON, "ZoneOrder")];
    let change = Route::change;
    vec![
        change(
            "/api/v1/devices/{id}/set",
            post(order::set),
            "A person sets a device for a while",
            SET,
            "Device",
        ),
        change(
            "/api/v1/devices/{id}/hold",
            post(order::hold),
            "A person holds a device at a level",
            HOLD,
            "Device",
        ),
        change(
            "/api/v1/devices/{id}/release",
            order::on_device(Order::Release),
            "A person lets go of set and hold",
            SIGNED,
            "Device",
        ),
        change(
            "/api/v1/devices/{id}/lock-out",
            order::on_device(Order::LockOut),
            "A person works at a device: it goes off, and nobody moves it",
            SIGNED,
            "Device",
        ),
        change(
            "/api/v1/devices/{id}/unlock",
            order::on_device(Order::Unlock),
            "The work at a device is done",
            SIGNED,
            "Device",
        ),
        change(
            "/api/v1/zones/{id}",
            post(order::zone),
            "Change settings of a zone, until the configuration changes them",
            ZONE,
            "Zone",
        ),
        change(
            "/api/v1/alerts/{id}/acknowledge",
            post(order::acknowledge),
            "Somebody has seen an alert",
            SIGNED,
            "Alert",
        ),
        change(
            "/api/v1/stop",
            post(order::stop),
            "Every device of a zone, or of all, to its safe level until reset",
            OF_ZONE,
            "Changed",
        ),
        change(
            "/api/v1/reset",
            post(order::reset),
            "Take back a stop",
            OF_ZONE,
            "Changed",
        ),
        change(
            "/api/v1/sensors/{id}/rebind",
            post(order::rebind),
            "Release a sensor from the source it is bound to",
            SIGNED,
            "Rebound",
        ),
    ]
}
