use std::future::Future;

use super::{Error, Function, Service, StructValue, Value};
use crate::body::Source;
use crate::{Call, Request, Response};

/// Serves all functions of a service. A closure is one: `|invocation| async move { ... }`.
pub trait Handler: Send + Sync + 'static {
    /// Carries out one call, and gives what the function returns: [`Value::Null`] where that is nothing. The future may be
    /// dropped when nobody waits for the answer any more.
    ///
    /// # Errors
    /// An [`super::Exception`] that the function declares is answered as such; anything else as the client is told of errors
    /// of generated handlers. What a dynamic client fails with can be handed on.
    fn handle(&self, invocation: Invocation) -> impl Future<Output = Result<Value, Error>> + Send;
}

impl<H, F> Handler for H
where
    H: Fn(Invocation) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Value, Error>> + Send,
{
    fn handle(&self, invocation: Invocation) -> impl Future<Output = Result<Value, Error>> + Send {
        self(invocation)
    }
}

/// One call of a function: what a handler gets.
#[derive(Debug)]
pub struct Invocation {
    function: Function,
    arguments: StructValue,
    call: Call,
}

impl Invocation {
    /// The function.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// The name of the function.
    pub fn name(&self) -> &str {
        self.function.name()
    }

    /// The arguments.
    pub fn arguments(&self) -> &StructValue {
        &self.arguments
    }

    /// An argument; [`Value::Null`] where it did not come.
    pub fn argument(&self, name: &str) -> &Value {
        self.arguments.get(name).unwrap_or(&Value::Null)
    }

    /// The arguments.
    pub fn into_arguments(self) -> StructValue {
        self.arguments
    }

    /// What is known of the call: headers, peer, deadline.
    pub fn call(&self) -> &Call {
        &self.call
    }
}

/// A service of the IDL with its handler, to be served alone or beside others, generated ones too.
///
/// ```no_run
/// use fastthrift::Server;
/// use fastthrift::dynamic::{Error, Exception, Idl, Invocation, Served, Value, fields};
///
/// async fn handle(invocation: Invocation) -> Result<Value, Error> {
///     let number = |name| invocation.argument(name).as_i64().unwrap_or_default();
///     match invocation.name() {
///         "add" => match i32::try_from(number("a") + number("b")) {
///             Ok(sum) => Ok(sum.into()),
///             Err(_) => Err(Exception::new("Overflow", fields! { message: "too large" }).into()),
///         },
///         _ => Ok(Value::Null),
///     }
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let idl = Idl::load("idl/calculator.thrift")?;
/// let calculator = Served::new(idl.service("Calculator")?, handle);
/// Server::builder(calculator).bind("tcp://127.0.0.1:9090").await?.serve().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Served<H> {
    service: Service,
    handler: H,
}

impl<H: Handler> Served<H> {
    /// Serves this service by this handler.
    pub fn new(service: Service, handler: H) -> Self {
        Self { service, handler }
    }
}

impl<H: Handler> crate::Service for Served<H> {
    fn name(&self) -> &str {
        self.service.name()
    }

    async fn serve(&self, request: Request) -> Response {
        let Ok(function) = self.service.function(request.function()) else {
            return request.unknown(self.service.name());
        };
        let read =
            |protocol, body: Source<'_>, limits| Ok((function.read_arguments(protocol, body.bytes(), limits)?, None));
        let arguments = match request.read(read) {
            Ok(arguments) => arguments,
            Err(error) => return request.fail(error),
        };
        let invocation = Invocation { function: function.clone(), arguments, call: request.call().clone() };
        match self.handler.handle(invocation).await {
            _ if function.is_oneway() => request.finish(),
            Ok(value) => request.reply_by(|protocol, out| function.write_value(protocol, &value, out)),
            Err(Error::Exception(exception)) => {
                request.reply_by(|protocol, out| function.write_exception(protocol, exception, out))
            }
            Err(Error::Call(error)) => request.fail(error),
            Err(error) => request.fail(crate::CallError::internal(error)),
        }
    }
}
