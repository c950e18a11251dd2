//! The vocabulary of growbox: events, readings, requests, verdicts, views and ports; no input or output, no clock.
