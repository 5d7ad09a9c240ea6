//! The services `Base` and `Calculator`, as generated code looks:
//!
//! ```thrift
//! exception Overflow { 1: string message; 2: i32 limit }
//! service Base { void ping() }
//! service Calculator extends Base {
//!   i32 add(1: i32 a, 2: i32 b) throws (1: Overflow overflow)
//!   string greet(1: string name) (idempotent = "true")
//!   oneway void log(1: string line)
//! }
//! ```
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    reason = "each test uses a part of what others would export"
)]

mod handler;
mod types;

use std::fmt;
use std::future::Future;

use fastthrift::{CallError, Channel, Function, Request, Response, Service};
pub use handler::Handler;
pub use types::Overflow;
use types::{AddArguments, AddResult, GreetArguments, GreetResult, LogArguments, PingArguments, PingResult};

/// What a server of `Base` does.
pub trait Base: Send + Sync + 'static {
    /// Does nothing.
    fn ping(&self) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// What a server of `Calculator` does.
pub trait Calculator: Base {
    /// Adds two numbers.
    fn add(&self, a: i32, b: i32) -> impl Future<Output = Result<i32, AddError>> + Send;
    /// Greets somebody.
    fn greet(&self, name: String) -> impl Future<Output = Result<String, CallError>> + Send;
    /// Notes a line.
    fn log(&self, line: String) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Why `add` fails.
#[derive(Debug, Clone)]
pub enum AddError {
    /// The sum is too large.
    Overflow(Overflow),
    /// Anything else.
    Call(CallError),
}

impl From<Overflow> for AddError {
    fn from(error: Overflow) -> Self {
        Self::Overflow(error)
    }
}

impl From<CallError> for AddError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl std::error::Error for AddError {}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
        }
    }
}

/// Serves `Base` by a handler.
#[derive(Debug)]
pub struct BaseServer<H>(H);

impl<H: Base> BaseServer<H> {
    /// Serves by this handler.
    pub fn new(handler: H) -> Self {
        Self(handler)
    }
}

impl<H: Base> Service for BaseServer<H> {
    fn name(&self) -> &'static str {
        "Base"
    }

    async fn serve(&self, request: Request) -> Response {
        serve_base(&self.0, request, "Base").await
    }
}

/// Serves the functions of `Base`, for those services that extend it too.
pub async fn serve_base<H: Base>(handler: &H, request: Request, service: &str) -> Response {
    match request.function() {
        "ping" => {
            let _: PingArguments = match request.arguments() {
                Ok(arguments) => arguments,
                Err(error) => return request.fail(error),
            };
            match handler.ping().await {
                Ok(()) => request.reply(&PingResult {}),
                Err(error) => request.fail(error),
            }
        }
        _ => request.unknown(service),
    }
}

/// Serves `Calculator` by a handler.
#[derive(Debug)]
pub struct CalculatorServer<H>(H);

impl<H: Calculator> CalculatorServer<H> {
    /// Serves by this handler.
    pub fn new(handler: H) -> Self {
        Self(handler)
    }
}

impl<H: Calculator> Service for CalculatorServer<H> {
    fn name(&self) -> &'static str {
        "Calculator"
    }

    async fn serve(&self, request: Request) -> Response {
        serve_calculator(&self.0, request, "Calculator").await
    }
}

/// Serves the functions of `Calculator` and of those that it extends.
pub async fn serve_calculator<H: Calculator>(handler: &H, request: Request, service: &str) -> Response {
    match request.function() {
        "add" => {
            let arguments: AddArguments = match request.arguments() {
                Ok(arguments) => arguments,
                Err(error) => return request.fail(error),
            };
            match handler.add(arguments.a, arguments.b).await {
                Ok(success) => request.reply(&AddResult { success: Some(success), overflow: None }),
                Err(AddError::Overflow(overflow)) => {
                    request.reply(&AddResult { success: None, overflow: Some(overflow) })
                }
                Err(AddError::Call(error)) => request.fail(error),
            }
        }
        "greet" => {
            let arguments: GreetArguments<String> = match request.arguments() {
                Ok(arguments) => arguments,
                Err(error) => return request.fail(error),
            };
            match handler.greet(arguments.name).await {
                Ok(success) => request.reply(&GreetResult { success: Some(success) }),
                Err(error) => request.fail(error),
            }
        }
        "log" => {
            let arguments: LogArguments<String> = match request.arguments() {
                Ok(arguments) => arguments,
                Err(error) => return request.fail(error),
            };
            match handler.log(arguments.line).await {
                Ok(()) => request.finish(),
                Err(error) => request.fail(error),
            }
        }
        _ => serve_base(handler, request, service).await,
    }
}

/// Calls `Calculator`.
#[derive(Debug, Clone)]
pub struct CalculatorClient {
    channel: Channel,
}

impl CalculatorClient {
    /// Calls through this channel.
    pub fn new(channel: Channel) -> Self {
        Self { channel }
    }

    /// What it calls through.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Does nothing.
    pub async fn ping(&self) -> Result<(), CallError> {
        let _: PingResult = self.channel.call(&Function::new("ping"), &PingArguments {}).await?;
        Ok(())
    }

    /// Adds two numbers.
    pub async fn add(&self, a: i32, b: i32) -> Result<i32, AddError> {
        let result: AddResult = self.channel.call(&Function::new("add"), &AddArguments { a, b }).await?;
        match result {
            AddResult { overflow: Some(error), .. } => Err(error.into()),
            AddResult { success: Some(success), .. } => Ok(success),
            AddResult { success: None, overflow: None } => Err(CallError::missing_result("add").into()),
        }
    }

    /// Greets somebody.
    pub async fn greet(&self, name: &str) -> Result<String, CallError> {
        let result: GreetResult =
            self.channel.call(&Function::new("greet").idempotent(), &GreetArguments { name }).await?;
        result.success.ok_or_else(|| CallError::missing_result("greet"))
    }

    /// Notes a line.
    pub async fn log(&self, line: &str) -> Result<(), CallError> {
        self.channel.oneway(&Function::oneway("log"), &LogArguments { line }).await
    }
}

/// Calls `Calculator`, and blocks.
#[cfg(feature = "blocking")]
#[derive(Debug, Clone)]
pub struct BlockingCalculatorClient {
    channel: fastthrift::blocking::Channel,
}

#[cfg(feature = "blocking")]
impl BlockingCalculatorClient {
    /// Calls through this channel.
    pub fn new(channel: fastthrift::blocking::Channel) -> Self {
        Self { channel }
    }

    /// Adds two numbers.
    pub fn add(&self, a: i32, b: i32) -> Result<i32, AddError> {
        let result: AddResult = self.channel.call(&Function::new("add"), &AddArguments { a, b })?;
        match result {
            AddResult { overflow: Some(error), .. } => Err(error.into()),
            AddResult { success: Some(success), .. } => Ok(success),
            AddResult { success: None, overflow: None } => Err(CallError::missing_result("add").into()),
        }
    }

    /// Greets somebody.
    pub fn greet(&self, name: &str) -> Result<String, CallError> {
        let result: GreetResult = self.channel.call(&Function::new("greet").idempotent(), &GreetArguments { name })?;
        result.success.ok_or_else(|| CallError::missing_result("greet"))
    }

    /// Notes a line.
    pub fn log(&self, line: &str) -> Result<(), CallError> {
        self.channel.oneway(&Function::oneway("log"), &LogArguments { line })
    }
}
