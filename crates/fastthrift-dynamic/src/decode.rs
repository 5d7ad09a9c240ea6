use fastthrift_protocol::{DecodeError, DecodeErrorKind, InputProtocol, PathStep, RunError, TType};
use fastthrift_schema::{StructId, StructKind};

use crate::numbers::{BATCH, Number, RUN};
use crate::{Build, FieldPlan, MapPlan, Plans, SequencePlan, StructPlan, TypePlan, is_number};

/// Reads values as plans say, in one pass.
pub struct Decoder<'a, P, B> {
    plans: &'a Plans,
    input: &'a mut P,
    build: &'a mut B,
}

impl<'a, 'de, P: InputProtocol<'de>, B: Build> Decoder<'a, P, B> {
    /// A decoder that takes from `input` and makes through `build`.
    pub fn new(plans: &'a Plans, input: &'a mut P, build: &'a mut B) -> Self {
        Self { plans, input, build }
    }

    /// Reads a struct, union or exception.
    pub fn structure(&mut self, id: StructId) -> Result<B::Value, DecodeError> {
        self.by_plan(self.plans.structure(id))
    }

    /// Reads a struct, union or exception by its plan, or by one that was [selected](Plans::select) of its own.
    #[inline]
    pub fn planned(&mut self, plan: &StructPlan) -> Result<B::Value, DecodeError> {
        if std::ptr::eq(plan, self.plans.structure(plan.id)) { self.structure(plan.id) } else { self.selected(plan) }
    }

