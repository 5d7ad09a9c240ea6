//! `serialize` and `deserialize`, as CPython calls them fastest.
#![allow(unsafe_code)]

use std::ffi::CStr;

use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{Bound, ffi};

use crate::arguments::Signature;
use crate::class::is_none;
use crate::error::restore;
use crate::object::{Object, Ref, held};
use crate::output::Output;
use crate::protocols::{plain_settings, settings_of};
use crate::reading::{PART, Reading, WHOLE, offset_in};
use crate::records::iterate;
use crate::settings::Settings;
use crate::source::{Source, plain_bytes};
use crate::target::Target;
use crate::writing::Sink;

const SERIALIZE_DOC: &CStr = c"serialize(obj, protocol='binary')\n--\n\n\
Return a struct, union or exception as bytes.

A `list` of numbers may be an array of one dimension: a memoryview, or a `numpy.ndarray` or `array.array` (or a class that extends
it, and leaves its buffer alone), whose elements are of the very type that the IDL says; for bool, bytes of 0 or 1. It is written
from where it is, without a copy, if its elements lie side by side in the machine's byte order. Another thread should not store
numbers there meanwhile: which of them are written is not said.

Args:
    obj: An instance of a class of a loaded IDL file.
    protocol: A protocol's name, 'binary', 'compact', 'json' or 'simplejson' (JSON with the names of fields), or a
        protocol with options such as Compact().

Raises:
    EncodeError: A value is not what the IDL says; the text names the path to it.
    TypeError: `obj` is not an instance of such a class.
    ValueError: The protocol is unknown.";

const SERIALIZE_INTO_DOC: &CStr = c"serialize_into(obj, buffer, protocol='binary', *, offset=None)\n--\n\n\
Write a struct, union or exception into a buffer, and return how many bytes it took.

A bytearray is appended to, and grows. Any other buffer keeps its size, and is written from `offset` on. After an error the buffer
is as it was before.

Args:
    obj: An instance of a class of a loaded IDL file.
    buffer: A bytearray, or any other buffer of bytes that is writable and contiguous.
    protocol: A protocol's name, 'binary', 'compact', 'json' or 'simplejson' (JSON with the names of fields), or a
        protocol with options such as Compact().
    offset: Where to write, in bytes from the buffer's start; None for 0. Not for a bytearray.

Raises:
    BufferError: The buffer is not writable, not contiguous or not of bytes, or a bytearray has a view of it and cannot grow.
    EncodeError: A value is not what the IDL says; the text names the path to it.
    TypeError: `obj` is not an instance of such a class, or `buffer` is no buffer.
    ValueError: The protocol is unknown, the offset is not in the buffer, or the buffer is too small.";

const DESERIALIZE_DOC: &CStr = c"deserialize(cls, data, protocol='binary', *, fields=None, arrays='list', binary='bytes')\n--\n\n\
Return an instance of `cls` that is read from the start of `data`; bytes after it are ignored.

Args:
    cls: A class of a loaded IDL file, or a subclass of one.
    data: Any bytes-like object. What is not `bytes` is copied before it is read.
    protocol: A protocol's name, 'binary', 'compact', 'json' or 'simplejson' (JSON with the names of fields), or a
        protocol with options such as Compact().
    fields: The fields to read, as an iterable of names; None for all. Names joined by dots go through structs, and through the
        structs in lists and sets and in the values of maps: 'name', 'address.city', 'people.id'. All others are skipped, and left as
        if they had not come; required ones are not missed.
    arrays: What every `list` of bool, i8, i16, i32, i64 or double becomes, however deep: 'list', 'numpy' for a `numpy.ndarray`,
        'array' for an `array.array` (codes b, h, i, q and d; a bool is a b of 0 or 1), or 'memoryview' of a new bytearray. Arrays
        own their memory. Lists that have to be hashable, and those that are a field's default, stay what they are.
        Structs with numpy arrays are equal when shapes and numbers are, a list counting as an array; they cannot be hashed.
        `copy.copy` shares arrays, `copy.deepcopy` and pickle copy them, but take no memoryviews.
    binary: What a `binary` becomes: 'bytes', or 'memoryview' for a view of `data`, without a copy. The view of a buffer that can
        change shows what is there later; as long as it lives, a bytearray cannot be resized.

Raises:
    BufferError: `data` has no bytes, or is not contiguous and views of it are asked for.
    DecodeError: The bytes are no such struct; the text names the path and the offset.
    ImportError: arrays='numpy' is asked for, and numpy cannot be imported.
    TypeError: `cls` is no such class, or `data` has no bytes.
    ValueError: The protocol, a field or an option is unknown.";

