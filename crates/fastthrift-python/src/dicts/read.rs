use fastthrift_dynamic::{
    Build, EncodeError, EncodeErrorKind, MapPlan, Plans, SequencePlan, StructPlan, TypePlan, Visit, is_number,
};
use fastthrift_protocol::{DecodeError, PathStep};
use fastthrift_schema::{EnumId, StructKind, nearest};
use pyo3::ffi;

use super::{Depth, in_field, member_count, missing, new_object, own_all, own_entries};
use crate::build::PyBuild;
use crate::class::{ClassEntry, is_none};
use crate::object::{Object, type_name};
use crate::primitive::utf8;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::target::Target;
use crate::visit::PyVisit;

/// How much of a name that the schema does not know an error shows, in characters.
const SHOWN_NAME: usize = 40;

/// Makes structs of dicts.
pub(super) struct DictReader<'r, 'py> {
    registry: &'r Registry,
    visit: PyVisit<'r>,
    build: PyBuild<'r, 'py>,
    depth: Depth,
}

impl<'r, 'py> DictReader<'r, 'py> {
    pub(super) fn new(target: &'r Target<'py>, settings: &Settings) -> Self {
        let registry = target.registry.get();
        Self {
            registry,
            visit: PyVisit::new(registry, settings),
            build: PyBuild::new(&target.registry, settings).with_class(target.class()),
            depth: Depth::new(settings.limits.depth),
        }
    }

    /// The struct that everything else is part of.
    pub(super) fn outermost(&mut self, plan: &StructPlan, value: &Object) -> Result<Object, EncodeError> {
        if is_dict(value) { self.structure(plan, value) } else { Err(wrong("dict", value)) }
    }

    fn nested(&mut self, plan: &StructPlan, value: &Object) -> Result<Object, EncodeError> {
        if is_dict(value) {
            return self.structure(plan, value);
        }
        let class = self.registry.made_class(plan.id).map(ClassEntry::class_ptr);
        // SAFETY: the value and the class are live.
        if class.is_some_and(|class| unsafe { ffi::PyObject_TypeCheck(value.as_ptr(), class) } != 0) {
            return Ok(value.clone());
        }
        Err(wrong(&format!("dict or {}", plan.name), value))
    }

    fn structure(&mut self, plan: &StructPlan, value: &Object) -> Result<Object, EncodeError> {
        self.depth.enter()?;
        let mut building = built(self.build.begin_struct(plan))?;
        let (mut count, mut next) = (0, 0);
        for (name, value) in entries(value)? {
            let place = place_of(plan, &name, next)?;
            next = place + 1;
            if is_none(value.as_ptr()) {
                continue;
            }
            let field = &plan.fields[place];
            let made = self.value(&field.ty, &value).map_err(|error| in_field(error, field))?;
            built(self.build.set_field(&mut building, field, made)).map_err(|error| in_field(error, field))?;
            count += 1;
        }
        for &place in &plan.required {
            let field = &plan.fields[place];
            if !self.build.has_field(&building, field) {
                return Err(missing(plan, field));
            }
        }
        if plan.kind == StructKind::Union && count != 1 {
            return Err(member_count(plan, count));
        }
        self.depth.leave();
        built(self.build.end_struct(plan, building))
    }

    fn value(&mut self, ty: &TypePlan, value: &Object) -> Result<Object, EncodeError> {
        let found = value.as_ptr();
        match ty {
            TypePlan::Bool => built(self.build.bool(self.visit.bool(found)?)),
            TypePlan::I8 => built(self.build.i32(self.visit.i8(found)?.into())),
            TypePlan::I16 => built(self.build.i32(self.visit.i16(found)?.into())),
            TypePlan::I32 => built(self.build.i32(self.visit.i32(found)?)),
            TypePlan::I64 => built(self.build.i64(self.visit.i64(found)?)),
            TypePlan::Double => built(self.build.double(self.visit.double(found)?)),
            TypePlan::String => self.string(value),
            TypePlan::Binary => self.binary(value),
            TypePlan::Uuid => self.visit.uuid(found).map(|_| value.clone()),
            TypePlan::Enum(id) => {
                let number = self.enumeration(*id, value)?;
                built(self.build.enumeration(*id, number))
            }
            TypePlan::Struct(id) => self.nested(self.plans().structure(*id), value),
            TypePlan::Selected(plan) => self.nested(plan, value),
            TypePlan::List(plan) => self.list(plan, value),
            TypePlan::Set(plan) => self.set(plan, value),
            TypePlan::Map(plan) => self.map(plan, value),
        }
    }