    /// A body of its own, so that the one for whole structs is as fast as if there were no other.
    #[inline(never)]
    fn selected(&mut self, plan: &StructPlan) -> Result<B::Value, DecodeError> {
        self.by_plan(plan)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is the body of two functions")]
    fn by_plan(&mut self, plan: &StructPlan) -> Result<B::Value, DecodeError> {
        let mut structure = self.build.begin_struct(plan)?;
        self.fields(plan, |build, field, value| build.set_field(&mut structure, field, value))?;
        for &place in &plan.required {
            let field = &plan.fields[place];
            if !self.build.has_field(&structure, field) {
                return Err(self.missing(field));
            }
        }
        if plan.kind == StructKind::Union {
            let members = plan.fields.iter().filter(|field| self.build.has_field(&structure, field)).count();
            if members > 1 {
                let text = format!("union '{}' holds {members} members, expected one", plan.name);
                return Err(self.error(DecodeErrorKind::Invalid(text.into())));
            }
        }
        self.build.end_struct(plan, structure)
    }

    /// Reads the fields of a struct and hands each known one to `set`; unknown ones, and those of another type, are skipped.
    ///
    /// Whether required fields came is for the caller to check.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the walk is a seventh faster with the loop in it")]
    pub fn fields<F>(&mut self, plan: &StructPlan, mut set: F) -> Result<(), DecodeError>
    where
        F: FnMut(&mut B, &FieldPlan, B::Value) -> Result<(), DecodeError>,
    {
        let scope = self.input.begin_struct()?;
        let mut next = 0;
        loop {
            let field = match plan.fields.get(next) {
                Some(field) if self.input.accept_field(field.header) => {
                    next += 1;
                    field
                }
                _ if self.input.accept_stop() => break,
                _ => match self.other_field(plan, next)? {
                    Some(place) => {
                        next = place + 1;
                        &plan.fields[place]
                    }
                    None => break,
                },
            };
            let value = self.value(&field.ty).map_err(|error| in_field(error, field))?;
            set(self.build, field, value).map_err(|error| in_field(error, field))?;
        }
        self.input.end_struct(scope);
        Ok(())
    }

    /// Reads headers, and over unknown fields, up to a known field, of which it gives the place; `None` at the end of the struct.
    #[inline(never)]
    fn other_field(&mut self, plan: &StructPlan, next: usize) -> Result<Option<usize>, DecodeError> {
        while let Some(header) = self.input.read_field()? {
            match plan.place_of(header.id, next) {
                Some(place) if plan.fields[place].header.ttype == header.ttype => return Ok(Some(place)),
                _ => self.input.skip(header.ttype)?,
            }
        }
        Ok(None)
    }

    /// Reads a value of this type.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop over fields is a fifth faster with the scalars in it")]
    pub fn value(&mut self, ty: &TypePlan) -> Result<B::Value, DecodeError> {
        match ty {
            TypePlan::Bool => self.input.read_bool().and_then(|value| self.build.bool(value)),
            TypePlan::I8 => self.input.read_i8().and_then(|value| self.build.i32(value.into())),
            TypePlan::I16 => self.input.read_i16().and_then(|value| self.build.i32(value.into())),
            TypePlan::I32 => self.input.read_i32().and_then(|value| self.build.i32(value)),
            TypePlan::I64 => self.input.read_i64().and_then(|value| self.build.i64(value)),
            TypePlan::Double => self.input.read_double().and_then(|value| self.build.double(value)),
            TypePlan::String => {
                let bytes = self.input.read_text()?;
                self.build.string(bytes, self.input.offset() - bytes.len())
            }
            TypePlan::Binary => self.input.read_binary().and_then(|value| self.build.binary(value)),
            TypePlan::Uuid => self.input.read_uuid().and_then(|value| self.build.uuid(value)),
            TypePlan::Enum(id) => self.input.read_i32().and_then(|value| self.build.enumeration(*id, value)),
            TypePlan::Struct(id) => self.structure(*id),
            TypePlan::Selected(plan) => self.selected(plan),
            TypePlan::List(plan) => self.list(plan),
            TypePlan::Set(plan) => self.set(plan),
            TypePlan::Map(plan) => self.map(plan),
        }
    }

    fn list(&mut self, plan: &SequencePlan) -> Result<B::Value, DecodeError> {
        let header = self.input.begin_list()?;
        let wire = self.element_type(&plan.element, header.element, header.len)?;
        let mut list = self.build.begin_list(plan, header.len)?;
        if wire.is_some() || !self.numbers(&plan.element, &mut list, header.len)? {
            for index in 0..header.len {
                let value = self.element(&plan.element, wire).map_err(|error| error.within(PathStep::Index(index)))?;
                self.build.push(&mut list, index, value)?;
            }
        }
        self.input.end_container();
        self.build.end_list(plan, list)
    }

    /// Reads a list of numbers as runs of them. False, and nothing read, when it is none that is worth it.
    #[inline]
    fn numbers(&mut self, ty: &TypePlan, list: &mut B::List, len: usize) -> Result<bool, DecodeError> {
        if !is_number(ty) {
            return Ok(false);
        }
        if let Some(mut places) = self.build.places(list) {
            places.read(self.input).map_err(|failed| in_run(failed, 0))?;
            return Ok(true);
        }
        if len < RUN {
            return Ok(false);
        }
        match ty {
            TypePlan::Bool => self.batches::<bool>(list, len),
            TypePlan::I8 => self.batches::<i8>(list, len),
            TypePlan::I16 => self.batches::<i16>(list, len),
            TypePlan::I32 => self.batches::<i32>(list, len),
            TypePlan::I64 => self.batches::<i64>(list, len),
            _ => self.batches::<f64>(list, len),
        }?;
        Ok(true)
    }

    fn batches<T: Number>(&mut self, list: &mut B::List, len: usize) -> Result<(), DecodeError> {
        let mut batch = [T::default(); BATCH];
        for start in (0..len).step_by(BATCH) {
            let mut part = T::places(&mut batch[..BATCH.min(len - start)]);
            part.read(self.input).map_err(|failed| in_run(failed, start))?;
            self.build.push_numbers(list, start, part.as_numbers())?;
        }
        Ok(())
    }

    fn set(&mut self, plan: &SequencePlan) -> Result<B::Value, DecodeError> {
        let header = self.input.begin_set()?;
        let wire = self.element_type(&plan.element, header.element, header.len)?;
        let mut set = self.build.begin_set(plan, header.len)?;
        for index in 0..header.len {
            let value = self.element(&plan.element, wire);
            value
                .and_then(|value| self.build.insert(&mut set, value))
                .map_err(|error| error.within(PathStep::Index(index)))?;
        }
        self.input.end_container();
        self.build.end_set(plan, set)
    }

    fn map(&mut self, plan: &MapPlan) -> Result<B::Value, DecodeError> {
        let header = self.input.begin_map()?;
        let key_wire = self.element_type(&plan.key, header.key, header.len)?;
        let value_wire = self.element_type(&plan.value, header.value, header.len)?;
        let mut map = self.build.begin_map(plan, header.len)?;
        for index in 0..header.len {
            let key = self.key(&plan.key, key_wire).map_err(|error| error.within(PathStep::Key(index)))?;
            let value = self.element(&plan.value, value_wire).map_err(|error| error.within(PathStep::Value(index)))?;
            self.build.insert_entry(&mut map, key, value).map_err(|error| error.within(PathStep::Key(index)))?;
        }
        self.input.end_container();
        self.build.end_map(plan, map)
    }

    /// Checks the element type that came against the plan. Returns it where it is another one that can still be read without loss: a
    /// narrower integer, which some writers of Parquet use.
    #[inline]
    fn element_type(&self, ty: &TypePlan, found: TType, len: usize) -> Result<Option<TType>, DecodeError> {
        if found == ty.ttype() || len == 0 {
            return Ok(None);
        }
        let width = |ttype| match ttype {
            TType::I8 => Some(1),
            TType::I16 => Some(2),
            TType::I32 => Some(4),
            TType::I64 => Some(8),
            _ => None,
        };
        match (ty, width(ty.ttype()), width(found)) {
            (TypePlan::Enum(_), ..) => {}
            (_, Some(expected), Some(found_width)) if found_width < expected => return Ok(Some(found)),
            _ => {}
        }
        Err(self.error(DecodeErrorKind::ElementType { expected: ty.ttype(), found }))
    }

    #[inline]
    fn element(&mut self, ty: &TypePlan, wire: Option<TType>) -> Result<B::Value, DecodeError> {
        match wire {
            None => self.value(ty),
            Some(wire) => self.widened(ty, wire),
        }
    }

    #[inline]
    fn key(&mut self, ty: &TypePlan, wire: Option<TType>) -> Result<B::Value, DecodeError> {
        if let TypePlan::String = ty {
            let bytes = self.input.read_text()?;
            return self.build.key_string(bytes, self.input.offset() - bytes.len());
        }
        self.element(ty, wire)
    }

    #[cold]
    fn widened(&mut self, ty: &TypePlan, wire: TType) -> Result<B::Value, DecodeError> {
        let number = match wire {
            TType::I8 => self.input.read_i8()?.into(),
            TType::I16 => self.input.read_i16()?.into(),
            _ => self.input.read_i32()?,
        };
        match ty {
            TypePlan::I64 => self.build.i64(number.into()),
            _ => self.build.i32(number),
        }
    }

    /// The error for a required field that did not come.
    #[cold]
    pub fn missing(&self, field: &FieldPlan) -> DecodeError {
        self.error(DecodeErrorKind::MissingField((*field.name).into()))
    }

    #[cold]
    fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, self.input.offset())
    }
}

#[cold]
fn in_run(failed: RunError, start: usize) -> DecodeError {
    failed.error.within(PathStep::Index(start + failed.index))
}

#[cold]
pub(crate) fn in_field(error: DecodeError, field: &FieldPlan) -> DecodeError {
    error.within(PathStep::Field((*field.name).into()))
}
