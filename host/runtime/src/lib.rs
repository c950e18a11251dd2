//! Plug-ins as WebAssembly components: load, check, run with limits, one actor each.
