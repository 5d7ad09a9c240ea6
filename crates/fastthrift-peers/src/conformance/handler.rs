//! What the service does, as `conformance.thrift` says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use fastthrift::{CallError, Request, Response, Service};

use super::MULTIPLEXED_NAME;
use crate::idl::conformance::{
    CheckError, CheckNothingError, Choice, Colour, Conformance, ConformanceServer, Defaults, Everything, Inner,
    Refused, TooLate, Tree,
};

/// Serves `Conformance`.
#[derive(Default)]
pub(super) struct Handler {
    notes: Mutex<BTreeSet<String>>,
}

/// The same service under the name that clients which multiplex know.
pub(super) struct Named(pub(super) ConformanceServer<Handler>);

impl Service for Named {
    fn name(&self) -> &str {
        MULTIPLEXED_NAME
    }

    async fn serve(&self, request: Request) -> Response {
        self.0.serve(request).await
    }
}

/// Functions that return what they are given.
macro_rules! echoes {
    ($($name:ident: $type:ty,)*) => {
        $(async fn $name(&self, value: $type) -> Result<$type, CallError> {
            Ok(value)
        })*
    };
}

impl Conformance for Handler {
    echoes! {
        echo_bool: bool,
        echo_i8: i8,
        echo_i16: i16,
        echo_i32: i32,
        echo_i64: i64,
        echo_double: f64,
        echo_string: String,
        echo_binary: Vec<u8>,
        echo_colour: Colour,
        echo_list: Vec<i32>,
        echo_set: BTreeSet<String>,
        echo_map: BTreeMap<String, i64>,
        echo_flags: Vec<bool>,
        echo_lists: BTreeMap<String, Vec<i32>>,
        echo_inner: Inner,
        echo_choice: Choice,
        echo_everything: Everything,
        echo_tree: Tree,
    }

    async fn nothing(&self) -> Result<(), CallError> {
        Ok(())
    }

    async fn defaults(&self) -> Result<Defaults, CallError> {
        Ok(Defaults::default())
    }

    async fn several(&self, a: i32, b: i32, c: i32) -> Result<i32, CallError> {
        Ok(a - b * c)
    }

    async fn check(&self, code: i32) -> Result<i32, CheckError> {
        match code {
            101.. => Err(TooLate { since: code.into() }.into()),
            0.. => Ok(code),
            _ => Err(refused(code).into()),
        }
    }

    async fn check_nothing(&self, code: i32) -> Result<(), CheckNothingError> {
        if code < 0 { Err(refused(code).into()) } else { Ok(()) }
    }

    async fn crash(&self) -> Result<(), CallError> {
        panic!("what only the server may know")
    }

    async fn note(&self, text: String) -> Result<(), CallError> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(text);
        Ok(())
    }

    async fn was_noted(&self, text: String) -> Result<bool, CallError> {
        Ok(self.notes.lock().unwrap_or_else(PoisonError::into_inner).contains(&text))
    }
}

fn refused(code: i32) -> Refused {
    Refused { reason: "below zero".to_owned(), code }
}
