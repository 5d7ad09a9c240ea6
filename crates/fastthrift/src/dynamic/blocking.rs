use std::time::Duration;

use super::{Error, Function, Service, StructValue, Value};
use crate::CallError;
use crate::blocking::Channel;

/// Calls the functions of a service by their names, and blocks: see [`super::Client`] for what calls take and give.
#[derive(Debug, Clone)]
pub struct BlockingClient {
    channel: Channel,
    service: Service,
}

impl BlockingClient {
    /// Calls this service through this channel.
    pub fn new(channel: Channel, service: Service) -> Self {
        Self { channel, service }
    }

    /// What it calls through.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// What it calls.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The same, with another time-out for each call; `None` is none.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { channel: self.channel.with_timeout(timeout), service: self.service.clone() }
    }

    /// The same, with one more header for each call. Headers travel over the Header transport and HTTP.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        Self { channel: self.channel.with_header(name, value), service: self.service.clone() }
    }

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
        let (mut wrong, limits) = (None, self.channel.limits());
        let outcome = self.channel.carry(
            function.call(),
            &mut |protocol| {
                let mut body = Vec::new();
                match function.write_arguments(protocol, arguments, &mut body) {
                    Ok(()) => Ok(body),
                    Err(error) => {
                        wrong = Some(error.clone());
                        Err(CallError::encode(error))
                    }
                }
            },
            // What a result says is no matter of the connection.
            |protocol, body| Ok(function.read_result(protocol, body, limits)),
        );
        if let Some(error) = wrong {
            return Err(Error::Arguments { function: function.name().into(), error });
        }
        match outcome? {
            Some(result) => result,
            None if function.is_oneway() => Ok(Value::Null),
            None => Err(CallError::missing_result(function.name()).into()),
        }
    }
}
