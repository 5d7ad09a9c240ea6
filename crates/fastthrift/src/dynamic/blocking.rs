use std::time::Duration;

use super::caller::client;
use super::{Error, Function, Service, StructValue, Value};
use crate::blocking::Channel;

client! {
    /// Calls the functions of a service by their names, and blocks: see [`super::Client`] for what calls take and give.
    BlockingClient through Channel
}

impl BlockingClient {
    /// Calls a function with these arguments, and gives what it returns.
    ///
    /// # Errors
    /// Those of an asynchronous client's calls.
    pub fn call(&self, function: &str, arguments: impl Into<StructValue>) -> Result<Value, Error> {
        self.call_function(self.service.function(function)?, &arguments.into())
    }

    /// The same for a function that was looked up before.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_function(&self, function: &Function, arguments: &StructValue) -> Result<Value, Error> {
        let limits = self.channel.limits();
        function.outcome(self.channel.carry(
            function.call(),
            &mut |protocol| {
                let mut body = Vec::new();
                function.write_arguments(protocol, arguments, &mut body).map(|()| body)
            },
            // What a result says is no matter of the connection.
            |protocol, body| Ok(function.read_result(protocol, body, limits)),
        ))
    }
}
