//! The fields that a caller wants, compiled once and kept for the next calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastthrift_dynamic::StructPlan;
use fastthrift_schema::StructId;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyString, PyTuple};

use crate::given::refused;
use crate::object::{Ref, borrowed, held, type_name};
use crate::registry::Registry;
use fastthrift_codegen::python::names::field_names;

/// How many choices of fields are kept a schema.
const KEPT: usize = 32;
/// How many fields a choice may name to be kept.
const KEPT_FIELDS: usize = 256;

/// The choices that were last made, the latest first.
#[derive(Default)]
pub(crate) struct Selections(Mutex<Vec<Selection>>);

struct Selection {
    id: StructId,
    fields: Box<[Py<PyString>]>,
    plan: Arc<StructPlan>,
}

impl Selections {
    fn find(&self, id: StructId, fields: &[Bound<'_, PyString>]) -> Option<Arc<StructPlan>> {
        let mut kept = self.lock();
        let place = kept.iter().position(|kept| kept.id == id && are_same(&kept.fields, fields))?;
        kept[..=place].rotate_right(1);
        kept.first().map(|kept| Arc::clone(&kept.plan))
    }

    fn keep(&self, id: StructId, fields: &[Bound<'_, PyString>], plan: &Arc<StructPlan>) {
        if fields.len() > KEPT_FIELDS {
            return;
        }
        let fields = fields.iter().map(|field| field.clone().unbind()).collect();
        let mut kept = self.lock();
        kept.insert(0, Selection { id, fields, plan: Arc::clone(plan) });
        let len = kept.len().min(KEPT);
        let dropped = kept.split_off(len);
        // What is given back may not be so under the lock.
        drop(kept);
        drop(dropped);
    }

    /// Waits with the interpreter released: to read a name may be a moment at which it stops all threads.
    fn lock(&self) -> MutexGuard<'_, Vec<Selection>> {
        self.0.lock_py_attached(held()).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether these are the same names. They are exact strings, so no Python code runs to compare them.
fn are_same(kept: &[Py<PyString>], fields: &[Bound<'_, PyString>]) -> bool {
    kept.len() == fields.len()
        && kept.iter().zip(fields).all(|(kept, field)| {
            kept.as_ptr() == field.as_ptr() || kept.bind(field.py()).to_cow().ok() == field.to_cow().ok()
        })
}

/// The plan of a struct of which only these fields are wanted, an iterable of names and dotted paths; `None` for None, which stands for
/// all.
pub(crate) fn selected(registry: &Registry, id: StructId, fields: Ref) -> PyResult<Option<Arc<StructPlan>>> {
    if crate::class::is_none(fields) {
        return Ok(None);
    }
    let fields = names(&borrowed(held(), fields))?;
    if let Some(plan) = registry.selections().find(id, &fields) {
        return Ok(Some(plan));
    }
    let paths = fields.iter().map(|field| field.to_str()).collect::<PyResult<Vec<_>>>()?;
    let plan = registry.plans().select_named(id, paths, &|structure| field_names(structure));
    let plan = plan.map_err(|error| refused(&error))?;
    registry.selections().keep(id, &fields, &plan);
    Ok(Some(plan))
}

fn names<'py>(fields: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyString>>> {
    let wrong = |found: &Bound<'_, PyAny>| {
        let found = type_name(found.as_ptr());
        PyTypeError::new_err(format!(
            "fields must be an iterable of names such as ['name', 'address.city'], got {found}"
        ))
    };
    if fields.is_instance_of::<PyString>() {
        return Err(wrong(fields));
    }
    let all = if let Ok(all) = fields.cast_exact::<PyTuple>() {
        all.clone()
    } else {
        let iterator = fields.try_iter().map_err(|_| wrong(fields))?;
        PyTuple::new(fields.py(), iterator.collect::<PyResult<Vec<_>>>()?)?
    };
    let exact = |name: Bound<'py, PyAny>| match name.cast_into_exact::<PyString>() {
        Ok(name) => Ok(name),
        // A subclass of `str` may compare as it likes; its text counts.
        Err(error) => {
            let name = error.into_inner();
            let text = name.cast::<PyString>().map_err(|_| wrong(&name))?;
            Ok(PyString::new(name.py(), text.to_str()?))
        }
    };
    all.iter().map(exact).collect()
}
