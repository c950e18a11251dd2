//! Scenes of a whole room, by theme.

mod alerts;
mod batches;
mod button;
mod calls;
mod crashes;
mod events_clock;
mod full;
mod health;
mod loops;
mod names;
mod operator;
mod posts;
mod pulses;
mod ramps;
mod reconfigured;
mod requests;
mod safety;
mod silence;
mod strangers;
mod trust;
mod untrusted;
mod witness;
