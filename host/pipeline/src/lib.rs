//! The stages every event passes: admit, queue, validate, enrich, correlate, route; all pure.
