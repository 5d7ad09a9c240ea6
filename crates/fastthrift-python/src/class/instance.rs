//! Instances: made, filled and freed with direct loads and stores at their slots' offsets.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::sync::atomic::{AtomicPtr, Ordering};

#[cfg(Py_GIL_DISABLED)]
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyErr, ffi};

use fastthrift_schema::StructKind;

use super::{ClassInfo, info_of, registry_of};
use crate::error::restore;
use crate::object::{Object, Ref, held};

/// The slots of one instance.
pub(crate) struct Slots {
    object: Ref,
}

impl Slots {
    /// # Safety
    /// `object` is an instance of a class whose info gave the offsets that are used here.
    #[inline]
    pub(crate) unsafe fn of(object: Ref) -> Self {
        Self { object }
    }

    #[inline]
    fn at(&self, offset: usize) -> *mut Ref {
        // SAFETY: by the constructor's contract, `offset` is a slot of this instance.
        unsafe { self.object.cast::<u8>().add(offset).cast() }
    }

    /// What the slot holds, borrowed; `None` when it was deleted or not set yet.
    ///
    /// For objects that nothing else can change meanwhile: those under construction, and any while the interpreter is held and runs
    /// no Python code.
    #[inline]
    pub(crate) fn get(&self, offset: usize) -> Option<Ref> {
        // SAFETY: a slot is null or a live object.
        let value = unsafe { *self.at(offset) };
        (!value.is_null()).then_some(value)
    }

    /// What the slot holds; `None` when it was deleted.
    #[inline]
    pub(crate) fn load(&self, offset: usize) -> Option<Object> {
        // SAFETY: what a slot holds lives until the slot is changed, which the lock keeps others from.
        locked(self.object, || self.get(offset).map(|value| unsafe { Object::from_borrowed(value) }))
    }

    /// Stores a value; true if the slot was empty before.
    #[inline]
    pub(crate) fn set(&self, offset: usize, value: Object) -> bool {
        self.swap(offset, value).is_none()
    }

    /// Stores a value and returns the one before.
    #[inline]
    pub(super) fn swap(&self, offset: usize, value: Object) -> Option<Object> {
        // SAFETY: a slot is null or a strong reference, which is given away after it was replaced.
        unsafe { Object::from_new(locked(self.object, || self.replace(offset, value.into_ptr()))) }
    }

    /// Empties a slot of an object that is being freed: nobody else has it, and nobody may refer to it any more, not even to lock it.
    #[inline]
    fn clear(&self, offset: usize) {
        // SAFETY: as in `swap`.
        drop(unsafe { Object::from_new(self.replace(offset, std::ptr::null_mut())) });
    }

    /// Stores values in several slots, and returns those before: no other thread sees some of it without the rest.
    pub(super) fn swap_all(&self, values: impl Iterator<Item = (usize, Object)>) -> Vec<Object> {
        locked(self.object, || {
            // SAFETY: as in `swap`.
            let swap =
                |(offset, value): (usize, Object)| unsafe { Object::from_new(self.replace(offset, value.into_ptr())) };
            values.filter_map(swap).filter(|old| !is_none(old.as_ptr())).collect()
        })
    }

    /// What several slots hold at one moment, None for what one does not hold.
    pub(crate) fn load_all(&self, offsets: &[usize], to: &mut Vec<Object>) {
        to.reserve(offsets.len());
        locked(self.object, || {
            // SAFETY: as in `load`.
            let load =
                |&offset: &usize| self.get(offset).map_or_else(none, |value| unsafe { Object::from_borrowed(value) });
            to.extend(offsets.iter().map(load));
        });
    }

    /// The place of the first of several slots that does not hold None, with what it holds, at one moment.
    pub(super) fn first_set(&self, offsets: &[usize]) -> Option<(usize, Object)> {
        locked(self.object, || {
            offsets.iter().enumerate().find_map(|(place, &offset)| {
                let value = self.get(offset).filter(|&value| !is_none(value))?;
                // SAFETY: as in `load`.
                Some((place, unsafe { Object::from_borrowed(value) }))
            })
        })
    }

    /// Stores a pointer and returns the one before.
    #[inline]
    fn replace(&self, offset: usize, value: Ref) -> Ref {
        let slot = self.at(offset);
        // SAFETY: the slot is there, by the constructor's contract, and the lock keeps others from storing; on free-threaded builds
        // CPython's own code reads it without the lock, and must find all that was written to the object that it points to.
        unsafe {
            if cfg!(Py_GIL_DISABLED) {
                AtomicPtr::from_ptr(slot).swap(value, Ordering::AcqRel)
            } else {
                std::mem::replace(&mut *slot, value)
            }
        }
    }
}

