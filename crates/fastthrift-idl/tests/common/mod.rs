//! What the tests share: the folder of test data that is not kept in the repository.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

/// A folder of shared test data, or none, with a notice, when it is not there. `FASTTHRIFT_SHARED` says where the shared folder is; without
/// it that is `../shared` beside the workspace.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = std::env::var_os("FASTTHRIFT_SHARED").map_or_else(beside, PathBuf::from).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there; FASTTHRIFT_SHARED can say where it is", path.display());
    None
}

/// All `.thrift` files below a folder, sorted.
pub(crate) fn thrift_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "thrift") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
