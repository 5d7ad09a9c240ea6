//! Arrays that are made, to be filled by what is read.

use std::fmt;

use fastthrift_dynamic::NumbersMut;
use fastthrift_protocol::{DecodeError, DecodeErrorKind};
use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};

use super::Element;
use super::export::Export;
use crate::object::{Object, made, python_raised};
use crate::primitive::integer;

/// What lists of numbers become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `numpy.ndarray`
    Numpy,
    /// `array.array`
    Array,
    /// `memoryview`
    MemoryView,
}

/// Makes arrays of one kind. For each type of element it has what tells the type.
pub(crate) struct Maker {
    kind: Kind,
    /// numpy's types; arrays of one zero; formats.
    elements: [Object; 6],
    /// `numpy.empty`; the name of the method `cast`.
    call: Option<Object>,
}

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maker").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Kind {
    /// What makes such arrays, prepared when it is first asked for.
    pub(crate) fn maker(self, py: Python<'_>) -> PyResult<&'static Maker> {
        static MAKERS: [PyOnceLock<Maker>; 3] = [const { PyOnceLock::new() }; 3];
        let (place, make): (_, fn(Python<'_>) -> PyResult<Maker>) = match self {
            Self::Numpy => (0, Maker::numpy),
            Self::Array => (1, Maker::array),
            Self::MemoryView => (2, Maker::memory_view),
        };
        MAKERS[place].get_or_try_init(py, || make(py))
    }
}

impl Maker {
    fn numpy(py: Python<'_>) -> PyResult<Self> {
        let numpy = py.import("numpy").map_err(|cause| {
            let error =
                PyImportError::new_err("arrays='numpy' needs numpy, which cannot be imported: pip install numpy");
            error.set_cause(py, Some(cause));
            error
        })?;
        let dtype = numpy.getattr("dtype")?;
        let elements = each(|element| dtype.call1((element.dtype(),)))?;
        Ok(Self { kind: Kind::Numpy, elements, call: Some(numpy.getattr("empty")?.into()) })
    }

    fn array(py: Python<'_>) -> PyResult<Self> {
        let array = py.import("array")?.getattr("array")?;
        let elements = each(|element| array.call1((element.type_code(), PyBytes::new(py, &[0; 8][..element.size()]))))?;
        Ok(Self { kind: Kind::Array, elements, call: None })
    }

    fn memory_view(py: Python<'_>) -> PyResult<Self> {
        let elements = each(|element| Ok(PyString::intern(py, element.format()).into_any()))?;
        Ok(Self { kind: Kind::MemoryView, elements, call: Some(PyString::intern(py, "cast").into_any().into()) })
    }

    /// About how many bytes of memory an array takes beside its numbers.
    pub(crate) fn memory(&self) -> usize {
        match self.kind {
            Kind::Numpy => 144,
            Kind::Array => 104,
            // Two views and what they share, and the bytearray.
            Kind::MemoryView => 584,
        }
    }

    /// Makes an array of this many numbers, which are to be stored.
    pub(crate) fn begin(&self, element: Element, len: usize) -> Result<Box<Filling>, DecodeError> {
        let of = &self.elements[element as usize];
        let count = isize::try_from(len).expect("invariant: no list is longer than its bytes");
        let size = isize::try_from(element.size()).expect("invariant: an element has a few bytes");
        // SAFETY: calls on live objects give new ones or null; the arguments are live and as many as is said.
        let array = unsafe {
            match (self.kind, &self.call) {
                (Kind::Numpy, Some(empty)) => {
                    let count = made(ffi::PyLong_FromSsize_t(count))?;
                    let arguments = [count.as_ptr(), of.as_ptr()];
                    ffi::PyObject_Vectorcall(empty.as_ptr(), arguments.as_ptr(), 2, std::ptr::null_mut())
                }
                (Kind::MemoryView, Some(cast)) => {
                    let memory = count
                        .checked_mul(size)
                        .map(|bytes| made(ffi::PyByteArray_FromStringAndSize(std::ptr::null(), bytes)));
                    let memory = memory.unwrap_or_else(|| Err(no_memory()))?;
                    let bytes = made(ffi::PyMemoryView_FromObject(memory.as_ptr()))?;
                    let arguments = [bytes.as_ptr(), of.as_ptr()];
                    ffi::PyObject_VectorcallMethod(cast.as_ptr(), arguments.as_ptr(), 2, std::ptr::null_mut())
                }
                _ => ffi::PySequence_Repeat(of.as_ptr(), count),
            }
        };
        Filling::new(made(array)?, element, len)
    }
}

fn each<'py>(mut make: impl FnMut(Element) -> PyResult<Bound<'py, PyAny>>) -> PyResult<[Object; 6]> {
    let objects: Vec<Object> =
        Element::ALL.iter().map(|element| make(*element).map(Object::from)).collect::<PyResult<_>>()?;
    Ok(objects.try_into().unwrap_or_else(|_| unreachable!("invariant: one is made for each element")))
}

