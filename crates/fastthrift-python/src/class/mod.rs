//! The Python classes of structs, unions and exceptions.
//!
//! A class has real `__slots__`; their offsets are read once from the member descriptors, and the codecs load and store there. A
//! metaclass keeps, in each class, a pointer to its [`ClassInfo`].

mod behaviour;
mod compare;
mod create;
mod equality;
mod instance;
mod members;
mod meta;
mod spare;
mod text;

use std::sync::Arc;

use fastthrift_schema::{StructId, StructKind};
use pyo3::types::{PyString, PyType};
use pyo3::{Py, Python, ffi};

pub(crate) use behaviour::frozen_dict_type;
pub(crate) use create::{create, member_offset};
pub(crate) use instance::{Slots, complete, is_none, new_instance, none, place_by_name};
pub(crate) use members::Members;
pub(crate) use meta::{add_flag, bases, info_of, registry_of, shared_info_of};

pub(crate) use spare::Spare;

use crate::constant::Default;

/// What the codecs and the class's own methods know of a class.
pub(crate) struct ClassInfo {
    /// The struct.
    pub(crate) id: StructId,
    /// What it was declared as.
    pub(crate) kind: StructKind,
    /// The name of each field as a Python attribute, interned, in the order of the IDL.
    pub(crate) names: Box<[Py<PyString>]>,
    /// Where each field lives.
    pub(crate) layout: Layout,
    /// What the descriptors of a union's members point to; nobody else reads it.
    pub(crate) _members: Option<Members>,
    /// What each field is when it is not given.
    pub(crate) defaults: Box<[Default]>,
    /// Whether instances can be part of a reference cycle, so that the garbage collector must know them.
    pub(crate) is_tracked: bool,
    /// How many bytes of memory an instance takes, with its numbers and empty texts.
    pub(crate) memory: usize,
    /// Freed instances of the generated class itself.
    pub(crate) spare: Spare,
}

/// How a class keeps its fields.
pub(crate) enum Layout {
    /// In slots at these offsets, in the order of the IDL.
    Slots(Box<[usize]>),
    /// As attributes of a `__dict__`, under [`ClassInfo::names`].
    Attributes,
}

impl ClassInfo {
    /// The offsets of the slots; empty for the attribute layout.
    #[inline]
    pub(crate) fn offsets(&self) -> &[usize] {
        match &self.layout {
            Layout::Slots(offsets) => offsets,
            Layout::Attributes => &[],
        }
    }
}

/// A class together with what is known of it.
pub(crate) struct ClassEntry {
    class: Py<PyType>,
    pub(crate) info: Arc<ClassInfo>,
}

impl ClassEntry {
    pub(crate) fn new(class: Py<PyType>, info: Arc<ClassInfo>) -> Self {
        Self { class, info }
    }

    /// The same class, for another registry.
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { class: self.class.clone_ref(py), info: Arc::clone(&self.info) }
    }

    #[inline]
    pub(crate) fn class_ptr(&self) -> *mut ffi::PyTypeObject {
        self.class.as_ptr().cast()
    }

    pub(crate) fn class_ref(&self) -> &Py<PyType> {
        &self.class
    }
}
