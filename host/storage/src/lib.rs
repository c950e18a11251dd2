//! What must survive, in SQLite: the event log, state and cursors, switch records, retention.
