//! The one way to an actuator: requests become claims or refusals, claims become transitions; all pure.
