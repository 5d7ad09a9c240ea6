//! `iter_structs`: structs that stand one after another in one buffer.
#![expect(clippy::doc_markdown, reason = "the documentation of a Python function is for Python")]

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyGenericAlias, PyMemoryView, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::object::Object;
use crate::reading::{PART, Reading, offset_in};
use crate::source::Source;
use crate::target::Target;

/// Iterates over the structs of a buffer; made by `iter_structs`.
///
/// A struct is read when it is asked for. After an error the iterator is at its end.
#[pyclass(module = "fastthrift")]
pub(crate) struct StructIterator {
    class: Py<PyAny>,
    /// The `bytes` that are read, or a memoryview of another buffer, which keeps that from being resized.
    data: Py<PyAny>,
    reading: Reading,
    offset: usize,
    /// How long the last struct was.
    last: usize,
    is_over: bool,
}

#[pymethods]
impl StructIterator {
    /// How many bytes from the buffer's start on were read: the place where the next struct starts, or, after an error, the one that
    /// could not be read.
    #[getter]
    fn offset(&self) -> usize {
        self.offset
    }

    /// `StructIterator[Item]`, for annotations.
    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyGenericAlias>> {
        PyGenericAlias::new(cls.py(), cls.as_any(), item)
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        if self.is_over {
            return Ok(None);
        }
        let next = self.read(py);
        self.is_over = !matches!(next, Ok(Some(_)));
        Ok(next?.map(|object| object.into_bound(py).unbind()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.class)?;
        visit.call(&self.data)
    }
}

impl StructIterator {
    fn read(&mut self, py: Python<'_>) -> PyResult<Option<Object>> {
        let source = Source::open(self.data.bind(py).as_ptr())?;
        if self.reading.settings.is_text() {
            self.offset = source.skip_space(self.offset);
        }
        if self.offset >= source.len() {
            return Ok(None);
        }
        let target = Target::of_class(self.class.bind(py).as_ptr())?;
        let window = PART.max(self.last.saturating_mul(2));
        let (object, len) = self.reading.read(&target, &source, self.offset, window)?;
        self.offset += len;
        self.last = len;
        Ok(Some(object))
    }
}

/// Iterate over the structs, unions or exceptions that stand one after another in `data`, with nothing between them; in a protocol of
/// text, with any white space.
///
/// Each is read when it is asked for, so a mapped file can be larger than memory. The iterator's `offset` says how many bytes were
/// read so far. It keeps `data` from being resized. After an error it is at its end.
///
/// Args:
///     cls: A class of a loaded IDL file, or a subclass of one.
///     data: Any bytes-like object. What is not `bytes` is copied, as far as each struct needs.
///     protocol: A protocol's name, or a protocol with options such as `Compact()`.
///     offset: Where the first struct starts, in bytes.
///     fields: As for `deserialize`.
///     arrays: As for `deserialize`.
///     binary: As for `deserialize`.
///
/// Raises:
///     DecodeError: By the iterator: the bytes are no such struct, or end in the middle of one; the text names the path and the
///         offset from the start of `data`.
///     TypeError: `cls` is no such class, or `data` has no bytes.
///     ValueError: The protocol, a field or an option is unknown, or the offset is not in `data`.
#[pyfunction]
#[pyo3(signature = (cls, data, protocol=None, *, offset=None, fields=None, arrays=None, binary=None))]
#[pyo3(text_signature = "(cls, data, protocol='binary', *, offset=0, fields=None, arrays='list', binary='bytes')")]
fn iter_structs<'py>(
    cls: &Bound<'py, PyAny>,
    data: &Bound<'py, PyAny>,
    protocol: Option<&Bound<'py, PyAny>>,
    offset: Option<&Bound<'py, PyAny>>,
    fields: Option<&Bound<'py, PyAny>>,
    arrays: Option<&Bound<'py, PyAny>>,
    binary: Option<&Bound<'py, PyAny>>,
) -> PyResult<StructIterator> {
    if !cls.is_instance_of::<PyType>() {
        return Err(PyTypeError::new_err(format!("expected a class of a loaded IDL file, got {cls}")));
    }
    let target = Target::of_class(cls.as_ptr())?;
    let pointer = |value: Option<&Bound<'py, PyAny>>| value.map(Bound::as_ptr);
    let reading = Reading::new(&target, pointer(protocol), [pointer(fields), pointer(arrays), pointer(binary)])?;
    let source = Source::open(data.as_ptr())?;
    source.check(&reading.settings)?;
    let offset = offset_in(pointer(offset), source.len())?;
    let data = match source.copied() {
        Some(copy) => PyBytes::new(cls.py(), copy).into_any(),
        None if data.is_instance_of::<PyBytes>() => data.clone(),
        None => PyMemoryView::from(data)?.into_any(),
    };
    Ok(StructIterator { class: cls.clone().unbind(), data: data.unbind(), reading, offset, last: 0, is_over: false })
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<StructIterator>()?;
    module.add_function(wrap_pyfunction!(iter_structs, module)?)
}