/// Runs `action` while no other thread changes the object: free-threaded builds have a lock in each object for that, and others the
/// interpreter's.
#[inline]
fn locked<T>(object: Ref, action: impl FnOnce() -> T) -> T {
    #[cfg(Py_GIL_DISABLED)]
    {
        // SAFETY: callers hand in live objects.
        let object = unsafe { Borrowed::from_ptr(held(), object) };
        pyo3::sync::critical_section::with_critical_section(&object, action)
    }
    #[cfg(not(Py_GIL_DISABLED))]
    {
        let _ = object;
        action()
    }
}

/// Makes an instance with all slots empty; null when a Python exception is set.
///
/// `class` is the generated class of `info` or a subclass of it.
#[inline]
pub(crate) fn new_instance(class: *mut ffi::PyTypeObject, info: &ClassInfo) -> Ref {
    // SAFETY: the class's basicsize covers a plain object head and its slots; they are nulled before anybody sees the object.
    unsafe {
        if !is_plain(class) {
            return allocate(class, info);
        }
        let object = info.spare.take(class).unwrap_or_else(|| allocate_plain(class, info));
        if object.is_null() {
            return object;
        }
        if info.is_tracked {
            ffi::PyObject_GC_Track(object.cast());
        }
        object
    }
}

/// New memory for an instance of a generated class itself, with all slots empty; null when there is none.
unsafe fn allocate_plain(class: *mut ffi::PyTypeObject, info: &ClassInfo) -> Ref {
    // SAFETY: by the caller's word, the class has nothing behind its instances' heads but the slots.
    unsafe {
        let object: Ref = ffi::PyObject_GC_New(class);
        if !object.is_null() {
            let slots = Slots::of(object);
            for &offset in info.offsets() {
                slots.at(offset).write(std::ptr::null_mut());
            }
        }
        object
    }
}

/// Whether this is a generated class itself, with nothing but slots behind its instances' heads.
#[inline]
unsafe fn is_plain(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: the class is live.
    unsafe { (*class).tp_dealloc.is_some_and(|found| std::ptr::fn_addr_eq(found, dealloc as ffi::destructor)) }
}

/// The general way: subclasses with a `__dict__` or more slots, and exceptions.
#[cold]
unsafe fn allocate(class: *mut ffi::PyTypeObject, info: &ClassInfo) -> Ref {
    // SAFETY: the class is live; `BaseException.__new__` is what makes an exception whole.
    unsafe {
        if info.kind == StructKind::Exception {
            let base = ffi::PyExc_BaseException.cast::<ffi::PyTypeObject>();
            let Some(new) = (*base).tp_new else { return std::ptr::null_mut() };
            let empty = ffi::PyTuple_New(0);
            let object = new(class, empty, std::ptr::null_mut());
            ffi::Py_XDECREF(empty);
            return object;
        }
        // A class that extends another kind of object, too, such as a dict, is made whole by that one's `__new__`.
        if let Some(new) = (*class).tp_new.filter(|&new| !std::ptr::fn_addr_eq(new, tp_new as ffi::newfunc)) {
            let empty = ffi::PyTuple_New(0);
            let object = new(class, empty, std::ptr::null_mut());
            ffi::Py_XDECREF(empty);
            return object;
        }
        match (*class).tp_alloc {
            Some(alloc) => alloc(class, 0),
            None => ffi::PyType_GenericAlloc(class, 0),
        }
    }
}

/// How many instances may be freed inside each other before the next ones have to wait.
const DEALLOC_DEPTH: u32 = 100;

/// How deep this thread is in our own deallocators, and how many instances wait for it to come up again.
struct Trash {
    depth: Cell<u32>,
    waiting: Cell<u32>,
}

thread_local! {
    static TRASH: Trash = const { Trash { depth: Cell::new(0), waiting: Cell::new(0) } };
    /// The instances that wait.
    static WAITING: RefCell<Vec<Ref>> = const { RefCell::new(Vec::new()) };
}

