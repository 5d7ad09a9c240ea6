//! Makes the class of a struct, union or exception.
#![allow(unsafe_code)]

use std::sync::Arc;

use fastthrift_schema::{Schema, Struct, StructId, StructKind, TypeKind, Value};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{Bound, ffi};

use super::{ClassEntry, ClassInfo, Layout, Members, Spare, bases, instance, meta};
use crate::constant::{Default, prepare_uuid};
use crate::module::documentation;
use crate::registry::Registry;
use fastthrift_codegen::python::names::field_names;

/// Makes the class of a struct that has none yet.
pub(crate) fn create(registry: &Bound<'_, Registry>, id: StructId) -> PyResult<ClassEntry> {
    let py = registry.py();
    let schema = registry.get().schema();
    let structure = schema.structure(id);
    let field_names = field_names(structure);
    let names = PyTuple::new(py, field_names.iter().map(|name| PyString::intern(py, name)))?;
    let bases = bases(py)?;
    let base = match structure.kind {
        StructKind::Union => &bases.union,
        StructKind::Exception => &bases.exception,
        _ => &bases.structure,
    };
    let name = fastthrift_codegen::python::names::definition_name(schema.program(structure.program), &structure.name);
    let namespace = namespace(registry, structure, &field_names, &names)?;
    let class = bases.meta.bind(py).call1((name, PyTuple::new(py, [base])?, namespace))?.cast_into::<PyType>()?;
    let defaults = structure.fields.iter().enumerate().map(|(place, _)| Default::of_field(registry, id, place));
    let offsets = slot_offsets(&class, &names)?;
    let members = (structure.kind == StructKind::Union).then(|| Members::new(&names)).transpose()?;
    if let Some(members) = &members {
        members.install(&class, &names)?;
    }
    let info = Arc::new(ClassInfo {
        id,
        kind: structure.kind,
        layout: Layout::Slots(offsets),
        _members: members,
        names: names.iter().map(|name| Ok(name.cast_into::<PyString>()?.unbind())).collect::<PyResult<_>>()?,
        defaults: defaults.collect::<PyResult<_>>()?,
        is_tracked: !is_cycle_free(schema, id, &mut Vec::new()),
        memory: memory_of(structure),
        spare: Spare::default(),
    });
    meta::attach(&class, Arc::clone(&info), registry)?;
    instance::prepare_generated(class.as_type_ptr(), &info);
    Ok(ClassEntry::new(class.unbind(), info))
}

fn namespace<'py>(
    registry: &Bound<'py, Registry>,
    structure: &Struct,
    field_names: &[String],
    names: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = registry.py();
    let annotations = PyDict::new(py);
    let writer = registry.get().annotations().inside(structure, field_names);
    if writer.mentions_builtins() {
        registry.get().offer_import(py, structure.program, "builtins")?;
    }
    for (name, field) in names.iter().zip(&structure.fields) {
        annotations.set_item(name, writer.field(field))?;
        if writer.mentions_uuid(field.ty) {
            registry.get().offer_import(py, structure.program, "uuid")?;
            prepare_uuid(py)?;
        }
    }
    let namespace = PyDict::new(py);
    namespace.set_item("__slots__", names)?;
    namespace.set_item("__module__", registry.get().module_name(structure.program))?;
    namespace.set_item("__doc__", doc(registry.get().schema(), structure, names))?;
    namespace.set_item("__annotations__", annotations)?;
    match structure.kind {
        StructKind::Union => namespace.set_item("__match_args__", ("_which", "_value"))?,
        _ => namespace.set_item("__match_args__", names)?,
    }
    Ok(namespace)
}

/// The doc comment, followed by those of the fields; without any, what the class is.
fn doc(schema: &Schema, structure: &Struct, names: &Bound<'_, PyTuple>) -> String {
    let documented: Vec<String> = structure
        .fields
        .iter()
        .zip(names)
        .filter_map(|(field, name)| {
            field.doc.as_ref().map(|doc| format!("    {name}: {}", doc.trim().replace('\n', "\n        ")))
        })
        .collect();
    let mut text = structure.doc.as_deref().unwrap_or_default().to_owned();
    if !documented.is_empty() {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str("Attributes:\n");
        text.push_str(&documented.join("\n"));
    }
    let what = match structure.kind {
        StructKind::Union => "union",
        StructKind::Exception => "exception",
        _ => "struct",
    };
    documentation(schema, structure.program, Some(&text), what, &structure.name)
}

/// Reads where CPython put each slot; it sorts them, so the order of the names says nothing.
fn slot_offsets(class: &Bound<'_, PyType>, names: &Bound<'_, PyTuple>) -> PyResult<Box<[usize]>> {
    let attributes = class.getattr("__dict__")?;
    names.iter().map(|name| member_offset(&attributes.get_item(&name)?)).collect()
}

/// Where a slot's descriptor says that it is.
pub(crate) fn member_offset(descriptor: &Bound<'_, PyAny>) -> PyResult<usize> {
    let member = descriptor.py().import("types")?.getattr("MemberDescriptorType")?;
    if !descriptor.is_instance(&member)? {
        return Err(PyTypeError::new_err(format!("{descriptor} is no slot")));
    }
    // SAFETY: a member descriptor points to a `PyMemberDef` that lives as long as its class.
    let offset = unsafe {
        let descriptor = descriptor.as_ptr().cast::<ffi::PyMemberDescrObject>();
        let definition: *const ffi::PyMemberDef = (*descriptor).d_member.cast();
        (*definition).offset
    };
    usize::try_from(offset).map_err(|_| PyTypeError::new_err("a slot has a negative offset"))
}

/// Bytes of an instance's head, of a slot with a number or an empty text in it, and of a part of a default that is made anew.
const HEAD_MEMORY: usize = 32;
const SLOT_MEMORY: usize = 40;
const PART_MEMORY: usize = 80;

/// About how many bytes an instance takes, with its numbers, the heads of its texts, and its defaults.
fn memory_of(structure: &Struct) -> usize {
    let parts: usize = structure.fields.iter().filter_map(|field| field.default.as_ref()).map(parts).sum();
    HEAD_MEMORY + structure.fields.len() * SLOT_MEMORY + parts * PART_MEMORY
}

/// How many objects a default value is made of.
fn parts(value: &Value) -> usize {
    match value {
        Value::List(values) | Value::Set(values) => 1 + values.iter().map(parts).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(key, value)| parts(key) + parts(value)).sum::<usize>(),
        Value::Struct { fields, .. } => 1 + fields.iter().map(|(_, value)| parts(value)).sum::<usize>(),
        _ => 1,
    }
}

/// Whether no instance can reach itself: its fields hold scalars, text, and structs of which the same is true.
fn is_cycle_free(schema: &Schema, id: StructId, above: &mut Vec<StructId>) -> bool {
    let structure = schema.structure(id);
    if structure.kind == StructKind::Exception || above.contains(&id) || above.len() > 16 {
        return false;
    }
    above.push(id);
    let result = structure.fields.iter().all(|field| match schema.resolve(field.ty) {
        TypeKind::List(_) | TypeKind::Set(_) | TypeKind::Map(..) => false,
        TypeKind::Struct(inner) => is_cycle_free(schema, inner, above),
        _ => true,
    });
    above.pop();
    result
}
