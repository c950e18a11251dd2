//! The turn: one event's whole way, top to bottom, over ports.