/// Frees an instance of a generated class. A long chain of instances is freed in a loop, not by recursion.
pub(super) unsafe extern "C" fn dealloc(object: Ref) {
    // SAFETY: CPython calls this once, when the last reference is gone.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if (*class).tp_finalize.is_some() && ffi::PyObject_CallFinalizerFromDealloc(object) < 0 {
            return;
        }
        ffi::PyObject_GC_UnTrack(object.cast());
        TRASH.with(|trash| {
            let depth = trash.depth.get();
            if depth >= DEALLOC_DEPTH {
                WAITING.with_borrow_mut(|waiting| waiting.push(object));
                trash.waiting.set(trash.waiting.get() + 1);
                return;
            }
            trash.depth.set(depth + 1);
            free(object);
            while depth == 0 && trash.waiting.get() > 0 {
                trash.waiting.set(trash.waiting.get() - 1);
                if let Some(next) = WAITING.with_borrow_mut(Vec::pop) {
                    free(next);
                }
            }
            trash.depth.set(depth);
        });
    }
}

/// # Safety
/// Nobody refers to `object` any more, and the collector does not know it.
unsafe fn free(object: Ref) {
    // SAFETY: by the caller's word; the class is kept until the last line.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if let Some(info) = info_of(class) {
            let slots = Slots::of(object);
            for &offset in info.offsets() {
                slots.clear(offset);
            }
            // Only a plain generated class has our deallocator as its own; one with a finalizer has marked its instance.
            if is_plain(class) && (*class).tp_finalize.is_none() && info.spare.keep(object) {
                ffi::Py_DECREF(class.cast());
                return;
            }
        }
        if let Some(free) = (*class).tp_free {
            free(object.cast());
        }
        ffi::Py_DECREF(class.cast());
    }
}

/// Readies a new generated class: called without a detour through `__new__` and `__init__`, freed without CPython's general way.
pub(super) fn prepare_generated(class: *mut ffi::PyTypeObject, info: &ClassInfo) {
    // SAFETY: the class was just made and has no instance.
    unsafe {
        (*class).tp_vectorcall = Some(construct);
        if info.kind != StructKind::Exception {
            (*class).tp_dealloc = Some(dealloc);
        }
    }
}

/// Readies a user's class that extends a generated one: it takes the general ways.
pub(super) fn prepare_subclass(class: *mut ffi::PyTypeObject) {
    // SAFETY: the class was just made.
    unsafe { (*class).tp_vectorcall = None };
}

/// `Class(...)` for a generated class.
unsafe extern "C" fn construct(class: Ref, args: *const Ref, flags: usize, names: Ref) -> Ref {
    // SAFETY: CPython hands in the class, its positional and then its keyword arguments.
    unsafe {
        let class = class.cast::<ffi::PyTypeObject>();
        let Some(info) = info_of(class) else { return not_generated() };
        if has_own_constructor(class) {
            return construct_generally(class, args, flags, names);
        }
        let Some(object) = Object::from_new(new_instance(class, info)) else { return std::ptr::null_mut() };
        let positional = usize::try_from(ffi::PyVectorcall_NARGS(flags)).unwrap_or(0);
        let keywords = if names.is_null() { 0 } else { usize::try_from(ffi::PyTuple_GET_SIZE(names)).unwrap_or(0) };
        let values =
            std::slice::from_raw_parts(if args.is_null() { std::ptr::dangling() } else { args }, positional + keywords);
        if fill_in_order(&object, info, positional, values, names) {
            if values.len() == info.offsets().len() {
                return object.into_ptr();
            }
            return finish(complete(&object, class, info), object);
        }
        let (positional, by_name) = values.split_at(positional);
        let by_name = by_name.iter().zip(0isize..).map(|(&value, place)| (ffi::PyTuple_GET_ITEM(names, place), value));
        finish(fill(&object, class, info, positional, by_name).and_then(|()| complete(&object, class, info)), object)
    }
}

/// Whether somebody gave a generated class a `__new__` or `__init__`.
#[inline]
unsafe fn has_own_constructor(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: `class` is live.
    unsafe {
        !(*class).tp_new.is_some_and(|new| std::ptr::fn_addr_eq(new, tp_new as ffi::newfunc))
            || !(*class).tp_init.is_some_and(|init| std::ptr::fn_addr_eq(init, tp_init as ffi::initproc))
    }
}

