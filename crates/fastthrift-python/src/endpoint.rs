//! Where a service is reached, as a URL names it.

pub(crate) use fastthrift_rpc::{Address, Endpoint};
