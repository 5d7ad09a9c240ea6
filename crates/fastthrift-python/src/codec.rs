//! The walk over Python objects, in each protocol; `serialize` and `deserialize`.

use fastthrift_dynamic::simple_json::{JsonStyle, SimpleJsonDecoder, SimpleJsonEncoder};
use fastthrift_dynamic::{Decoder, EncodeError, Encoder, FieldPlan, StructPlan};
use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, InputProtocol, JsonReader, JsonWriter,
    OutputProtocol, PathStep, Protocol, Scratch, Sink,
};
use fastthrift_schema::StructId;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::build::PyBuild;
use crate::object::{Object, Ref};
use crate::registry::Registry;
use crate::settings::Settings;
use crate::views::Views;
use crate::visit::PyVisit;

/// Appends a struct.
pub(crate) fn encode_struct(
    registry: &Registry,
    id: StructId,
    value: Ref,
    settings: &Settings,
    out: &mut impl Sink,
) -> Result<(), EncodeError> {
    fn walk(
        registry: &Registry,
        id: StructId,
        value: Ref,
        settings: &Settings,
        output: &mut impl OutputProtocol,
    ) -> Result<(), EncodeError> {
        let visit = PyVisit::new(registry, settings);
        Encoder::new(registry.plans(), output, &visit, settings.limits.depth).structure(id, value)
    }
    match settings.protocol {
        Protocol::Binary => walk(registry, id, value, settings, &mut BinaryWriter::new(out)),
        Protocol::Compact => walk(registry, id, value, settings, &mut CompactWriter::new(out)),
        Protocol::Json => walk(registry, id, value, settings, &mut JsonWriter::new(out)),
        Protocol::SimpleJson => write_json(registry, id, value, settings, JsonStyle::SIMPLE_JSON, out),
    }
}

/// Appends a struct whose fields come from `get`: arguments, results. Returns how many fields were written.
pub(crate) fn encode_fields(
    registry: &Registry,
    plan: &StructPlan,
    settings: &Settings,
    out: &mut impl Sink,
    get: impl Fn(&FieldPlan) -> Option<Ref>,
) -> Result<usize, EncodeError> {
    fn walk(
        registry: &Registry,
        plan: &StructPlan,
        settings: &Settings,
        output: &mut impl OutputProtocol,
        get: impl Fn(&FieldPlan) -> Option<Ref>,
    ) -> Result<usize, EncodeError> {
        let visit = PyVisit::new(registry, settings);
        let mut encoder = Encoder::new(registry.plans(), output, &visit, settings.limits.depth);
        encoder.counted_fields(plan, |field| Ok(get(field)))
    }
    match settings.protocol {
        Protocol::Binary => walk(registry, plan, settings, &mut BinaryWriter::new(out), get),
        Protocol::Compact => walk(registry, plan, settings, &mut CompactWriter::new(out), get),
        Protocol::Json => walk(registry, plan, settings, &mut JsonWriter::new(out), get),
        Protocol::SimpleJson => write_json_fields(registry, plan, settings, out, get),
    }
}

/// Reads a struct by its plan, or one that was selected of it, and says how many bytes it took.
///
/// It is an instance of `class`, if given, which is that of the struct or extends it. `views` are given where `binary` values are to
/// be views of the input.
pub(crate) fn decode_struct(
    registry: &Bound<'_, Registry>,
    plan: &StructPlan,
    class: Option<*mut ffi::PyTypeObject>,
    settings: &Settings,
    views: Option<Views>,
    input: &[u8],
) -> Result<(Object, usize), DecodeError> {
    fn walk<'de>(
        registry: &Bound<'_, Registry>,
        plan: &StructPlan,
        mut build: PyBuild<'_, '_>,
        mut input: impl InputProtocol<'de>,
    ) -> Result<(Object, usize), DecodeError> {
        let object = Decoder::new(registry.get().plans(), &mut input, &mut build).planned(plan);
        let offset = input.offset();
        object.map(|object| (object, offset)).map_err(|error| error.placed(offset))
    }
    let _paused = CollectorPause::for_input(input);
    let build = PyBuild::of_struct(registry, settings, class, views);
    let limits = settings.limits;
    match settings.protocol {
        Protocol::Binary => walk(registry, plan, build, BinaryReader::new(input, limits)),
        Protocol::Compact => walk(registry, plan, build, CompactReader::new(input, limits)),
        Protocol::Json => walk(registry, plan, build, JsonReader::new(input, &Scratch::new(), limits)),
        Protocol::SimpleJson => read_json(registry, plan, build, settings, input),
    }
}