/// `Class(...)` by way of `__new__` and `__init__`.
#[cold]
unsafe fn construct_generally(class: *mut ffi::PyTypeObject, args: *const Ref, flags: usize, names: Ref) -> Ref {
    let call = || -> PyResult<Object> {
        let py = held();
        // SAFETY: as in `construct`.
        unsafe {
            let count = ffi::PyVectorcall_NARGS(flags);
            let argument = |place: isize| Bound::from_borrowed_ptr(py, *args.offset(place));
            let positional = PyTuple::new(py, (0..count).map(argument).collect::<Vec<_>>())?;
            let by_name = PyDict::new(py);
            let keywords = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) };
            for place in 0..keywords {
                let name = Bound::from_borrowed_ptr(py, ffi::PyTuple_GET_ITEM(names, place));
                by_name.set_item(name, argument(count + place))?;
            }
            let general = ffi::PyType_Type.tp_call.ok_or_else(|| PyTypeError::new_err("a type cannot be called"))?;
            let made = general(class.cast(), positional.as_ptr(), by_name.as_ptr());
            Object::from_new(made).ok_or_else(|| PyErr::fetch(py))
        }
    };
    call().map_or_else(
        |error| {
            restore(error);
            std::ptr::null_mut()
        },
        Object::into_ptr,
    )
}

/// `Class.__new__`, for subclasses, copies and pickles: all fields at their defaults.
pub(super) unsafe extern "C" fn tp_new(class: *mut ffi::PyTypeObject, _: Ref, _: Ref) -> Ref {
    // SAFETY: CPython hands in a class.
    unsafe {
        let Some(info) = info_of(class) else { return not_generated() };
        let Some(object) = Object::from_new(new_instance(class, info)) else { return std::ptr::null_mut() };
        finish(complete(&object, class, info), object)
    }
}

