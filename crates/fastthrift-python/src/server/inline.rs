//! Which plain handlers run on an event loop's own thread.

use std::collections::HashSet;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use super::services::Services;
use crate::given::{refused, shown};

/// Which plain handlers run on the loop's own thread.
pub(crate) enum Inline {
    All,
    These(HashSet<String>),
}

impl Inline {
    /// Takes what a user gave: True, False, or the names of functions that there are.
    pub(super) fn new(given: &Bound<'_, PyAny>, services: &Services) -> PyResult<Self> {
        if let Ok(all) = given.cast::<PyBool>() {
            return Ok(if all.is_true() { Self::All } else { Self::These(HashSet::new()) });
        }
        let wrong = || {
            let text = "inline must be True, False or a list of the names of functions";
            PyTypeError::new_err(format!("{text}, got {}", shown(given)))
        };
        // Each letter of a text would be a name.
        let listed = if given.is_instance_of::<PyString>() { None } else { names(given).ok() };
        let names = listed.ok_or_else(wrong)?;
        if let Some(name) = names.iter().find(|name| !services.has(name.as_bytes())) {
            return Err(refused(&format!("inline names '{name}', which no service has as a function")));
        }
        Ok(Self::These(names))
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(name),
        }
    }
}

fn names(given: &Bound<'_, PyAny>) -> PyResult<HashSet<String>> {
    given.try_iter()?.map(|name| name?.extract::<String>()).collect()
}
