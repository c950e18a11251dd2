//! Every bound a plug-in meets, with the reason for its size.

use std::time::Duration;

/// Largest component. A Python plug-in has 18 MB; nothing honest is much larger.
pub const COMPONENT_BYTES: u64 = 64 * 1024 * 1024;

/// CPU time of `describe` and `start`, which may unpack tables or warm an interpreter.
pub const START_CPU: Duration = Duration::from_secs(1);

/// Machine time a call may take, as a multiple of its CPU time: a busy machine is not
/// the plug-in's fault, a call that never returns is somebody's.
pub const MACHINE_TIMES: u32 = 10;

/// How often a running call is looked at. Deadlines are that exact.
pub const TICK: Duration = Duration::from_millis(5);

/// Most effects of one batch.
pub const EFFECTS: usize = 1024;

/// Most bytes a guest hands over in one call, to the host or as a result. Checked while
/// they are lifted, so that a huge list never becomes host memory.
pub const CALL_BYTES: usize = 1024 * 1024;

/// Most calls of the host within one call of the guest: 650 000 fit into 50 ms.
pub const HOST_CALLS: u32 = 100_000;

/// Most reads of history within one call of the guest; their time is the host's.
pub const HISTORY_CALLS: u32 = 64;

/// Most events or samples one read of history answers.
pub const HISTORY_ROWS: u32 = 10_000;

/// Log lines of one call that are kept; the rest is counted.
pub const LOG_LINES: u32 = 64;

/// Bytes of one log line that are kept.
pub const LOG_LINE_BYTES: usize = 1024;

/// Log lines of one plug-in that are kept for people.
pub const JOURNAL_LINES: usize = 100;

/// Longest key of stored state.
pub const STATE_KEY_BYTES: usize = 128;

/// Largest value of stored state.
pub const STATE_VALUE_BYTES: usize = 256 * 1024;

/// Most keys one listing answers.
pub const STATE_KEYS: u32 = 1000;

/// Longest reason, fault or summary in words.
pub const WORDS_BYTES: usize = 4 * 1024;

/// Most causes of one effect.
pub const CAUSES: usize = 64;

/// Largest body of an outbound call.
pub const CALL_BODY_BYTES: usize = 64 * 1024;

/// Most entries of any list in a manifest.
pub const MANIFEST_ENTRIES: usize = 128;

/// Shortest tick a plug-in may ask for: climate does not change faster.
pub const SHORTEST_TICK: Duration = Duration::from_secs(1);

/// Address space of the compiling child: a component of 18 MB took 390 MB, a bomb 6.5 GB.
pub const COMPILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How long compiling may take: 12 s were measured on two cores, a small board is slower.
pub const COMPILE_TIME: Duration = Duration::from_secs(60);

/// Linear memories, tables and instances of one component: languages with an adapter
/// module need a handful.
pub const PARTS: usize = 64;

/// Entries of one table.
pub const TABLE_ENTRIES: usize = 100_000;