/// Reads the fields of a struct and hands each to `set` with its plan: arguments, results. Returns how many bytes they
/// took.
pub(crate) fn decode_fields(
    registry: &Bound<'_, Registry>,
    plan: &StructPlan,
    settings: &Settings,
    input: &[u8],
    set: impl FnMut(&FieldPlan, Object),
) -> Result<usize, DecodeError> {
    fn walk<'de>(
        registry: &Bound<'_, Registry>,
        plan: &StructPlan,
        settings: &Settings,
        mut input: impl InputProtocol<'de>,
        mut set: impl FnMut(&FieldPlan, Object),
    ) -> Result<usize, DecodeError> {
        let mut build = PyBuild::new(registry, settings);
        let read = Decoder::new(registry.get().plans(), &mut input, &mut build).fields(plan, |_, field, value| {
            set(field, value);
            Ok(())
        });
        let offset = input.offset();
        read.map(|()| offset).map_err(|error| error.placed(offset))
    }
    let _paused = CollectorPause::for_input(input);
    let limits = settings.limits;
    match settings.protocol {
        Protocol::Binary => walk(registry, plan, settings, BinaryReader::new(input, limits), set),
        Protocol::Compact => walk(registry, plan, settings, CompactReader::new(input, limits), set),
        Protocol::Json => walk(registry, plan, settings, JsonReader::new(input, &Scratch::new(), limits), set),
        Protocol::SimpleJson => read_json_fields(registry, plan, settings, input, set),
    }
}

/// Appends a struct as JSON with field names.
#[cold]
pub(crate) fn write_json(
    registry: &Registry,
    id: StructId,
    value: Ref,
    settings: &Settings,
    style: JsonStyle,
    out: &mut impl Sink,
) -> Result<(), EncodeError> {
    let visit = PyVisit::new(registry, settings);
    SimpleJsonEncoder::new(registry.plans(), out, &visit, style, settings.limits.depth).structure(id, value)
}

#[cold]
fn write_json_fields(
    registry: &Registry,
    plan: &StructPlan,
    settings: &Settings,
    out: &mut impl Sink,
    get: impl Fn(&FieldPlan) -> Option<Ref>,
) -> Result<usize, EncodeError> {
    let visit = PyVisit::new(registry, settings);
    let style = JsonStyle::SIMPLE_JSON;
    let mut encoder = SimpleJsonEncoder::new(registry.plans(), out, &visit, style, settings.limits.depth);
    encoder.fields(plan, |field| Ok(get(field)))
}

/// Reads a struct from JSON with field names, and says how many bytes it took.
#[cold]
fn read_json(
    registry: &Bound<'_, Registry>,
    plan: &StructPlan,
    mut build: PyBuild<'_, '_>,
    settings: &Settings,
    input: &[u8],
) -> Result<(Object, usize), DecodeError> {
    let scratch = Scratch::new();
    let mut decoder = SimpleJsonDecoder::new(registry.get().plans(), input, &scratch, settings.limits, &mut build);
    let object = decoder.planned(plan);
    let offset = decoder.offset();
    object.map(|object| (object, offset)).map_err(|error| error.placed(offset))
}

#[cold]
fn read_json_fields(
    registry: &Bound<'_, Registry>,
    plan: &StructPlan,
    settings: &Settings,
    input: &[u8],
    mut set: impl FnMut(&FieldPlan, Object),
) -> Result<usize, DecodeError> {
    let (scratch, plans) = (Scratch::new(), registry.get().plans());
    let mut build = PyBuild::new(registry, settings);
    let mut decoder = SimpleJsonDecoder::new(plans, input, &scratch, settings.limits, &mut build);
    let read = decoder.fields(plan, |_, field, value| {
        set(field, value);
        Ok(())
    });
    let offset = decoder.offset();
    read.map(|()| offset).map_err(|error| error.placed(offset))
}

/// Rests Python's cyclic collector while a large input is decoded: decoding makes no garbage, but so many objects that the collector
/// would run again and again over all of them. On free-threaded builds resting would stop it for everybody, so there it goes on.
pub(crate) struct CollectorPause {
    was_on: bool,
}

/// From how many bytes of input on the collector rests.
const PAUSE_FROM: usize = 64 << 10;

impl CollectorPause {
    #[inline]
    pub(crate) fn for_input(input: &[u8]) -> Option<Self> {
        (input.len() >= PAUSE_FROM && !cfg!(Py_GIL_DISABLED)).then(Self::start)
    }

    #[cold]
    #[allow(unsafe_code)]
    fn start() -> Self {
        // SAFETY: the interpreter is held.
        Self { was_on: unsafe { ffi::PyGC_Disable() } != 0 }
    }
}

impl Drop for CollectorPause {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if self.was_on {
            // SAFETY: the interpreter is held.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// Says in an error's path in which struct it happened.
#[cold]
pub(crate) fn in_struct(registry: &Registry, id: StructId) -> PathStep {
    PathStep::Field((*registry.schema().structure(id).name).into())
}
