//! Clients of both engines under one face: the methods of one that blocks are over when they are called.

use std::collections::{BTreeMap, BTreeSet};

use fastthrift::{CallError, Channel, blocking};

use crate::idl::conformance::{
    BlockingConformanceClient, BlockingLaterClient, CheckError, CheckNothingError, Choice, Colour, ConformanceClient,
    Defaults, Everything, LaterClient, LaterInner, Tree,
};

/// A channel of either engine.
pub(super) enum AnyChannel {
    Tokio(Channel),
    Blocking(blocking::Channel),
}

impl AnyChannel {
    /// The same connections, to call one of the several services that the server has.
    pub(super) fn with_service(&self, service: &str) -> Self {
        match self {
            Self::Tokio(channel) => Self::Tokio(channel.with_service(service)),
            Self::Blocking(channel) => Self::Blocking(channel.with_service(service)),
        }
    }
}

/// Defines a client of either engine with functions of both.
macro_rules! client {
    (
        $(#[$doc:meta])* $name:ident of $tokio:ident, $blocking:ident {
            $($function:ident($($argument:ident: $type:ty),*) -> $outcome:ty;)*
        }
    ) => {
        $(#[$doc])*
        pub(super) enum $name {
            Tokio($tokio),
            Blocking($blocking),
        }

        impl $name {
            pub(super) fn new(channel: AnyChannel) -> Self {
                match channel {
                    AnyChannel::Tokio(channel) => Self::Tokio($tokio::new(channel)),
                    AnyChannel::Blocking(channel) => Self::Blocking($blocking::new(channel)),
                }
            }

            $(pub(super) async fn $function(&self, $($argument: $type),*) -> $outcome {
                match self {
                    Self::Tokio(client) => client.$function($($argument),*).await,
                    Self::Blocking(client) => client.$function($($argument),*),
                }
            })*
        }
    };
}

client! {
    /// Calls `Conformance`.
    Client of ConformanceClient, BlockingConformanceClient {
        nothing() -> Result<(), CallError>;
        echo_bool(value: bool) -> Result<bool, CallError>;
        echo_i8(value: i8) -> Result<i8, CallError>;
        echo_i16(value: i16) -> Result<i16, CallError>;
        echo_i32(value: i32) -> Result<i32, CallError>;
        echo_i64(value: i64) -> Result<i64, CallError>;
        echo_double(value: f64) -> Result<f64, CallError>;
        echo_string(value: &str) -> Result<String, CallError>;
        echo_binary(value: &[u8]) -> Result<Vec<u8>, CallError>;
        echo_colour(value: Colour) -> Result<Colour, CallError>;
        echo_list(value: &[i32]) -> Result<Vec<i32>, CallError>;
        echo_set(value: &BTreeSet<String>) -> Result<BTreeSet<String>, CallError>;
        echo_map(value: &BTreeMap<String, i64>) -> Result<BTreeMap<String, i64>, CallError>;
        echo_flags(value: &[bool]) -> Result<Vec<bool>, CallError>;
        echo_lists(value: &BTreeMap<String, Vec<i32>>) -> Result<BTreeMap<String, Vec<i32>>, CallError>;
        echo_choice(value: &Choice) -> Result<Choice, CallError>;
        echo_everything(value: &Everything) -> Result<Everything, CallError>;
        echo_tree(value: &Tree) -> Result<Tree, CallError>;
        defaults() -> Result<Defaults, CallError>;
        several(a: i32, b: i32, c: i32) -> Result<i32, CallError>;
        check(code: i32) -> Result<i32, CheckError>;
        check_nothing(code: i32) -> Result<(), CheckNothingError>;
        crash() -> Result<(), CallError>;
        note(text: &str) -> Result<(), CallError>;
        was_noted(text: &str) -> Result<bool, CallError>;
    }
}

client! {
    /// Calls `Later`.
    Later of LaterClient, BlockingLaterClient {
        echo_inner(value: &LaterInner, more: &BTreeMap<i32, LaterInner>) -> Result<LaterInner, CallError>;
        not_yet() -> Result<(), CallError>;
    }
}
