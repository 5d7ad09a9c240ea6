//! Calls from here to elsewhere.

mod builder;
mod channel;
mod connection;
mod driver;
mod layered;
mod pool;
mod receiving;
mod retry;
mod state;
mod waiters;
mod waiting;

pub use builder::ChannelBuilder;
pub use channel::Channel;
pub use retry::Retry;
