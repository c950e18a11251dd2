//! Formulae of the air and the growth stages, shared by host and handlers; no dependencies.
