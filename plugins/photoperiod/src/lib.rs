//! First-party handler: photoperiod.
