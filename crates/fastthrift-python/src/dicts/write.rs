use fastthrift_dynamic::{EncodeError, MapPlan, Numbers, SequencePlan, StructPlan, TypePlan, Visit, is_number};
use fastthrift_protocol::PathStep;
use fastthrift_schema::{EnumId, StructKind};
use pyo3::ffi;

use super::{Depth, in_field, int, member_count, missing, new_object, own, own_all, own_entries, raise, raised};
use crate::class::frozen_dict_type;
use crate::object::{Object, held};
use crate::primitive;
use crate::registry::{Registry, Style};
use crate::settings::Settings;
use crate::visit::PyVisit;

/// What becomes of enums' values.
#[derive(Clone, Copy)]
pub(super) enum Enums {
    /// They stay.
    Member,
    /// Their names.
    Name,
    /// Their numbers.
    Number,
}

/// Makes dicts of structs.
pub(super) struct DictWriter<'r> {
    registry: &'r Registry,
    visit: PyVisit<'r>,
    enums: Enums,
    depth: Depth,
}

impl<'r> DictWriter<'r> {
    pub(super) fn new(registry: &'r Registry, settings: &Settings, enums: Enums) -> Self {
        let (visit, depth) = (PyVisit::new(registry, settings), Depth::new(settings.limits.depth));
        Self { registry, visit, enums, depth }
    }

    /// A struct as a dict.
    pub(super) fn structure(&mut self, plan: &StructPlan, value: &Object) -> Result<Object, EncodeError> {
        let open = self.visit.structure(plan, value.as_ptr())?;
        self.depth.enter()?;
        // SAFETY: makes a new object.
        let dict = new_object(unsafe { ffi::PyDict_New() })?;
        let mut count = 0;
        for field in &plan.fields {
            let found = self.visit.field(&open, field).map_err(|error| in_field(error, field))?.map(own);
            match found {
                Some(found) => {
                    let made = self.value(&field.ty, &found, false).map_err(|error| in_field(error, field))?;
                    set_item(&dict, &text(field.name.as_bytes())?, &made)?;
                    count += 1;
                }
                None if field.is_required => return Err(missing(plan, field)),
                None => {}
            }
        }
        self.depth.leave();
        if plan.kind == StructKind::Union && count != 1 {
            return Err(member_count(plan, count));
        }
        Ok(dict)
    }

    /// A value as plain data; one that is a key or a set's element must be hashable.
    fn value(&mut self, ty: &TypePlan, value: &Object, is_key: bool) -> Result<Object, EncodeError> {
        let found = value.as_ptr();
        match ty {
            TypePlan::Bool => self.visit.bool(found).map(truth),
            TypePlan::I8 => self.visit.i8(found).and_then(|value| int(value.into())),
            TypePlan::I16 => self.visit.i16(found).and_then(|value| int(value.into())),
            TypePlan::I32 => self.visit.i32(found).and_then(|value| int(value.into())),
            TypePlan::I64 => self.visit.i64(found).and_then(int),
            TypePlan::Double => self.visit.double(found).and_then(float),
            TypePlan::String => self.string(value),
            TypePlan::Binary => self.binary(value),
            TypePlan::Uuid => self.visit.uuid(found).map(|_| value.clone()),
            TypePlan::Enum(id) => self.visit.enumeration(*id, found).and_then(|number| self.enumeration(*id, number)),
            TypePlan::Struct(id) => self.nested(self.registry.plans().structure(*id), value, is_key),
            TypePlan::Selected(plan) => self.nested(plan, value, is_key),
            TypePlan::List(plan) => self.list(plan, value, is_key),
            TypePlan::Set(plan) => self.set(plan, value),
            TypePlan::Map(plan) => self.map(plan, value, is_key),
        }
    }

    fn nested(&mut self, plan: &StructPlan, value: &Object, is_key: bool) -> Result<Object, EncodeError> {
        if is_key {
            return self.visit.structure(plan, value.as_ptr()).map(|_| value.clone());
        }
        self.structure(plan, value)
    }

    fn string(&self, value: &Object) -> Result<Object, EncodeError> {
        let bytes = self.visit.string(value.as_ptr())?;
        // SAFETY: the value is live.
        if unsafe { ffi::PyUnicode_CheckExact(value.as_ptr()) } != 0 { Ok(value.clone()) } else { text(bytes) }
    }

