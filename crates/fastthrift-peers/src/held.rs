//! What the process holds, for who looks for leaks.

use std::fs;

use serde::Serialize;
use tokio::runtime::Handle;

/// The size of a page of memory, as on all systems that this is tested on.
const PAGE: usize = 4096;

/// What the process holds now.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    /// Open descriptors.
    descriptors: usize,
    /// Threads of the system.
    threads: usize,
    /// Tasks of the runtime that have not ended.
    tasks: usize,
    /// Resident memory.
    bytes: usize,
}

impl Held {
    /// Looks, with a runtime whose tasks are counted.
    pub(crate) fn now(runtime: &Handle) -> std::io::Result<Self> {
        let pages = fs::read_to_string("/proc/self/statm")?;
        let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
        Ok(Self {
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            threads: fs::read_dir("/proc/self/task")?.count(),
            tasks: runtime.metrics().num_alive_tasks(),
            bytes: resident.unwrap_or(0) * PAGE,
        })
    }
}
