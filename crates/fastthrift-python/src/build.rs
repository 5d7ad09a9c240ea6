//! Makes Python objects from what the walk decodes.
#![allow(unsafe_code)]
#![expect(clippy::inline_always, reason = "the loop over fields is faster with what it does at each field in it")]

use fastthrift_dynamic::{Build, FieldPlan, MapPlan, Numbers, NumbersMut, SequencePlan, StructPlan, TypePlan};
use fastthrift_protocol::{DecodeError, DecodeErrorKind};
use fastthrift_schema::EnumId;
use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use crate::arrays::{Element, Filling, Maker};
use crate::class::{ClassInfo, Layout, Slots, complete, frozen_dict_type, is_none, new_instance};
use crate::collisions::Hashed;
use crate::constant;
use crate::error::restore;
use crate::keys::KeyUse;
use crate::object::{Object, held, made, python_raised};
use crate::primitive;
use crate::registry::{Registry, Style};
use crate::settings::{Settings, Utf8};
use crate::views::Views;

/// Makes objects of a registry's classes.
pub(crate) struct PyBuild<'r, 'py> {
    registry: &'r Bound<'py, Registry>,
    /// The class of the outermost struct, where it is a subclass of the generated one.
    outermost: Option<*mut ffi::PyTypeObject>,
    keys: KeyUse,
    utf8: Utf8,
    /// Makes the `binary` values, where they are to be views of the input.
    views: Option<Views>,
    /// Makes the arrays that `list`s of numbers are to be, where they are.
    arrays: Option<&'static Maker>,
    /// How many bytes of memory may be taken yet, and how many there were at first.
    memory_left: usize,
    memory_limit: usize,
}

/// Bytes of memory, about: of a container's head, of an element's place, and of an element that is a number or the head of a text.
const CONTAINER_MEMORY: usize = 72;
const PLACE_MEMORY: usize = 8;
const HASHED_PLACE_MEMORY: usize = 48;
const SCALAR_MEMORY: usize = 40;

/// A struct whose fields are being set.
pub(crate) struct Building<'r> {
    object: Object,
    class: *mut ffi::PyTypeObject,
    info: &'r ClassInfo,
    /// Where its slots are; none for the attribute layout.
    offsets: Option<&'r [usize]>,
    /// How many fields have a value.
    filled: usize,
}

/// A list whose elements are being added.
pub(crate) enum Elements {
    /// A `list` with places for all of them.
    Objects(Object),
    /// An array of numbers.
    Numbers(Box<Filling>),
}

impl<'r, 'py> PyBuild<'r, 'py> {
    /// A builder of what the settings say, the limit on memory included, as far as that is reckoned here.
    #[inline]
    pub(crate) fn new(registry: &'r Bound<'py, Registry>, settings: &Settings) -> Self {
        Self::of_struct(registry, settings, None, None)
    }

    /// Makes the outermost struct an instance of this class, the generated one or one that extends it.
    pub(crate) fn with_class(self, class: Option<*mut ffi::PyTypeObject>) -> Self {
        Self { outermost: class, ..self }
    }

    /// The same for a struct that is to be an instance of `class`, if given, the generated one or one that extends it; `views` make its
    /// `binary` values, where they are to be views of the input.
    #[inline]
    pub(crate) fn of_struct(
        registry: &'r Bound<'py, Registry>,
        settings: &Settings,
        class: Option<*mut ffi::PyTypeObject>,
        views: Option<Views>,
    ) -> Self {
        let memory = settings.limits.memory;
        Self {
            registry,
            outermost: class,
            keys: KeyUse::default(),
            utf8: settings.utf8,
            views,
            arrays: settings.arrays,
            memory_left: memory,
            memory_limit: memory,
        }
    }

    /// A `binary` that is a view of the input.
    #[cold]
    fn view(&mut self, value: &[u8]) -> Result<Object, DecodeError> {
        self.take_memory(Views::MEMORY)?;
        match &self.views {
            Some(views) => views.of(value),
            None => blob(value),
        }
    }

