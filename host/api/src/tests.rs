//! The edge over a real socket, with a host that lives in memory.
