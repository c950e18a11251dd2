//! The first-party components, inside the binary.

static COMPONENTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// The component of a first-party plug-in, where this build has it.
pub(super) fn component(id: &str) -> Option<&'static [u8]> {
    COMPONENTS
        .iter()
        .find(|(name, _)| *name == id)
        .map(|(_, code)| *code)
}

/// The ids of all of them.
pub(super) fn ids() -> Vec<&'static str> {
    COMPONENTS.iter().map(|(name, _)| *name).collect()
}