    /// Notes that an object of this size is about to be made. Scalars are reckoned with what holds them, the bytes of texts with the
    /// message's.
    #[inline]
    fn take_memory(&mut self, size: usize) -> Result<(), DecodeError> {
        match self.memory_left.checked_sub(size) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(self.over_limit(size)),
        }
    }

    #[cold]
    fn over_limit(&self, size: usize) -> DecodeError {
        let limit = self.memory_limit;
        let size = (limit - self.memory_left).saturating_add(size);
        DecodeError::unplaced(DecodeErrorKind::SizeLimit { what: "decoded message", size, limit })
    }

    /// Notes that a container is about to be made.
    #[inline]
    fn take_container(&mut self, len: usize, place: usize, elements: &[&TypePlan]) -> Result<(), DecodeError> {
        let elements = elements.iter().map(|ty| if is_scalar(ty) { SCALAR_MEMORY } else { 0 }).sum::<usize>();
        self.take_memory(CONTAINER_MEMORY.saturating_add(len.saturating_mul(place + elements)))
    }

    /// An array, where the list can be one: not where it has to be hashable.
    #[cold]
    fn begin_array(&mut self, plan: &SequencePlan, len: usize) -> Result<Option<Box<Filling>>, DecodeError> {
        match (self.arrays, Element::of(&plan.element)) {
            (Some(maker), Some(element)) if !plan.is_key => {
                self.take_memory(maker.memory().saturating_add(len.saturating_mul(element.size())))?;
                maker.begin(element, len).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn style(&self) -> Style {
        self.registry.get().style()
    }
}

/// Leaves the Python exception set, for whoever called the walk.
#[cold]
fn raise(error: PyErr) -> DecodeError {
    restore(error);
    python_raised()
}

/// Whether values of this type are made without a call of Python code.
#[inline]
fn is_scalar(ty: &TypePlan) -> bool {
    use TypePlan::{Binary, Bool, Double, I8, I16, I32, I64, String};
    matches!(ty, Bool | I8 | I16 | I32 | I64 | Double | String | Binary)
}

/// Whether the collector could come upon a list of this type before all its places are filled, and let Python code see it: it runs
/// when objects are made that it tracks, and between the steps of Python code, such as that of an enum's class.
#[inline]
fn must_hide(plan: &SequencePlan) -> bool {
    cfg!(Py_GIL_DISABLED) || !is_scalar(&plan.element)
}

/// An empty frozenset to be filled, which only works as long as nobody else has it: not even the collector.
fn frozen_set() -> Result<Object, DecodeError> {
    // SAFETY: makes a new object, which the collector knows from then on.
    unsafe {
        let set = made(ffi::PyFrozenSet_New(std::ptr::null_mut()))?;
        ffi::PyObject_GC_UnTrack(set.as_ptr().cast());
        Ok(set)
    }
}

/// Adds an element to a list that was made with a place for it, which is empty yet.
#[inline(always)]
fn put(list: &Object, index: usize, value: Object) {
    // SAFETY: the list was made with room for `len` elements, and the walk counts up to it.
    unsafe { ffi::PyList_SET_ITEM(list.as_ptr(), length(index), value.into_ptr()) };
}

#[inline]
fn blob(value: &[u8]) -> Result<Object, DecodeError> {
    // SAFETY: the pointer and length are those of a slice.
    made(unsafe { ffi::PyBytes_FromStringAndSize(value.as_ptr().cast(), length(value.len())) })
}

fn length(len: usize) -> isize {
    isize::try_from(len).expect("invariant: no container is longer than its bytes")
}

impl<'r> Build for PyBuild<'r, '_> {
    type Value = Object;
    type Struct = Building<'r>;
    type List = Elements;
    type Set = Hashed;
    type Map = Hashed;

    #[inline]
    fn bool(&mut self, value: bool) -> Result<Object, DecodeError> {
        // SAFETY: the two booleans live for ever.
        Ok(unsafe { Object::from_borrowed(if value { ffi::Py_True() } else { ffi::Py_False() }) })
    }

    #[inline]
    fn i32(&mut self, value: i32) -> Result<Object, DecodeError> {
        // SAFETY: makes a new object.
        made(unsafe { ffi::PyLong_FromLong(value.into()) })
    }

    #[inline]
    fn i64(&mut self, value: i64) -> Result<Object, DecodeError> {
        // SAFETY: makes a new object.
        made(unsafe { ffi::PyLong_FromLongLong(value) })
    }

    #[inline]
    fn double(&mut self, value: f64) -> Result<Object, DecodeError> {
        // SAFETY: makes a new object.
        made(unsafe { ffi::PyFloat_FromDouble(value) })
    }

    #[inline(always)]
    fn string(&mut self, value: &[u8], offset: usize) -> Result<Object, DecodeError> {
        match primitive::text(value) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(python_raised()),
            Err(_) if self.utf8 == Utf8::Bytes => blob(value),
            Err(valid) => Err(DecodeError::new(DecodeErrorKind::InvalidUtf8, offset + valid)),
        }
    }

    #[inline]
    fn key_string(&mut self, value: &[u8], offset: usize) -> Result<Object, DecodeError> {
        match self.keys.find(value) {
            Some(key) => Ok(key),
            None => self.string(value, offset).inspect(|key| {
                // SAFETY: the key is live.
                if unsafe { ffi::PyUnicode_Check(key.as_ptr()) } != 0 {
                    self.keys.offer(value, key);
                }
            }),
        }
    }

    #[inline]
    fn binary(&mut self, value: &[u8]) -> Result<Object, DecodeError> {
        if self.views.is_none() { blob(value) } else { self.view(value) }
    }

    fn uuid(&mut self, value: [u8; 16]) -> Result<Object, DecodeError> {
        constant::uuid(held(), &value).map(Object::from).map_err(raise)
    }

    #[inline]
    fn enumeration(&mut self, id: EnumId, number: i32) -> Result<Object, DecodeError> {
        match self.style() {
            Style::Native => self.registry.get().enum_value(held(), id, number).map_err(raise),
            Style::Attributes => self.i32(number),
        }
    }

    #[inline(always)]
    fn begin_struct(&mut self, plan: &StructPlan) -> Result<Building<'r>, DecodeError> {
        let entry = match self.registry.get().made_class(plan.id) {
            Some(entry) => entry,
            None => Registry::class(self.registry, plan.id).map_err(raise)?,
        };
        self.take_memory(entry.info.memory)?;
        let class = self.outermost.take().unwrap_or(entry.class_ptr());
        let (object, offsets) = match &entry.info.layout {
            Layout::Slots(offsets) => (new_instance(class, &entry.info), Some(&**offsets)),
            // SAFETY: the class is live; calling it gives a new object or null.
            Layout::Attributes => (unsafe { ffi::PyObject_CallNoArgs(class.cast()) }, None),
        };
        Ok(Building { object: made(object)?, class, info: &entry.info, offsets, filled: 0 })
    }

    #[inline(always)]
    fn set_field(&mut self, building: &mut Building<'r>, field: &FieldPlan, value: Object) -> Result<(), DecodeError> {
        if let Some(offsets) = building.offsets {
            // SAFETY: the object was made for this info.
            let was_empty = unsafe { Slots::of(building.object.as_ptr()) }.set(offsets[field.index], value);
            building.filled += usize::from(was_empty);
            Ok(())
        } else {
            let name = building.info.names[field.index].as_ptr();
            // SAFETY: all three are live objects.
            match unsafe { ffi::PyObject_SetAttr(building.object.as_ptr(), name, value.as_ptr()) } {
                0 => Ok(()),
                _ => Err(python_raised()),
            }
        }
    }

    fn has_field(&self, building: &Building<'r>, field: &FieldPlan) -> bool {
        match &building.info.layout {
            // SAFETY: the object was made for this info.
            Layout::Slots(offsets) => {
                unsafe { Slots::of(building.object.as_ptr()) }.get(offsets[field.index]).is_some()
            }
            Layout::Attributes => {
                let name = building.info.names[field.index].as_ptr();
                // SAFETY: both are live objects; an attribute that is not there is no error here.
                unsafe {
                    let value = Object::from_new(ffi::PyObject_GetAttr(building.object.as_ptr(), name));
                    if value.is_none() && ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) != 0 {
                        ffi::PyErr_Clear();
                    }
                    value.is_some_and(|value| !is_none(value.as_ptr()))
                }
            }
        }
    }

    #[inline]
    fn end_struct(&mut self, _: &StructPlan, building: Building<'r>) -> Result<Object, DecodeError> {
        if let Some(offsets) = building.offsets
            && building.filled < offsets.len()
        {
            complete(&building.object, building.class, building.info).map_err(raise)?;
        }
        Ok(building.object)
    }

    #[inline(always)]
    fn begin_list(&mut self, plan: &SequencePlan, len: usize) -> Result<Elements, DecodeError> {
        if self.arrays.is_some()
            && let Some(array) = self.begin_array(plan, len)?
        {
            return Ok(Elements::Numbers(array));
        }
        self.take_container(len, PLACE_MEMORY, &[&plan.element])?;
        // SAFETY: a new list; the collector must not see it before all its places are filled.
        unsafe {
            let list = made(ffi::PyList_New(length(len)))?;
            if must_hide(plan) {
                ffi::PyObject_GC_UnTrack(list.as_ptr().cast());
            }
            Ok(Elements::Objects(list))
        }
    }

    #[inline(always)]
    fn push(&mut self, list: &mut Elements, index: usize, value: Object) -> Result<(), DecodeError> {
        match list {
            Elements::Objects(list) => put(list, index, value),
            Elements::Numbers(array) => array.store(index, &value),
        }
        Ok(())
    }

    #[inline]
    fn push_numbers(&mut self, list: &mut Elements, start: usize, numbers: Numbers<'_>) -> Result<(), DecodeError> {
        let Elements::Objects(list) = list else {
            unreachable!("invariant: the numbers of an array are stored in its places")
        };
        macro_rules! put_each {
            ($numbers:expr, $make:ident) => {
                for (index, &number) in $numbers.iter().enumerate() {
                    put(list, start + index, self.$make(number.into())?);
                }
            };
        }
        match numbers {
            Numbers::Bool(numbers) => put_each!(numbers, bool),
            Numbers::I8(numbers) => put_each!(numbers, i32),
            Numbers::I16(numbers) => put_each!(numbers, i32),
            Numbers::I32(numbers) => put_each!(numbers, i32),
            Numbers::I64(numbers) => put_each!(numbers, i64),
            Numbers::Double(numbers) => put_each!(numbers, double),
        }
        Ok(())
    }

    #[inline]
    fn places<'l>(&mut self, list: &'l mut Elements) -> Option<NumbersMut<'l>> {
        match list {
            Elements::Objects(_) => None,
            Elements::Numbers(array) => Some(array.places()),
        }
    }

    #[inline(always)]
    fn end_list(&mut self, plan: &SequencePlan, list: Elements) -> Result<Object, DecodeError> {
        let list = match list {
            Elements::Objects(list) => list,
            Elements::Numbers(array) => return Ok(array.end()),
        };
        // SAFETY: all places are filled.
        unsafe {
            if must_hide(plan) {
                ffi::PyObject_GC_Track(list.as_ptr().cast());
            }
            if plan.is_key && self.style() == Style::Native {
                made(ffi::PyList_AsTuple(list.as_ptr()))
            } else {
                Ok(list)
            }
        }
    }

    fn begin_set(&mut self, plan: &SequencePlan, len: usize) -> Result<Hashed, DecodeError> {
        self.take_container(len, HASHED_PLACE_MEMORY, &[&plan.element])?;
        // SAFETY: makes a new object.
        let set = unsafe {
            match self.style() {
                Style::Attributes => return made(ffi::PyList_New(0)).map(Hashed::unwatched),
                Style::Native if plan.is_key => frozen_set(),
                Style::Native => made(ffi::PySet_New(std::ptr::null_mut())),
            }
        };
        set.map(|set| Hashed::new(set, &plan.element, len))
    }

    fn insert(&mut self, set: &mut Hashed, value: Object) -> Result<(), DecodeError> {
        let style = self.style();
        // SAFETY: the set (or list) was made by begin_set and nobody else has it yet.
        set.insert(&value, |set| unsafe {
            match style {
                Style::Attributes => ffi::PyList_Append(set, value.as_ptr()),
                Style::Native => ffi::PySet_Add(set, value.as_ptr()),
            }
        })
    }

    fn end_set(&mut self, plan: &SequencePlan, set: Hashed) -> Result<Object, DecodeError> {
        let set = set.object;
        if plan.is_key && self.style() == Style::Native {
            // SAFETY: the set was taken from the collector by `frozen_set`.
            unsafe { ffi::PyObject_GC_Track(set.as_ptr().cast()) };
        }
        Ok(set)
    }

    #[inline]
    fn begin_map(&mut self, plan: &MapPlan, len: usize) -> Result<Hashed, DecodeError> {
        self.take_container(len, 2 * HASHED_PLACE_MEMORY, &[&plan.key, &plan.value])?;
        // SAFETY: makes a new object.
        let map = made(unsafe { ffi::PyDict_New() })?;
        Ok(Hashed::new(map, &plan.key, len))
    }

    #[inline]
    fn insert_entry(&mut self, map: &mut Hashed, key: Object, value: Object) -> Result<(), DecodeError> {
        // SAFETY: all three are live.
        map.insert(&key, |map| unsafe { ffi::PyDict_SetItem(map, key.as_ptr(), value.as_ptr()) })
    }

    fn end_map(&mut self, plan: &MapPlan, map: Hashed) -> Result<Object, DecodeError> {
        let map = map.object;
        if !plan.is_key || self.style() != Style::Native {
            return Ok(map);
        }
        let frozen = frozen_dict_type(held()).and_then(|class| class.call1((map.into_bound(held()),)));
        frozen.map(Object::from).map_err(raise)
    }
}
