//! First-party handler: vpd-control.
