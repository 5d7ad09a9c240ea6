//! The arguments of a call.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::class::place_by_name;
use crate::constant::Default;
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// Puts the arguments of a call into the order of the IDL.
pub(crate) fn bind(
    info: &FunctionInfo,
    registry: &Bound<'_, Registry>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<Object>> {
    let most = info.argument_names.len();
    if args.len() > most {
        return Err(PyTypeError::new_err(format!(
            "{}() takes at most {most} arguments, got {}",
            info.name,
            args.len()
        )));
    }
    if kwargs.is_none_or(PyDictMethods::is_empty) && args.len() == most {
        return Ok(args.iter().map(Object::from).collect());
    }
    let mut values: Vec<Option<Object>> = args.iter().map(|value| Some(Object::from(value))).collect();
    values.resize_with(most, || None);
    for (name, value) in kwargs.into_iter().flatten() {
        let place = place_by_name(&info.argument_names, name.as_ptr()).ok_or_else(|| {
            PyTypeError::new_err(format!("{}() got an unexpected keyword argument '{name}'", info.name))
        })?;
        if values[place].replace(value.into()).is_some() {
            return Err(PyTypeError::new_err(format!("{}() got several values for '{name}'", info.name)));
        }
    }
    let complete = |(place, value): (usize, Option<Object>)| match (value, &info.defaults[place]) {
        (Some(value), _) => Ok(value),
        (None, Default::None) => {
            let name = &info.argument_names[place];
            Err(PyTypeError::new_err(format!("{}() is missing the argument '{name}'", info.name)))
        }
        (None, default) => default.make(Some(registry)),
    };
    values.into_iter().enumerate().map(complete).collect()
}
