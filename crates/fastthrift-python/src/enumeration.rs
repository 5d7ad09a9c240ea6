//! The Python classes of enums.

use fastthrift_schema::{Enum, Schema};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};

use crate::module::documentation;
use crate::object::Object;
use std::sync::Arc;

use fastthrift_codegen::python::names::enum_member_names;

/// An enum's class, and its values by number.
pub(crate) struct EnumEntry {
    class: Py<PyType>,
    values: Arc<Lookup>,
}

/// Values by number: a table where the numbers lie close together, else a sorted list.
enum Lookup {
    Dense { first: i32, values: Box<[Option<Object>]> },
    Sparse(Box<[(i32, Object)]>),
}

impl EnumEntry {
    pub(crate) fn create(
        py: Python<'_>,
        schema: &Schema,
        enumeration: &Enum,
        name: &str,
        module: &str,
    ) -> PyResult<Self> {
        let names = enum_member_names(enumeration);
        let members = PyList::empty(py);
        for (name, value) in names.iter().zip(&enumeration.values) {
            members.append((PyString::intern(py, name), value.value))?;
        }
        let make = py.import("fastthrift._enum")?.getattr("make_enum")?;
        let (program, doc) = (enumeration.program, enumeration.doc.as_deref());
        let doc = documentation(schema, program, doc, "enum", &enumeration.name);
        let class = make.call1((name, members, module, doc))?.cast_into::<PyType>()?;
        let mut values = Vec::new();
        for value in &enumeration.values {
            values.push((value.value, Object::from(class.call1((value.value,))?)));
        }
        Ok(Self { class: class.unbind(), values: Arc::new(Lookup::new(values)) })
    }

    /// The same class, for another registry.
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { class: self.class.clone_ref(py), values: Arc::clone(&self.values) }
    }

    pub(crate) fn class<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyType> {
        self.class.bind(py)
    }

    pub(crate) fn class_ref(&self) -> &Py<PyType> {
        &self.class
    }

    /// The value with this number; one that the IDL does not name becomes a pseudo-member.
    #[inline]
    pub(crate) fn value(&self, py: Python<'_>, number: i32) -> PyResult<Object> {
        match self.values.get(number) {
            Some(value) => Ok(value.clone()),
            // What calling the class comes to; but a class without any members cannot be called.
            None => Ok(self.class.bind(py).call_method1(intern!(py, "_missing_"), (number,))?.into()),
        }
    }
}

impl Lookup {
    fn new(mut values: Vec<(i32, Object)>) -> Self {
        values.sort_by_key(|(number, _)| *number);
        values.dedup_by_key(|(number, _)| *number);
        let first = values.first().map_or(0, |(number, _)| *number);
        let span = values.last().map_or(0, |(last, _)| i64::from(*last) - i64::from(first) + 1);
        match usize::try_from(span) {
            Ok(span) if span <= values.len() * 4 + 16 => {
                let mut table: Vec<Option<Object>> = (0..span).map(|_| None).collect();
                for (number, value) in values {
                    table[number.abs_diff(first) as usize] = Some(value);
                }
                Self::Dense { first, values: table.into() }
            }
            _ => Self::Sparse(values.into()),
        }
    }

    #[inline]
    fn get(&self, number: i32) -> Option<&Object> {
        match self {
            Self::Dense { first, values } => {
                let place = i64::from(number) - i64::from(*first);
                usize::try_from(place).ok().and_then(|place| values.get(place)).and_then(Option::as_ref)
            }
            Self::Sparse(values) => {
                values.binary_search_by_key(&number, |(number, _)| *number).ok().map(|place| &values[place].1)
            }
        }
    }
}
