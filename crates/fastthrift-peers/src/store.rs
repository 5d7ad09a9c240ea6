//! The server that peers which mean no good call.

use fastthrift::CallError;

use crate::Outcome;
use crate::idl::store::{Store, StoreServer, Tree};

/// Serves `Store`.
struct Handler;

impl Store for Handler {
    async fn count(&self, tree: Tree) -> Result<i32, CallError> {
        i32::try_from(tree.branches.len()).map_err(CallError::internal)
    }

    async fn echo(&self, text: String) -> Result<String, CallError> {
        Ok(text)
    }

    async fn blob(&self, size: i32) -> Result<Vec<u8>, CallError> {
        let size = usize::try_from(size).map_err(CallError::internal)?;
        Ok(vec![0; size])
    }
}

/// Serves until there is no more to read.
pub(crate) fn run(options: &str) -> Outcome {
    crate::serving::serve(StoreServer::new(Handler), options)
}
