//! Calls from here to elsewhere.

mod builder;
mod channel;
mod connection;
mod driver;
mod pool;
mod waiting;

pub use builder::ChannelBuilder;
pub use channel::Channel;