const DESERIALIZE_FROM_DOC: &CStr =
    c"deserialize_from(cls, data, protocol='binary', offset=0, *, fields=None, arrays='list', \
binary='bytes')\n--\n\n\
Return an instance of `cls` that is read from `data` at an offset, and the offset of the first byte after it.

Args:
    cls: A class of a loaded IDL file, or a subclass of one.
    data: Any bytes-like object. What is not `bytes` is copied, as far as the struct needs.
    protocol: A protocol's name, 'binary', 'compact', 'json' or 'simplejson' (JSON with the names of fields), or a
        protocol with options such as Compact().
    offset: Where the struct starts, in bytes.
    fields: As for `deserialize`.
    arrays: As for `deserialize`.
    binary: As for `deserialize`.

Raises:
    BufferError: As for `deserialize`.
    DecodeError: The bytes are no such struct; the text names the path and the offset from the start of `data`.
    TypeError: As for `deserialize`.
    ValueError: As for `deserialize`, or the offset is not in `data`.";

const ITER_STRUCTS_DOC: &CStr = c"iter_structs(cls, data, protocol='binary', *, offset=0, fields=None, arrays='list', \
binary='bytes')\n--\n\n\
Iterate over the structs, unions or exceptions that stand one after another in `data`, with nothing between them.

In a protocol of text there may be white space between them. Each is read when it is asked for, so a mapped file can be larger than
memory. The iterator's `offset` says how many bytes were read so far. As long as it lives, a bytearray cannot be resized. After an
error it is at its end.

Args:
    cls: A class of a loaded IDL file, or a subclass of one.
    data: Any bytes-like object. What is not `bytes` is copied, as far as each struct needs.
    protocol: A protocol's name, 'binary' or 'compact', or a protocol with options such as Compact().
    offset: Where the first struct starts, in bytes.
    fields: As for `deserialize`.
    arrays: As for `deserialize`.
    binary: As for `deserialize`.

Raises:
    BufferError: As for `deserialize`.
    DecodeError: By the iterator: the bytes are no such struct, or end in the middle of one; the text names the path and the offset
        from the start of `data`.
    TypeError: As for `deserialize`.
    ValueError: As for `deserialize`, or the offset is not in `data`.";

/// Adds the functions to the native module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let add = |name: &'static CStr, function: ffi::PyCFunctionFastWithKeywords, doc: &'static CStr| {
        let definition = Box::new(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: doc.as_ptr(),
        });
        let module_name = PyString::intern(module.py(), "fastthrift");
        // SAFETY: the definition lives for ever, as the function object needs it to.
        let function = unsafe {
            let function = ffi::PyCFunction_NewEx(Box::leak(definition), std::ptr::null_mut(), module_name.as_ptr());
            Bound::from_owned_ptr_or_err(module.py(), function)?
        };
        module.add(name.to_str().expect("invariant: the names are ASCII"), function)
    };
    add(c"serialize", serialize, SERIALIZE_DOC)?;
    add(c"serialize_into", serialize_into, SERIALIZE_INTO_DOC)?;
    add(c"deserialize", deserialize, DESERIALIZE_DOC)?;
    add(c"deserialize_from", deserialize_from, DESERIALIZE_FROM_DOC)?;
    add(c"iter_structs", iter_structs, ITER_STRUCTS_DOC)
}

fn give(result: PyResult<Object>) -> Ref {
    match result {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            restore(error);
            std::ptr::null_mut()
        }
    }
}

const SERIALIZE: Signature<2> = Signature { function: "serialize", names: ["obj", "protocol"], positional: 2 };

unsafe extern "C" fn serialize(_: Ref, args: *const Ref, count: isize, keywords: Ref) -> Ref {
    let call = || {
        // SAFETY: CPython's calling convention.
        let found = unsafe { SERIALIZE.sort(args, count, keywords)? };
        let object = SERIALIZE.needed(&found, 0)?;
        match plain_settings(found[1]) {
            Some(settings) => to_bytes(object, settings),
            None => to_bytes(object, &settings_of(found[1])?),
        }
    };
    give(call())
}

fn to_bytes(object: Ref, settings: &Settings) -> PyResult<Object> {
    let target = Target::of_object(object)?;
    let mut out = Output::new();
    match target.encode(object, settings, &mut out) {
        Ok(()) => out.into_bytes(),
        Err(error) => Err(target.encode_error(error)),
    }
}