    fn plans(&self) -> &'r Plans {
        self.registry.plans()
    }

    fn string(&mut self, value: &Object) -> Result<Object, EncodeError> {
        let bytes = self.visit.string(value.as_ptr())?;
        // SAFETY: the value is live.
        if unsafe { ffi::PyUnicode_CheckExact(value.as_ptr()) } != 0 {
            return Ok(value.clone());
        }
        built(self.build.string(bytes, 0))
    }

    fn binary(&mut self, value: &Object) -> Result<Object, EncodeError> {
        let bytes = self.visit.binary(value.as_ptr())?;
        // SAFETY: the value is live.
        if unsafe { ffi::PyBytes_CheckExact(value.as_ptr()) } != 0 {
            return Ok(value.clone());
        }
        built(self.build.binary(bytes))
    }

    /// The number of an enum's value: of a member, of a name, or of itself.
    fn enumeration(&self, id: EnumId, value: &Object) -> Result<i32, EncodeError> {
        let Some(name) = utf8(value.as_ptr()) else { return self.visit.enumeration(id, value.as_ptr()) };
        let plan = self.plans().enumeration(id);
        plan.number_of(name).ok_or_else(|| invalid(format!("enum '{}' has no value '{}'", plan.name, shown(name))))
    }

    fn list(&mut self, plan: &SequencePlan, value: &Object) -> Result<Object, EncodeError> {
        if is_number(&plan.element)
            && let Some(numbers) = self.visit.numbers(plan, value.as_ptr())?
        {
            self.depth.enter()?;
            self.depth.leave();
            let mut list = built(self.build.begin_list(plan, numbers.len()))?;
            built(self.build.push_numbers(&mut list, 0, numbers))?;
            return built(self.build.end_list(plan, list));
        }
        let elements = own_all(self.visit.list(plan, value.as_ptr())?.1);
        let made = self.elements(plan, &elements)?;
        let mut list = built(self.build.begin_list(plan, made.len()))?;
        for (index, element) in made.into_iter().enumerate() {
            built(self.build.push(&mut list, index, element))?;
        }
        built(self.build.end_list(plan, list))
    }

    fn set(&mut self, plan: &SequencePlan, value: &Object) -> Result<Object, EncodeError> {
        let elements = own_all(self.visit.set(plan, value.as_ptr())?.1);
        let made = self.elements(plan, &elements)?;
        let mut set = built(self.build.begin_set(plan, made.len()))?;
        for (index, element) in made.into_iter().enumerate() {
            let inserted = built(self.build.insert(&mut set, element));
            inserted.map_err(|error| error.within(PathStep::Index(index)))?;
        }
        built(self.build.end_set(plan, set))
    }

    fn elements(&mut self, plan: &SequencePlan, elements: &[Object]) -> Result<Vec<Object>, EncodeError> {
        self.depth.enter()?;
        let element = |(index, element): (usize, &Object)| {
            self.value(&plan.element, element).map_err(|error| error.within(PathStep::Index(index)))
        };
        let made = elements.iter().enumerate().map(element).collect();
        self.depth.leave();
        made
    }

    fn map(&mut self, plan: &MapPlan, value: &Object) -> Result<Object, EncodeError> {
        if !is_dict(value) {
            return Err(wrong("dict", value));
        }
        let entries = entries(value)?;
        self.depth.enter()?;
        let mut map = built(self.build.begin_map(plan, entries.len()))?;
        for (index, (key, value)) in entries.iter().enumerate() {
            let key = self.value(&plan.key, key).map_err(|error| error.within(PathStep::Key(index)))?;
            let value = self.value(&plan.value, value).map_err(|error| error.within(PathStep::Value(index)))?;
            let inserted = built(self.build.insert_entry(&mut map, key, value));
            inserted.map_err(|error| error.within(PathStep::Key(index)))?;
        }
        self.depth.leave();
        built(self.build.end_map(plan, map))
    }
}

/// The place of the field that a key names.
fn place_of(plan: &StructPlan, name: &Object, next: usize) -> Result<usize, EncodeError> {
    let Some(text) = utf8(name.as_ptr()) else {
        return Err(wrong(&format!("names of fields of '{}' as keys", plan.name), name));
    };
    plan.place_of_name(text, next).ok_or_else(|| unknown(plan, text))
}

#[cold]
fn unknown(plan: &StructPlan, name: &[u8]) -> EncodeError {
    let name = shown(name);
    let names = plan.fields.iter().map(|field| &*field.name).collect();
    let hint = nearest(&name, names).map_or_else(String::new, |near| format!(", did you mean '{near}'?"));
    invalid(format!("'{}' has no field '{name}'{hint}", plan.name))
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(SHOWN_NAME).collect()
}

fn is_dict(value: &Object) -> bool {
    // SAFETY: the value is live.
    unsafe { ffi::PyDict_Check(value.as_ptr()) != 0 }
}

/// The entries of a dict as they are now.
fn entries(dict: &Object) -> Result<Vec<(Object, Object)>, EncodeError> {
    // SAFETY: the dict is live, and nobody else has its copy.
    unsafe {
        let copy = new_object(ffi::PyDict_Copy(dict.as_ptr()))?;
        let mut position = 0;
        Ok(own_entries(std::iter::from_fn(|| {
            let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
            let found = ffi::PyDict_Next(copy.as_ptr(), &raw mut position, &raw mut key, &raw mut value);
            (found != 0).then_some((key, value))
        })))
    }
}

/// What was built. An error in building is one of Python, which stays set, or of memory.
fn built<T>(result: Result<T, DecodeError>) -> Result<T, EncodeError> {
    result.map_err(|error| invalid(error.kind().to_string()))
}

#[cold]
fn invalid(text: String) -> EncodeError {
    EncodeError::new(EncodeErrorKind::Invalid(text.into()))
}

#[cold]
fn wrong(expected: &str, found: &Object) -> EncodeError {
    let found = type_name(found.as_ptr()).into();
    EncodeError::new(EncodeErrorKind::WrongType { expected: expected.into(), found })
}
