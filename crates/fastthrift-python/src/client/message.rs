//! A call's arguments on their way into a connection's buffer, and its result on its way out: the same for every client.

use fastthrift_dynamic::{EncodeError, EncodeErrorKind};
use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, DecodeError, PathStep, Sink};
use fastthrift_rpc::{CallError, ClientConnection, Span};
use pyo3::prelude::*;

use crate::class::{is_none, none};
use crate::codec::{decode_fields, encode_fields};
use crate::error::application_error;
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;
use crate::settings::Settings;

/// Why a call is not in the connection's buffer.
pub(crate) enum Unsent {
    /// An argument is not what the IDL says. A Python exception may be set.
    Encode(EncodeError),
    /// The connection takes no such call.
    Call(CallError),
}

/// Writes the struct of a call's arguments. Where there was no room, the sink knows.
pub(crate) fn write_arguments(
    registry: &Registry,
    info: &FunctionInfo,
    values: &[Object],
    settings: &Settings,
    sink: &mut impl Sink,
) -> Result<(), EncodeError> {
    let plan = registry.plans().structure(info.arguments);
    let written = encode_fields(registry, plan, settings, sink, |field| {
        values.get(field.index).map(Object::as_ptr).filter(|&value| !is_none(value))
    });
    match written {
        Err(error) if *error.kind() != EncodeErrorKind::NoRoom => {
            Err(error.within(PathStep::Field((*info.name).into())))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Reads the result that the connection handed out last. After an error, where the body ends cannot be known.
pub(crate) fn read_result(
    registry: &Bound<'_, Registry>,
    info: &FunctionInfo,
    connection: &mut ClientConnection,
    body: Span,
    settings: &Settings,
) -> Result<ResultFields, DecodeError> {
    let plan = registry.get().plans().structure(info.result);
    let mut fields = ResultFields::default();
    let read = decode_fields(registry, plan, settings, connection.bytes(body), |field, value| {
        fields.set(field.index, value);
    });
    let len = read.map_err(|error| error.within(PathStep::Field((*info.name).into())))?;
    connection.body_read(len);
    Ok(fields)
}

/// The fields of a result that are set: a value or an exception, seldom both.
#[derive(Default)]
pub(crate) struct ResultFields {
    first: Option<Object>,
    others: Option<Object>,
}

impl ResultFields {
    fn set(&mut self, index: usize, value: Object) {
        match index {
            0 => self.first = Some(value),
            _ => self.others = Some(value),
        }
    }

    /// Field 0 is the value, unless the function is void; all others are exceptions.
    pub(crate) fn into_result<'py>(self, py: Python<'py>, info: &FunctionInfo) -> PyResult<Bound<'py, PyAny>> {
        let (value, raised) = match info.returns {
            Some(_) => (self.first, self.others),
            None => (None, self.others.or(self.first)),
        };
        if let Some(value) = value {
            return Ok(value.into_bound(py));
        }
        if let Some(raised) = raised {
            return Err(PyErr::from_value(raised.into_bound(py)));
        }
        if info.returns.is_none() {
            return Ok(none().into_bound(py));
        }
        let text = format!("the reply of '{}' holds neither a value nor a declared exception", info.name);
        Err(application_error(py, &ApplicationException::new(ApplicationExceptionKind::MISSING_RESULT, text)))
    }
}
