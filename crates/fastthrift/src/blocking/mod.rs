//! Clients that block, for programs without tokio.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use fastthrift::blocking::Channel;
//!
//! let channel = Channel::builder("tcp://localhost:9090").timeout(Duration::from_secs(1)).connect()?;
//! # Ok::<(), fastthrift::CallError>(())
//! ```

mod builder;
mod channel;
mod interceptor;
mod link;
#[cfg(feature = "blocking-tls")]
mod secure;
mod stream;

pub use builder::ChannelBuilder;
pub use channel::Channel;
pub use interceptor::{Interceptor, Next};
