//! Ways to carry the bytes of a conversation.

mod blocking;
mod memory;

pub use blocking::{BlockingClient, BlockingPair, BlockingServer};
