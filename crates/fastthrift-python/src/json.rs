//! `to_json` and `from_json`: JSON with field names, by the schema.
#![expect(clippy::doc_markdown, reason = "the documentation is for Python, where names of classes stand plain")]

use fastthrift_dynamic::simple_json::{BoolStyle, EnumStyle, JsonStyle, SimpleJsonDecoder};
use fastthrift_protocol::json::Scratch;
use fastthrift_protocol::{DecodeError, DecodeErrorKind, Protocol};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::build::PyBuild;
use crate::codec::{CollectorPause, write_json};
use crate::given::{Given, choice, object_of, within};
use crate::object::{Object, type_name};
use crate::primitive::{text, utf8};
use crate::protocols::Bounds;
use crate::settings::Settings;
use crate::source::Source;
use crate::target::Target;

/// By how many spaces a level is indented at most.
const WIDEST_INDENT: usize = 32;

/// Adds the functions to the native module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(to_json, module)?)?;
    module.add_function(wrap_pyfunction!(from_json, module)?)
}

/// Return a struct, union or exception as JSON text with the names of its fields.
///
/// Fields that are not set are left out. `binary` is base64, `uuid` is text, NaN and the infinities are the strings "NaN", "Infinity"
/// and "-Infinity", and a map whose keys are structs or containers is an array of pairs.
///
/// Args:
///     obj: An instance of a class of a loaded IDL file.
///     indent: By how many spaces each level is indented on lines of its own, 0 to 32; None writes no whitespace at all.
///     enums: 'name' writes the names of enums' values (numbers that have none as they are), 'number' all as numbers.
///
/// Raises:
///     EncodeError: A value is not what the IDL says; the text names the path to it.
///     TypeError: `obj` is not an instance of such a class.
///     ValueError: `indent` or `enums` is none of these.
#[pyfunction]
#[pyo3(
    signature = (obj, *, indent = None, enums = Given::NOTHING),
    text_signature = "(obj, *, indent=None, enums='name')"
)]
#[expect(clippy::needless_pass_by_value, reason = "Python passes it so")]
fn to_json(obj: &Bound<'_, PyAny>, indent: Option<&Bound<'_, PyAny>>, enums: Given<'_>) -> PyResult<Py<PyAny>> {
    let choices = [("name", EnumStyle::Name), ("number", EnumStyle::Number)];
    let enums = enums.read("enums", EnumStyle::Name, |name, given| choice(name, &choices, given))?;
    let style = JsonStyle { enums, bools: BoolStyle::Word, indent: indent_of(indent)? };
    let target = Target::of_object(obj.as_ptr())?;
    let settings = *Settings::plain(Protocol::SimpleJson);
    let registry = target.registry.get();
    let mut out = Vec::new();
    let written = write_json(registry, target.id, obj.as_ptr(), &settings, style, &mut out);
    written.map_err(|error| target.encode_error(error))?;
    match text(&out) {
        Ok(Some(json)) => Ok(json.into_bound(obj.py()).unbind()),
        Ok(None) => Err(PyErr::fetch(obj.py())),
        Err(_) => unreachable!("invariant: JSON is written as UTF-8"),
    }
}

/// Return an instance of `cls` that is read from JSON text with the names of fields.
///
/// It takes what `to_json` writes in each of its styles. Fields may come in any order, those that the IDL does not know are skipped,
/// and null stands for a field that is not set. Booleans are true and false or 1 and 0, numbers may stand in quotes, enums are names
/// or numbers, and the last of several values for a field counts.
///
/// Args:
///     cls: A class of a loaded IDL file, or a subclass of one.
///     text: A str, or a bytes-like object that holds UTF-8.
///     limits: The bounds of what is read; None for the usual ones. `message` bounds the whole text, in bytes of UTF-8.
///
/// Raises:
///     DecodeError: The text is no such struct; the text of the error names the path and the offset, in bytes of UTF-8.
///     TypeError: `cls` is no such class, `text` is neither, or `limits` are no `Limits`.
#[pyfunction]
#[pyo3(signature = (cls, text, *, limits = None))]
fn from_json(
    cls: &Bound<'_, PyAny>,
    text: &Bound<'_, PyAny>,
    limits: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let target = Target::of_class(cls.as_ptr())?;
    let usual = *Settings::plain(Protocol::SimpleJson);
    let bounds = object_of::<Bounds>("limits", limits)?.map(|limits| *limits.get()).unwrap_or_default();
    let settings = Settings { limits: bounds.over(usual.limits), ..usual };
    let read = if text.is_instance_of::<PyString>() {
        match utf8(text.as_ptr()) {
            Some(bytes) => check_size(&settings, bytes.len()).and_then(|()| read_struct(&target, &settings, bytes)),
            None => Err(DecodeError::new(DecodeErrorKind::InvalidUtf8, 0)),
        }
    } else {
        let source = Source::open(text.as_ptr()).map_err(|error| no_text(text, error))?;
        match check_size(&settings, source.len()) {
            Ok(()) => source.read(0, source.len(), &settings, |bytes| read_struct(&target, &settings, bytes))?,
            Err(error) => Err(error),
        }
    };
    match read {
        Ok(object) => Ok(object.into_bound(text.py()).unbind()),
        Err(error) => Err(target.decode_error(error)),
    }
}

/// What stands behind the struct has to be looked at too, so a text over the limit is refused as a whole.
fn check_size(settings: &Settings, size: usize) -> Result<(), DecodeError> {
    let limit = settings.limits.message;
    if size > limit {
        return Err(DecodeError::new(DecodeErrorKind::SizeLimit { what: "message", size, limit }, 0));
    }
    Ok(())
}

fn read_struct(target: &Target<'_>, settings: &Settings, json: &[u8]) -> Result<Object, DecodeError> {
    let _paused = CollectorPause::for_input(json);
    let (scratch, plans) = (Scratch::new(), target.registry.get().plans());
    let mut build = PyBuild::new(&target.registry, settings).with_class(target.class());
    let mut decoder = SimpleJsonDecoder::new(plans, json, &scratch, settings.limits, &mut build);
    let read = decoder.structure(target.id).and_then(|object| decoder.end().map(|()| object));
    read.map_err(|error| error.placed(decoder.offset()))
}

#[cold]
fn no_text(text: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyTypeError>(text.py()) {
        let found = type_name(text.as_ptr());
        return PyTypeError::new_err(format!("text must be a str or a bytes-like object, got {found}"));
    }
    error
}

fn indent_of(indent: Option<&Bound<'_, PyAny>>) -> PyResult<Option<u8>> {
    let width = indent.map(|indent| within("indent", indent, 0..=WIDEST_INDENT)).transpose()?;
    Ok(width.and_then(|width| u8::try_from(width).ok()))
}
