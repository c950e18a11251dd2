//! The HTTP edge: events in, answers and streams out.