    fn binary(&self, value: &Object) -> Result<Object, EncodeError> {
        let bytes = self.visit.binary(value.as_ptr())?;
        // SAFETY: the value is live; makes a new object of a slice.
        unsafe {
            if ffi::PyBytes_CheckExact(value.as_ptr()) != 0 {
                return Ok(value.clone());
            }
            new_object(ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), len_of(bytes)))
        }
    }

    fn enumeration(&self, id: EnumId, number: i32) -> Result<Object, EncodeError> {
        match self.enums {
            Enums::Member if self.is_native() => self.registry.enum_value(held(), id, number).map_err(raise),
            Enums::Member | Enums::Number => int(number.into()),
            Enums::Name => match self.registry.plans().enumeration(id).name_of(number) {
                Some(name) => text(name.as_bytes()),
                None => int(number.into()),
            },
        }
    }

    fn list(&mut self, plan: &SequencePlan, value: &Object, is_key: bool) -> Result<Object, EncodeError> {
        let list = if let Some(list) = self.array(plan, value)? {
            list
        } else {
            let elements = own_all(self.visit.list(plan, value.as_ptr())?.1);
            self.elements(&plan.element, &elements, is_key)?
        };
        if is_key && self.is_native() {
            // SAFETY: the list is live.
            return new_object(unsafe { ffi::PyList_AsTuple(list.as_ptr()) });
        }
        Ok(list)
    }

    /// An array of numbers as a list.
    fn array(&mut self, plan: &SequencePlan, value: &Object) -> Result<Option<Object>, EncodeError> {
        if !is_number(&plan.element) {
            return Ok(None);
        }
        let Some(numbers) = self.visit.numbers(plan, value.as_ptr())? else { return Ok(None) };
        self.depth.enter()?;
        self.depth.leave();
        match numbers {
            Numbers::Bool(numbers) => list_of(numbers, |number| Ok(truth(number))),
            Numbers::I8(numbers) => list_of(numbers, |number| int(number.into())),
            Numbers::I16(numbers) => list_of(numbers, |number| int(number.into())),
            Numbers::I32(numbers) => list_of(numbers, |number| int(number.into())),
            Numbers::I64(numbers) => list_of(numbers, int),
            Numbers::Double(numbers) => list_of(numbers, float),
        }
        .map(Some)
    }

    fn set(&mut self, plan: &SequencePlan, value: &Object) -> Result<Object, EncodeError> {
        let elements = own_all(self.visit.set(plan, value.as_ptr())?.1);
        let list = self.elements(&plan.element, &elements, self.is_native())?;
        if !self.is_native() {
            return Ok(list);
        }
        // SAFETY: the list is live.
        new_object(unsafe {
            if plan.is_key { ffi::PyFrozenSet_New(list.as_ptr()) } else { ffi::PySet_New(list.as_ptr()) }
        })
    }

    fn elements(&mut self, ty: &TypePlan, elements: &[Object], is_key: bool) -> Result<Object, EncodeError> {
        self.depth.enter()?;
        // SAFETY: makes a new object.
        let list = new_object(unsafe { ffi::PyList_New(0) })?;
        for (index, element) in elements.iter().enumerate() {
            let made = self.value(ty, element, is_key).map_err(|error| error.within(PathStep::Index(index)))?;
            // SAFETY: both are live.
            if unsafe { ffi::PyList_Append(list.as_ptr(), made.as_ptr()) } != 0 {
                return Err(raised());
            }
        }
        self.depth.leave();
        Ok(list)
    }

    fn map(&mut self, plan: &MapPlan, value: &Object, is_key: bool) -> Result<Object, EncodeError> {
        let entries = own_entries(self.visit.map(plan, value.as_ptr())?.1);
        self.depth.enter()?;
        // SAFETY: makes a new object.
        let dict = new_object(unsafe { ffi::PyDict_New() })?;
        for (index, (key, value)) in entries.iter().enumerate() {
            let key = self.value(&plan.key, key, true).map_err(|error| error.within(PathStep::Key(index)))?;
            let value = self.value(&plan.value, value, is_key).map_err(|error| error.within(PathStep::Value(index)))?;
            set_item(&dict, &key, &value)?;
        }
        self.depth.leave();
        if is_key && self.is_native() {
            let class = frozen_dict_type(held()).map_err(raise)?;
            return pyo3::types::PyAnyMethods::call1(class.as_any(), (dict.into_bound(held()),))
                .map(Object::from)
                .map_err(raise);
        }
        Ok(dict)
    }

    fn is_native(&self) -> bool {
        self.registry.style() == Style::Native
    }
}

fn text(bytes: &[u8]) -> Result<Object, EncodeError> {
    match primitive::text(bytes) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(raised()),
        // The attribute layout takes bytes for a text, and they need not be UTF-8.
        // SAFETY: makes a new object of a slice.
        Err(_) => new_object(unsafe { ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), len_of(bytes)) }),
    }
}

fn float(value: f64) -> Result<Object, EncodeError> {
    // SAFETY: makes a new object.
    new_object(unsafe { ffi::PyFloat_FromDouble(value) })
}

fn list_of<T: Copy>(numbers: &[T], make: impl Fn(T) -> Result<Object, EncodeError>) -> Result<Object, EncodeError> {
    let objects: Vec<Object> = numbers.iter().map(|&number| make(number)).collect::<Result<_, _>>()?;
    // SAFETY: makes a new object, and gives each of its places, all of which are empty, an object.
    unsafe {
        let list = new_object(ffi::PyList_New(isize::try_from(objects.len()).unwrap_or(isize::MAX)))?;
        for (index, object) in (0..).zip(objects) {
            ffi::PyList_SET_ITEM(list.as_ptr(), index, object.into_ptr());
        }
        Ok(list)
    }
}

fn truth(value: bool) -> Object {
    // SAFETY: the two booleans live for ever.
    own(unsafe { if value { ffi::Py_True() } else { ffi::Py_False() } })
}

fn len_of(bytes: &[u8]) -> isize {
    isize::try_from(bytes.len()).expect("invariant: a slice is at most isize::MAX bytes long")
}

fn set_item(dict: &Object, key: &Object, value: &Object) -> Result<(), EncodeError> {
    // SAFETY: all three are live.
    match unsafe { ffi::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) } {
        0 => Ok(()),
        _ => Err(raised()),
    }
}
