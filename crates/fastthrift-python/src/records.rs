//! `iter_structs`: structs that stand one after another in one buffer.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyGenericAlias, PyMemoryView, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::given::shown;
use crate::object::{Object, Ref, borrowed, held};
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
        if self.reading.settings.protocol.is_text() {
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

/// An iterator over the structs in `data` that starts at `offset`, with the options of [`Reading::new`].
pub(crate) fn iterate(
    class: Ref,
    data: Ref,
    protocol: Option<Ref>,
    offset: Option<Ref>,
    options: [Option<Ref>; 3],
) -> PyResult<StructIterator> {
    let py = held();
    let class = borrowed(py, class);
    if !class.is_instance_of::<PyType>() {
        return Err(PyTypeError::new_err(format!("expected a class of a loaded IDL file, got {}", shown(&class))));
    }
    let target = Target::of_class(class.as_ptr())?;
    let reading = Reading::new(&target, protocol, options)?;
    let source = Source::open(data)?;
    source.check(&reading.settings)?;
    let offset = offset_in(offset, source.len())?;
    let data = borrowed(py, data);
    let data = match source.copied() {
        Some(copy) => PyBytes::new(py, copy).into_any(),
        None if data.is_instance_of::<PyBytes>() => data,
        None => PyMemoryView::from(&data)?.into_any(),
    };
    Ok(StructIterator { class: class.unbind(), data: data.unbind(), reading, offset, last: 0, is_over: false })
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<StructIterator>()
}
