//! The table of documents: each type of the catalogue that is no reading, with its fields.

use super::Shape::{self, Duration, Flag, List, Number, Object, Scalar, Text as Words};
use super::{DocumentSpec, Field};

const fn must(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        required: true,
    }
}

const fn may(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        required: false,
    }
}

const fn doc(name: &'static str, fields: &'static [Field]) -> DocumentSpec {
    DocumentSpec { name, fields }
}

const SILENCE: &[Field] = &[
    must("sensor_id", Words),
    must("quantity", Words),
    may("last_seen", Words),
    may("interval", Duration),
];
const ACTION: &[Field] = &[
    must("device_id", Words),
    may("action", Words),
    may("level", Number),
    may("duration", Duration),
    may("reason", Words),
    may("requester", Words),
    may("policy", Words),
    may("until", Words),
    may("success", Flag),
];
const ALERT: &[Field] = &[
    must("rule", Words),
    may("severity", Words),
    may("message", Words),
    may("subject", Words),
    may("since", Words),
    may("evidence", List),
    may("action_taken", Words),
    may("alert", Words),
    may("who", Words),
];
const PLUGIN: &[Field] = &[
    must("plugin", Words),
    may("version", Words),
    may("generation", Number),
    may("reason", Words),
];
const DANGER: &[Field] = &[
    may("rule", Words),
    may("zone", Words),
    may("message", Words),
    may("devices", List),
];

const EMERGENCY: &[Field] = &[
    may("rule", Words),
    may("zone", Words),
    may("message", Words),
    may("devices", List),
    may("requester", Words),
];

/// Every document type of the catalogue.
pub static DOCUMENTS: &[DocumentSpec] = &[
    doc(
        "sensor.threshold.exceeded",
        &[
            must("sensor_id", Words),
            must("value", Number),
            must("threshold", Number),
            may("direction", Words),
            may("severity", Words),
        ],
    ),
    doc(
        "sensor.maintenance.calibration_due",
        &[
            must("sensor_id", Words),
            may("days_overdue", Number),
            may("last_calibrated", Words),
        ],
    ),
    doc("sensor.stale", SILENCE),
    doc("sensor.recovered", SILENCE),
    doc(
        "device.state.changed",
        &[
            must("device_id", Words),
            may("old_state", Scalar),
            must("new_state", Scalar),
            may("trigger", Words),
            may("power_level", Number),
        ],
    ),
    doc("device.action.requested", ACTION),
    doc("device.action.granted", ACTION),
    doc("device.action.clamped", ACTION),
    doc("device.action.dampened", ACTION),
    doc("device.action.outranked", ACTION),
    doc("device.action.denied", ACTION),
    doc("device.action.expired", ACTION),
    doc("device.action.executed", ACTION),
    doc("device.action.failed", ACTION),
    doc("device.action.superseded", ACTION),
    doc("device.action.lapsed", ACTION),
    doc(
        "device.error",
        &[
            must("device_id", Words),
            may("error_code", Words),
            may("message", Words),
            may("recovery_action", Words),
        ],
    ),
    doc(
        "control.mode.changed",
        &[
            may("old_mode", Words),
            must("new_mode", Words),
            may("trigger", Words),
            may("transition_duration", Duration),
        ],
    ),
    doc(
        "control.target.updated",
        &[
            must("parameter", Words),
            may("old_target", Number),
            must("new_target", Number),
            may("reason", Words),
            may("transition_duration", Duration),
        ],
    ),
    doc(
        "control.stage.changed",
        &[
            may("old_stage", Words),
            must("new_stage", Words),
            may("reason", Words),
            may("transition_duration", Duration),
        ],
    ),
    doc(
        "control.photoperiod.changed",
        &[
            may("lights_on", Words),
            may("hours_of_light", Number),
            may("reason", Words),
        ],
    ),
    doc(
        "control.automation.paused",
        &[
            may("reason", Words),
            may("estimated_duration", Duration),
            may("affected_systems", List),
        ],
    ),
    doc("control.automation.resumed", &[may("reason", Words)]),
    doc(
        "control.vpd.action_required",
        &[
            must("zone", Words),
            must("current_vpd", Number),
            must("target_vpd", Number),
            must("action", Words),
        ],
    ),
    doc(
        "vpd.recalculation_required",
        &[must("zone", Words), may("trigger", Words)],
    ),
    doc("alert.raised", ALERT),
    doc("alert.acknowledged", ALERT),
    doc("alert.cleared", ALERT),
    doc(
        "analytics.report",
        &[
            may("window", Scalar),
            may("frequency", Object),
            may("failures", List),
            may("latency", Object),
            may("devices", Object),
            may("climate", Object),
            may("anomalies", List),
            may("from", Words),
            may("to", Words),
        ],
    ),
    doc(
        "analytics.anomaly",
        &[
            may("sensor_id", Words),
            may("quantity", Words),
            may("value", Number),
            may("expected", Number),
            may("deviation", Number),
            may("message", Words),
        ],
    ),
    doc("plugin.loaded", PLUGIN),
    doc("plugin.swapped", PLUGIN),
    doc("plugin.refused", PLUGIN),
    doc("plugin.rolled_back", PLUGIN),
    doc("plugin.quarantined", PLUGIN),
    doc("plugin.recovered", PLUGIN),
    doc("plugin.removed", PLUGIN),
    doc("plugin.gap", PLUGIN),
    doc(
        "plugin.call.answered",
        &[
            must("plugin", Words),
            must("key", Words),
            may("status", Number),
            may("headers", Object),
            may("body", Words),
            may("error", Words),
        ],
    ),
    doc(
        "system.lifecycle.started",
        &[
            may("version", Words),
            may("startup_time", Words),
            may("configuration_loaded", Flag),
            may("devices_initialized", Number),
            may("numbering", Object),
            may("off_since", Words),
        ],
    ),
    doc("system.lifecycle.stopping", &[may("reason", Words)]),
    doc(
        "system.health.check",
        &[
            may("overall_status", Words),
            may("component_status", Object),
            may("latency", Object),
            may("next_check", Words),
        ],
    ),
    doc(
        "system.config.changed",
        &[
            may("changes", List),
            may("applied_by", Words),
            may("requires_restart", Flag),
            may("restart_for", List),
            may("overrides_kept", List),
            may("overrides_ended", List),
        ],
    ),
    doc(
        "system.config.refused",
        &[
            may("file", Words),
            may("reasons", List),
            may("message", Words),
        ],
    ),
    doc(
        "system.clock.jumped",
        &[
            must("offset_seconds", Number),
            may("expected", Words),
            may("found", Words),
            may("trusted", Flag),
        ],
    ),
    doc("system.emergency", EMERGENCY),
    doc("system.emergency.reset", DANGER),
    doc("safety.violation", DANGER),
    doc(
        "storage.gap",
        &[
            may("first", Number),
            may("last", Number),
            may("reason", Words),
        ],
    ),
];
