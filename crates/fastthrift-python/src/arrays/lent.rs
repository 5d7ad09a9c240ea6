//! Arrays that are written.

use std::cell::RefCell;

use fastthrift_dynamic::{EncodeError, EncodeErrorKind, Numbers};
use pyo3::{PyErr, ffi};

use super::export::Export;
use super::{Element, is_array};
use crate::object::{Ref, held, type_name};

/// The memory of the arrays that a walk has come by, kept until the walk is over.
///
/// Another thread may store numbers there meanwhile, where the interpreter lets it; then some of what was and of what is there is
/// written. Each number is read once, and all bits are a number, so that nothing worse can come of it. Of a `bool` not all bits are
/// one, so they are copied first.
#[derive(Default)]
pub(crate) struct Lent(RefCell<Vec<Kept>>);

#[expect(dead_code, reason = "they are only kept")]
enum Kept {
    Memory(Export),
    Copy(Box<[u64]>),
}

impl Lent {
    /// The numbers of an array; `None` of what is none.
    #[cold]
    pub(crate) fn numbers(&self, element: Element, array: Ref) -> Result<Option<Numbers<'_>>, EncodeError> {
        if !is_array(array) {
            return Ok(None);
        }
        let export = Export::of(array, ffi::PyBUF_RECORDS_RO).ok_or_else(raised)?;
        let is_foreign = element.matches(export.format(), export.item_size());
        let Some(is_foreign) = is_foreign.filter(|_| export.dimensions() == 1) else {
            return Err(wrong(element, array, &export));
        };
        let (len, stride) = export.run();
        if i32::try_from(len).is_err() {
            return Err(EncodeError::new(EncodeErrorKind::TooLong(len)));
        }
        if len == 0 {
            // SAFETY: there are no numbers.
            return Ok(Some(unsafe { numbers(element, std::ptr::dangling::<u64>().cast(), 0) }));
        }
        let is_run = stride.unsigned_abs() == element.size() && stride > 0 || len == 1;
        let is_aligned = export.start().addr().is_multiple_of(element.size());
        let start = if is_run && is_aligned && !is_foreign && element != Element::Bool {
            let start = export.start().cast_const();
            self.0.borrow_mut().push(Kept::Memory(export));
            start
        } else {
            let copy = copied(&export, element, is_foreign)?;
            let start = copy.as_ptr().cast::<u8>();
            self.0.borrow_mut().push(Kept::Copy(copy));
            start
        };
        // SAFETY: there are so many numbers of this type, side by side, in memory that is kept as long as `self`; `bool`s were checked.
        Ok(Some(unsafe { numbers(element, start, len) }))
    }
}

/// The numbers that start here.
///
/// # Safety
/// There are so many of this type, they start at a multiple of their size, and they are there as long as the result is used.
unsafe fn numbers<'a>(element: Element, start: *const u8, len: usize) -> Numbers<'a> {
    use std::slice::from_raw_parts;
    // SAFETY: by the caller's word.
    unsafe {
        match element {
            Element::Bool => Numbers::Bool(from_raw_parts(start.cast(), len)),
            Element::I8 => Numbers::I8(from_raw_parts(start.cast(), len)),
            Element::I16 => Numbers::I16(from_raw_parts(start.cast(), len)),
            Element::I32 => Numbers::I32(from_raw_parts(start.cast(), len)),
            Element::I64 => Numbers::I64(from_raw_parts(start.cast(), len)),
            Element::Double => Numbers::Double(from_raw_parts(start.cast(), len)),
        }
    }
}

/// A copy of the elements, side by side and in this machine's byte order.
fn copied(export: &Export, element: Element, is_foreign: bool) -> Result<Box<[u64]>, EncodeError> {
    let mut copy: Vec<u64> = Vec::new();
    let words = (export.run().0 * element.size()).div_ceil(size_of::<u64>());
    if copy.try_reserve_exact(words).is_err() {
        return Err(invalid("there is no memory for a copy of an array"));
    }
    copy.resize(words, 0);
    let to = copy.as_mut_ptr().cast::<u8>();
    // SAFETY: the copy has room for all elements, each of this size.
    unsafe {
        match element.size() {
            1 => copy_elements::<1>(export, is_foreign, to),
            2 => copy_elements::<2>(export, is_foreign, to),
            4 => copy_elements::<4>(export, is_foreign, to),
            _ => copy_elements::<8>(export, is_foreign, to),
        }
    }
    if element == Element::Bool && copy.iter().any(|word| word & !0x0101_0101_0101_0101 != 0) {
        return Err(invalid("an array for a list of bool holds bytes that are neither 0 nor 1"));
    }
    Ok(copy.into_boxed_slice())
}

/// Copies all elements.
///
/// # Safety
/// `to` has room for them, and each takes `SIZE` bytes.
unsafe fn copy_elements<const SIZE: usize>(export: &Export, is_foreign: bool, to: *mut u8) {
    let (len, stride) = export.run();
    let (mut from, mut to) = (export.start().cast_const(), to.cast::<[u8; SIZE]>());
    for _ in 0..len {
        // SAFETY: an element is there by the word of the array, and a place for it by the caller's. The pointer to the element after
        // the last is not read.
        unsafe {
            let mut bytes = from.cast::<[u8; SIZE]>().read();
            if is_foreign {
                bytes.reverse();
            }
            to.write(bytes);
            to = to.add(1);
        }
        from = from.wrapping_offset(stride);
    }
}

#[cold]
fn wrong(element: Element, array: Ref, export: &Export) -> EncodeError {
    let expected =
        format!("a list, or an array of one dimension and format '{}' ({})", element.format(), element.dtype());
    let (name, format) = (type_name(array), export.format().to_string_lossy());
    let found = match export.dimensions() {
        1 => format!("{name} of format '{format}'"),
        dimensions => format!("{name} of {dimensions} dimensions and format '{format}'"),
    };
    EncodeError::new(EncodeErrorKind::WrongType { expected: expected.into(), found: found.into() })
}

/// Takes the Python exception that is set.
#[cold]
fn raised() -> EncodeError {
    invalid(&PyErr::fetch(held()).to_string())
}

#[cold]
fn invalid(text: &str) -> EncodeError {
    EncodeError::new(EncodeErrorKind::Invalid(text.into()))
}
