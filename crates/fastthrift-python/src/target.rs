//! The struct that a Python class stands for.

use fastthrift_dynamic::{EncodeError, StructPlan};
use fastthrift_protocol::DecodeError;
use fastthrift_schema::StructId;
use pyo3::prelude::*;
use pyo3::{Bound, ffi};

use crate::attributes;
use crate::class::{info_of, registry_of};
use crate::codec::{decode_struct, encode_struct, in_struct};
use crate::error::{decode_error, encode_error};
use crate::object::{Object, Ref, as_type, borrowed, held, type_of};
use crate::output::Output;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::views::Views;

/// A struct of a loaded schema, and the class that its instances are to have.
#[derive(Clone)]
pub(crate) struct Target<'py> {
    pub(crate) registry: Bound<'py, Registry>,
    pub(crate) id: StructId,
    /// None for a class that is only bound to the struct.
    class: Option<*mut ffi::PyTypeObject>,
}

impl Target<'_> {
    /// What a class of a loaded IDL file, one that extends it or one that is bound to it, stands for.
    #[inline]
    pub(crate) fn of_class(class: Ref) -> PyResult<Self> {
        as_type(class).and_then(Self::generated).map_or_else(|| Self::bound(class), Ok)
    }

    /// What the class of an object stands for.
    #[inline]
    pub(crate) fn of_object(object: Ref) -> PyResult<Self> {
        let class = type_of(object);
        Self::generated(class).map_or_else(|| Self::bound(class.cast()), Ok)
    }

    /// The class that instances are to have; None for one that is only bound to the struct.
    #[inline]
    pub(crate) fn class(&self) -> Option<*mut ffi::PyTypeObject> {
        self.class
    }

    /// The plan of the whole struct.
    #[inline]
    pub(crate) fn plan(&self) -> &StructPlan {
        self.registry.get().plans().structure(self.id)
    }

    #[inline]
    fn generated(class: *mut ffi::PyTypeObject) -> Option<Self> {
        let (id, registry) = (info_of(class)?.id, registry_of(held(), class)?);
        Some(Self { registry, id, class: Some(class) })
    }

    #[cold]
    fn bound(class: Ref) -> PyResult<Self> {
        let (registry, id) = attributes::bound_to(&borrowed(held(), class))?;
        Ok(Self { registry, id, class: None })
    }

    /// Appends an object of this struct.
    #[inline]
    pub(crate) fn encode(&self, object: Ref, settings: &Settings, out: &mut Output) -> Result<(), EncodeError> {
        encode_struct(self.registry.get(), self.id, object, settings, out)
    }

    /// Reads an object by the plan of this struct, or one that was selected of it, and says how many bytes it took.
    #[inline]
    pub(crate) fn decode(
        &self,
        plan: &StructPlan,
        settings: &Settings,
        views: Option<Views>,
        input: &[u8],
    ) -> Result<(Object, usize), DecodeError> {
        decode_struct(&self.registry, plan, self.class, settings, views, input)
    }

    /// A value that could not be written, as a Python exception.
    #[cold]
    pub(crate) fn encode_error(&self, error: EncodeError) -> PyErr {
        encode_error(held(), &error.within(in_struct(self.registry.get(), self.id)))
    }

    /// Bytes that could not be read, as a Python exception.
    #[cold]
    pub(crate) fn decode_error(&self, error: DecodeError) -> PyErr {
        decode_error(held(), &error.within(in_struct(self.registry.get(), self.id)))
    }
}