const SERIALIZE_INTO: Signature<4> =
    Signature { function: "serialize_into", names: ["obj", "buffer", "protocol", "offset"], positional: 3 };

unsafe extern "C" fn serialize_into(_: Ref, args: *const Ref, count: isize, keywords: Ref) -> Ref {
    let call = || {
        // SAFETY: CPython's calling convention.
        let found = unsafe { SERIALIZE_INTO.sort(args, count, keywords)? };
        let (object, buffer) = (SERIALIZE_INTO.needed(&found, 0)?, SERIALIZE_INTO.needed(&found, 1)?);
        let settings = settings_of(found[2])?;
        let target = Target::of_object(object)?;
        let sink = Sink::open(buffer, found[3].filter(|&offset| !is_none(offset)))?;
        let mut out = Output::new();
        target.encode(object, &settings, &mut out).map_err(|error| target.encode_error(error))?;
        let written = sink.write(out.written()?)?;
        Ok(Object::from(written.into_pyobject(held())?.into_any()))
    };
    give(call())
}

const DESERIALIZE: Signature<6> = Signature {
    function: "deserialize",
    names: ["cls", "data", "protocol", "fields", "arrays", "binary"],
    positional: 3,
};

unsafe extern "C" fn deserialize(_: Ref, args: *const Ref, count: isize, keywords: Ref) -> Ref {
    let call = || {
        // SAFETY: CPython's calling convention.
        let found = unsafe { DESERIALIZE.sort(args, count, keywords)? };
        let (class, data) = (DESERIALIZE.needed(&found, 0)?, DESERIALIZE.needed(&found, 1)?);
        let [.., protocol, fields, arrays, binary] = found;
        let target = Target::of_class(class)?;
        // What most calls ask for takes the short way.
        if let [None, None, None] = [fields, arrays, binary]
            && let (Some(settings), Some(bytes)) = (plain_settings(protocol), plain_bytes(data))
        {
            let read = target.decode(target.plan(), settings, None, bytes);
            return read.map(|(object, _)| object).map_err(|error| target.decode_error(error));
        }
        from_any(&target, data, protocol, [fields, arrays, binary])
    };
    give(call())
}

#[inline(never)]
fn from_any(target: &Target<'_>, data: Ref, protocol: Option<Ref>, options: [Option<Ref>; 3]) -> PyResult<Object> {
    let reading = Reading::new(target, protocol, options)?;
    let (object, _) = reading.read(target, &Source::open(data)?, 0, WHOLE)?;
    Ok(object)
}

const DESERIALIZE_FROM: Signature<7> = Signature {
    function: "deserialize_from",
    names: ["cls", "data", "protocol", "offset", "fields", "arrays", "binary"],
    positional: 4,
};

unsafe extern "C" fn deserialize_from(_: Ref, args: *const Ref, count: isize, keywords: Ref) -> Ref {
    let call = || {
        // SAFETY: CPython's calling convention.
        let found = unsafe { DESERIALIZE_FROM.sort(args, count, keywords)? };
        let (class, data) = (DESERIALIZE_FROM.needed(&found, 0)?, DESERIALIZE_FROM.needed(&found, 1)?);
        let [.., protocol, offset, fields, arrays, binary] = found;
        let target = Target::of_class(class)?;
        let reading = Reading::new(&target, protocol, [fields, arrays, binary])?;
        let source = Source::open(data)?;
        let offset = offset_in(offset, source.len())?;
        let (object, len) = reading.read(&target, &source, offset, PART)?;
        let pair = (object.into_bound(held()), offset + len).into_pyobject(held())?;
        Ok(Object::from(pair.into_any()))
    };
    give(call())
}

const ITER_STRUCTS: Signature<7> = Signature { function: "iter_structs", names: DESERIALIZE_FROM.names, positional: 3 };

unsafe extern "C" fn iter_structs(_: Ref, args: *const Ref, count: isize, keywords: Ref) -> Ref {
    let call = || {
        // SAFETY: CPython's calling convention.
        let found = unsafe { ITER_STRUCTS.sort(args, count, keywords)? };
        let (class, data) = (ITER_STRUCTS.needed(&found, 0)?, ITER_STRUCTS.needed(&found, 1)?);
        let [.., protocol, offset, fields, arrays, binary] = found;
        let iterator = iterate(class, data, protocol, offset, [fields, arrays, binary])?;
        Ok(Object::from(Bound::new(held(), iterator)?.into_any()))
    };
    give(call())
}