#[cold]
fn no_memory() -> DecodeError {
    DecodeError::new(DecodeErrorKind::Invalid("there is no memory for an array".into()), 0)
}

/// An array whose numbers are being stored. It keeps its memory where it is, whoever else may have the array.
pub(crate) struct Filling {
    export: Export,
    array: Object,
    element: Element,
    len: usize,
}

impl Filling {
    fn new(array: Object, element: Element, len: usize) -> Result<Box<Self>, DecodeError> {
        let export = Export::of(array.as_ptr(), ffi::PyBUF_WRITABLE).ok_or_else(python_raised)?;
        let is_aligned = len == 0 || export.start().addr().is_multiple_of(element.size());
        if export.is_read_only() || Some(export.byte_len()) != len.checked_mul(element.size()) || !is_aligned {
            // Python code put something else in the place of what makes arrays.
            let text = "the array that was made has not the memory that it should have";
            return Err(DecodeError::new(DecodeErrorKind::Invalid(text.into()), 0));
        }
        if element == Element::Bool {
            // SAFETY: the memory has this many bytes. With it there is a `bool` in each place.
            unsafe { export.start().write_bytes(0, len) };
        }
        Ok(Box::new(Self { export, array, element, len }))
    }

    /// The places of all numbers.
    pub(crate) fn places(&mut self) -> NumbersMut<'_> {
        /// The places as a slice.
        ///
        /// # Safety
        /// The filling's elements are of this type.
        unsafe fn slice<T>(filling: &mut Filling) -> &mut [T] {
            if filling.len == 0 {
                return &mut [];
            }
            // SAFETY: `new` checked that the memory has room for so many elements of this size and starts at a multiple of it. Other
            // code handed it out, so it holds some numbers; nobody else stores there meanwhile, unless another thread found an array
            // that is not finished by means of the collector.
            unsafe { std::slice::from_raw_parts_mut(filling.export.start().cast(), filling.len) }
        }
        // SAFETY: each arm is that of the element's type.
        unsafe {
            match self.element {
                Element::Bool => NumbersMut::Bool(slice(self)),
                Element::I8 => NumbersMut::I8(slice(self)),
                Element::I16 => NumbersMut::I16(slice(self)),
                Element::I32 => NumbersMut::I32(slice(self)),
                Element::I64 => NumbersMut::I64(slice(self)),
                Element::Double => NumbersMut::Double(slice(self)),
            }
        }
    }

    /// Stores the number at `index` that a Python object holds, one that was made to be an element of such a list.
    #[cold]
    pub(crate) fn store(&mut self, index: usize, value: &Object) {
        let value = value.as_ptr();
        let number = integer(value).unwrap_or(0);
        let narrow = "invariant: the walk checks the range of a number";
        match self.places() {
            // SAFETY: the value is live.
            NumbersMut::Bool(places) => places[index] = value == unsafe { ffi::Py_True() },
            NumbersMut::I8(places) => places[index] = number.try_into().expect(narrow),
            NumbersMut::I16(places) => places[index] = number.try_into().expect(narrow),
            NumbersMut::I32(places) => places[index] = number.try_into().expect(narrow),
            NumbersMut::I64(places) => places[index] = number,
            // SAFETY: the value is live; a `float`, as it is made for a `double`.
            NumbersMut::Double(places) => places[index] = unsafe { ffi::PyFloat_AsDouble(value) },
        }
    }

    /// The array, in which all numbers are.
    pub(crate) fn end(self) -> Object {
        self.array
    }
}