/// `Class.__init__`, for subclasses.
pub(super) unsafe extern "C" fn tp_init(object: Ref, args: Ref, kwargs: Ref) -> c_int {
    // SAFETY: CPython hands in an instance, a tuple, and a dict or null.
    unsafe {
        let class = ffi::Py_TYPE(object);
        let Some(info) = info_of(class) else {
            not_generated();
            return -1;
        };
        let positional: Vec<Ref> = (0..ffi::PyTuple_GET_SIZE(args)).map(|i| ffi::PyTuple_GET_ITEM(args, i)).collect();
        let mut by_name = Vec::new();
        let (mut position, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
        while !kwargs.is_null() && ffi::PyDict_Next(kwargs, &raw mut position, &raw mut key, &raw mut value) != 0 {
            by_name.push((key, value));
        }
        let object = Object::from_borrowed(object);
        if info.kind == StructKind::Union && by_name.iter().any(|&(_, value)| !is_none(value)) {
            clear_members(info, &Slots::of(object.as_ptr()));
        }
        match fill(&object, class, info, &positional, by_name.into_iter()) {
            Ok(()) => 0,
            Err(error) => {
                restore(error);
                -1
            }
        }
    }
}

fn finish(result: PyResult<()>, object: Object) -> Ref {
    match result {
        Ok(()) => object.into_ptr(),
        Err(error) => {
            restore(error);
            std::ptr::null_mut()
        }
    }
}

#[cold]
fn not_generated() -> Ref {
    restore(PyTypeError::new_err("this class is only a base: load an IDL file to get classes that can be made"));
    std::ptr::null_mut()
}

/// Stores the fields of a new struct where they are given in the order of the IDL, none left out between them. Where they are not, it
/// returns false and does nothing.
///
/// # Safety
/// `object` is a new instance of the info's class with empty slots; `names` is null or holds the names of the last `values`.
#[inline]
unsafe fn fill_in_order(object: &Object, info: &ClassInfo, positional: usize, values: &[Ref], names: Ref) -> bool {
    let offsets = info.offsets();
    if info.kind == StructKind::Union || values.len() > offsets.len() {
        return false;
    }
    // SAFETY: by the caller's word; the values are live, and nobody else uses the object yet.
    unsafe {
        let is_next = |(next, place): (&Py<PyString>, isize)| next.as_ptr() == ffi::PyTuple_GET_ITEM(names, place);
        if !info.names[positional..values.len()].iter().zip(0..).all(is_next) {
            return false;
        }
        let slots = Slots::of(object.as_ptr());
        for (&offset, &value) in offsets.iter().zip(values) {
            slots.at(offset).write(ffi::Py_NewRef(value));
        }
    }
    true
}

/// Stores the fields that the caller gave. Names are looked for first where the order of the IDL has them.
#[inline]
fn fill(
    object: &Object,
    class: *mut ffi::PyTypeObject,
    info: &ClassInfo,
    positional: &[Ref],
    by_name: impl Iterator<Item = (Ref, Ref)>,
) -> PyResult<()> {
    let offsets = info.offsets();
    let most = if info.kind == StructKind::Union { 0 } else { offsets.len() };
    if positional.len() > most {
        let (name, got) = (class_name(class), positional.len());
        return Err(PyTypeError::new_err(format!("{name}() takes at most {most} positional arguments, got {got}")));
    }
    // SAFETY: the object is an instance of the info's class; the values are live.
    let (slots, store) = unsafe {
        let slots = Slots::of(object.as_ptr());
        (slots, |slots: &Slots, offset, value| {
            slots.set(offset, Object::from_borrowed(value));
        })
    };
    let mut given = 0usize;
    let mut expected = positional.len();
    for (&offset, &value) in offsets.iter().zip(positional) {
        store(&slots, offset, value);
        given += usize::from(!is_none(value));
    }
    for (name, value) in by_name {
        let is_next = info.names.get(expected).is_some_and(|next| next.as_ptr() == name);
        let place = if is_next { expected } else { place_of(info, name).ok_or_else(|| unexpected(class, name))? };
        expected = place + 1;
        if place < positional.len() {
            return Err(PyTypeError::new_err(format!(
                "{}() got several values for '{}'",
                class_name(class),
                shown(name)
            )));
        }
        store(&slots, offsets[place], value);
        given += usize::from(!is_none(value));
    }
    if info.kind == StructKind::Union && given > 1 {
        return Err(PyTypeError::new_err(format!("{}() takes one member at most, got {given}", class_name(class))));
    }
    Ok(())
}

/// Gives the fields that nobody set their defaults.
#[inline]
pub(crate) fn complete(object: &Object, class: *mut ffi::PyTypeObject, info: &ClassInfo) -> PyResult<()> {
    // SAFETY: the object is an instance of the info's class.
    let slots = unsafe { Slots::of(object.as_ptr()) };
    if info.kind == StructKind::Union
        && info.offsets().iter().any(|&offset| slots.get(offset).is_some_and(|v| !is_none(v)))
    {
        fill_none(info, &slots);
        return Ok(());
    }
    for (&offset, default) in info.offsets().iter().zip(&info.defaults) {
        if slots.get(offset).is_none() {
            let value = if let Some(value) = default.shared() {
                value
            } else {
                default.make(registry_of(held(), class).as_ref())?
            };
            slots.set(offset, value);
        }
    }
    Ok(())
}

/// Makes way for the member that a union gets.
fn clear_members(info: &ClassInfo, slots: &Slots) {
    for &offset in info.offsets() {
        slots.set(offset, none());
    }
}

fn fill_none(info: &ClassInfo, slots: &Slots) {
    for &offset in info.offsets() {
        if slots.get(offset).is_none() {
            slots.set(offset, none());
        }
    }
}

/// Python's `None`.
#[inline]
pub(crate) fn none() -> Object {
    // SAFETY: `None` lives for ever.
    unsafe { Object::from_borrowed(ffi::Py_None()) }
}

/// Whether an object is Python's `None`.
#[inline]
pub(crate) fn is_none(object: Ref) -> bool {
    // SAFETY: `None` is a static object.
    object == unsafe { ffi::Py_None() }
}

/// The place of the field that a Python attribute names.
#[inline]
pub(crate) fn place_of(info: &ClassInfo, name: Ref) -> Option<usize> {
    place_by_name(&info.names, name)
}

/// The place of a name among some interned ones.
#[inline]
pub(crate) fn place_by_name(names: &[Py<PyString>], name: Ref) -> Option<usize> {
    if let Some(place) = names.iter().position(|known| known.as_ptr() == name) {
        return Some(place);
    }
    // SAFETY: both are live objects, and the names are text.
    names.iter().position(|known| unsafe {
        ffi::PyUnicode_Check(name) != 0 && ffi::PyUnicode_Compare(known.as_ptr(), name) == 0
    })
}

#[cold]
fn unexpected(class: *mut ffi::PyTypeObject, name: Ref) -> PyErr {
    PyTypeError::new_err(format!("{}() got an unexpected keyword argument '{}'", class_name(class), shown(name)))
}

fn shown(object: Ref) -> String {
    // SAFETY: callers hand in live objects.
    unsafe { Bound::from_borrowed_ptr(held(), object) }.to_string()
}

/// The name of a class, for messages.
pub(super) fn class_name(class: *mut ffi::PyTypeObject) -> String {
    // SAFETY: callers hand in live classes.
    let class = unsafe { Bound::from_borrowed_ptr(held(), class.cast()) };
    class.getattr("__name__").map_or_else(|_| "?".to_owned(), |name| name.to_string())
}
