//! How much memory a component may have, all its linear memories together.

use wasmtime::ResourceLimiter;

use crate::limits::{PARTS, TABLE_ENTRIES};

/// The cap of one store.
#[derive(Debug)]
pub(crate) struct MemoryCap {
    limit: u64,
    used: u64,
    refused: bool,
}

impl MemoryCap {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            used: 0,
            refused: false,
        }
    }

    /// An empty store's cap with the same limit.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Before a call: what was refused in an earlier one explains nothing.
    pub(crate) fn begin_call(&mut self) {
        self.refused = false;
    }

    /// Linear memory in use, bytes.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Why memory was refused, where it was.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refused.then(|| {
            format!(
                "it wanted more than its {} of memory (memory limit)",
                bytes(self.limit)
            )
        })
    }
}

/// Bytes in words.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1024 => format!("{n} bytes"),
        1024..1_048_576 => format!("{} KiB", n / 1024),
        _ => format!("{} MiB", n / 1_048_576),
    }
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        let fits = self.used.saturating_add(more) <= self.limit;
        if fits {
            self.used += more;
        } else {
            self.refused = true;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ENTRIES)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together() {
        let mut cap = MemoryCap::new(3 * 65_536);
        assert!(cap.memory_growing(0, 2 * 65_536, None).unwrap());
        assert!(!cap.memory_growing(0, 2 * 65_536, None).unwrap());
        assert!(cap.refusal().unwrap().contains("192 KiB"));
        cap.begin_call();
        assert_eq!(cap.refusal(), None);
        assert!(cap.memory_growing(2 * 65_536, 3 * 65_536, None).unwrap());
        assert_eq!(cap.used(), 3 * 65_536);
    }
}
