//! A guest that never finishes describing itself.

use growbox_sdk::prelude::*;
use growbox_sdk::wire::Manifest;
use std::hint::black_box;

/// Has nothing to set.
#[derive(Debug, Settings)]
pub struct EndlessDescribe {}

impl Handler for EndlessDescribe {
    type State = ();

    fn handle(&self, _: &Room, (): &mut (), _: &mut Effects) -> Outcome {
        Ok(())
    }
}

/// By hand, since the attribute `plugin` writes one that ends.
impl Plugin for EndlessDescribe {
    fn manifest() -> Manifest {
        loop {
            black_box(());
        }
    }
}

growbox_sdk::export_plugin!(EndlessDescribe);
