use std::time::Duration;

use super::caller::client;
use super::{Error, Function, Service, StructValue, Value};
use crate::Channel;

client! {
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
    Client through Channel
}

impl Client {
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
        let pending = self
            .channel
            .start(function.call(), &mut |protocol, body| function.write_arguments(protocol, arguments, body));
        let limits = self.channel.limits();
        let called = pending.kept().await;
        function.outcome(
            called.map(|reply| {
                reply.map(|reply| function.read_result(reply.protocol, reply.body.source().bytes(), limits))
            }),
        )
    }
}
