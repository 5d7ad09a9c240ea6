use std::time::Duration;

use super::{Error, Function, Service, StructValue, Value};
use crate::{CallError, Channel};

/// Calls the functions of a service by their names.
///
/// ```no_run
/// use fastthrift::Channel;
/// use fastthrift::dynamic::{Client, Idl, fields};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let idl = Idl::load("idl/calculator.thrift")?;
/// let client = Client::new(Channel::connect("tcp://localhost:9090").await?, idl.service("Calculator")?);
/// let sum = client.call("add", fields! { a: 2, b: 3 }).await?;
/// assert_eq!(sum.as_i64(), Some(5));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    service: Service,
}

impl Client {
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

    /// Calls a function with these arguments, and gives what it returns: [`Value::Null`] where that is nothing, and for a
    /// function that is not answered as soon as the call can be sent.
    ///
    /// An argument that is not given has its default value, and is missed where there is none. A [`Value::Null`] leaves it out.
    ///
    /// # Errors
    /// The service has no such function; the arguments are not what it takes, which an error says with the way to what is
    /// wrong; an exception that the function declares; and all that can happen to a call.
    pub async fn call(&self, function: &str, arguments: impl Into<StructValue>) -> Result<Value, Error> {
        self.call_function(self.service.function(function)?, &arguments.into()).await
    }

    /// The same for a function that was looked up before.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_function(&self, function: &Function, arguments: &StructValue) -> Result<Value, Error> {
        let mut wrong = None;
        let pending = self.channel.start(function.call(), &mut |protocol, body| {
            function.write_arguments(protocol, arguments, body).map_err(|error| {
                wrong = Some(error.clone());
                CallError::encode(error)
            })
        });
        if let Some(error) = wrong {
            return Err(Error::Arguments { function: function.name().into(), error });
        }
        match pending.kept().await? {
            Some(reply) => function.read_result(reply.protocol, &reply.body, self.channel.limits()),
            None if function.is_oneway() => Ok(Value::Null),
            None => Err(CallError::missing_result(function.name()).into()),
        }
    }
}
