use std::cell::Cell;

use fastthrift_protocol::{OutputProtocol, PathStep};
use fastthrift_schema::{StructId, StructKind};

use crate::numbers::{BATCH, Number, RUN};
use crate::{
    EncodeError, EncodeErrorKind, FieldPlan, MapPlan, Plans, SequencePlan, StructPlan, TypePlan, Visit, is_number,
};

/// Writes values as plans say, in one pass.
///
/// After an error the output holds part of the value; the caller cuts it off.
pub struct Encoder<'a, P, V> {
    plans: &'a Plans,
    output: &'a mut P,
    visit: &'a V,
    depth: u32,
    depth_limit: u32,
}

impl<'a, P: OutputProtocol, V: Visit> Encoder<'a, P, V> {
    /// An encoder that reads through `visit` and appends to `output`; values nested deeper than `depth_limit` are refused.
    pub fn new(plans: &'a Plans, output: &'a mut P, visit: &'a V, depth_limit: u32) -> Self {
        Self { plans, output, visit, depth: 0, depth_limit }
    }

    /// Writes a struct, union or exception.
    #[inline]
    pub fn structure(&mut self, id: StructId, value: V::Value) -> Result<(), EncodeError> {
        self.planned(self.plans.structure(id), value)
    }

    /// Writes a struct, union or exception by a plan: of one that was [selected](Plans::select), only the selected fields.
    pub fn planned(&mut self, plan: &StructPlan, value: V::Value) -> Result<(), EncodeError> {
        let visit = self.visit;
        let structure = visit.structure(plan, value)?;
        if plan.kind == StructKind::Union {
            let mut count = 0;
            for field in &plan.fields {
                count += usize::from(visit.field(&structure, field)?.is_some());
            }
            if count != 1 {
                return Err(EncodeError::new(EncodeErrorKind::UnionMembers { union: (*plan.name).into(), count }));
            }
        }
        self.fields(plan, |field| visit.field(&structure, field))
    }

    /// As [`Self::fields`], and returns how many were written.
    #[inline(never)]
    pub fn counted_fields<G>(&mut self, plan: &StructPlan, get: G) -> Result<usize, EncodeError>
    where
        G: Fn(&FieldPlan) -> Result<Option<V::Value>, EncodeError>,
    {
        let written = Cell::new(0);
        self.fields(plan, |field| {
            let value = get(field)?;
            written.set(written.get() + usize::from(value.is_some()));
            Ok(value)
        })?;
        Ok(written.get())
    }

    /// Writes a struct whose fields come from `get`.
    #[inline]
    pub fn fields<G>(&mut self, plan: &StructPlan, get: G) -> Result<(), EncodeError>
    where
        G: Fn(&FieldPlan) -> Result<Option<V::Value>, EncodeError>,
    {
        self.enter()?;
        let scope = self.output.begin_struct();
        for field in &plan.fields {
            match get(field) {
                Ok(Some(value)) => self.field(field, value).map_err(|error| in_field(error, field))?,
                Ok(None) if field.is_required => return Err(missing(plan, field)),
                Ok(None) => {}
                Err(error) => return Err(in_field(error, field)),
            }
        }
        self.output.end_struct(scope);
        self.depth -= 1;
        Ok(())
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop over fields is faster with the scalars in it")]
    fn field(&mut self, field: &FieldPlan, value: V::Value) -> Result<(), EncodeError> {
        let id = field.header.id;
        match &field.ty {
            TypePlan::Bool => self.output.write_bool_field(id, self.visit.bool(value)?),
            TypePlan::I8 => self.output.write_i8_field(id, self.visit.i8(value)?),
            TypePlan::I16 => self.output.write_i16_field(id, self.visit.i16(value)?),
            TypePlan::I32 => self.output.write_i32_field(id, self.visit.i32(value)?),
            TypePlan::I64 => self.output.write_i64_field(id, self.visit.i64(value)?),
            TypePlan::Double => self.output.write_double_field(id, self.visit.double(value)?),
            TypePlan::Enum(of) => self.output.write_i32_field(id, self.visit.enumeration(*of, value)?),
            TypePlan::String => self.output.write_text_field(id, text::<P>(self.visit.string(value)?)?),
            TypePlan::Binary => self.output.write_binary_field(id, checked(self.visit.binary(value)?)?),
            other => {
                self.output.write_field(field.header);
                return self.compound(other, value);
            }
        }
        Ok(())
    }

    /// Writes a value of this type.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loops over elements and entries are faster with the scalars in them")]
    pub fn value(&mut self, ty: &TypePlan, value: V::Value) -> Result<(), EncodeError> {
        match ty {
            TypePlan::Bool => self.output.write_bool(self.visit.bool(value)?),
            TypePlan::I8 => self.output.write_i8(self.visit.i8(value)?),
            TypePlan::I16 => self.output.write_i16(self.visit.i16(value)?),
            TypePlan::I32 => self.output.write_i32(self.visit.i32(value)?),
            TypePlan::I64 => self.output.write_i64(self.visit.i64(value)?),
            TypePlan::Double => self.output.write_double(self.visit.double(value)?),
            TypePlan::String => self.output.write_text(text::<P>(self.visit.string(value)?)?),
            TypePlan::Binary => self.output.write_binary(checked(self.visit.binary(value)?)?),
            TypePlan::Enum(id) => self.output.write_i32(self.visit.enumeration(*id, value)?),
            other => return self.compound(other, value),
        }
        Ok(())
    }

    /// Writes a value of a type that is no scalar, and of the rarest one that is.
    fn compound(&mut self, ty: &TypePlan, value: V::Value) -> Result<(), EncodeError> {
        match ty {
            TypePlan::Struct(id) => self.structure(*id, value),
            TypePlan::Selected(plan) => self.planned(plan, value),
            TypePlan::List(plan) => self.list(plan, value),
            TypePlan::Set(plan) => self.set(plan, value),
            TypePlan::Map(plan) => self.map(plan, value),
            TypePlan::Uuid => {
                self.output.write_uuid(&self.visit.uuid(value)?);
                Ok(())
            }
            scalar => self.value(scalar, value),
        }
    }

    fn list(&mut self, plan: &SequencePlan, value: V::Value) -> Result<(), EncodeError> {
        if is_number(&plan.element)
            && let Some(numbers) = self.visit.numbers(plan, value)?
        {
            check_size(numbers.len())?;
            self.output.begin_list(plan.element.ttype(), numbers.len());
            self.enter()?;
            numbers.write(self.output);
            self.depth -= 1;
            return Ok(());
        }
        let (len, elements) = self.visit.list(plan, value)?;
        check_size(len)?;
        self.output.begin_list(plan.element.ttype(), len);
        if len < RUN || !is_number(&plan.element) {
            return self.elements(&plan.element, elements);
        }
        self.enter()?;
        match &plan.element {
            TypePlan::Bool => self.batches::<bool>(elements, len),
            TypePlan::I8 => self.batches::<i8>(elements, len),
            TypePlan::I16 => self.batches::<i16>(elements, len),
            TypePlan::I32 => self.batches::<i32>(elements, len),
            TypePlan::I64 => self.batches::<i64>(elements, len),
            _ => self.batches::<f64>(elements, len),
        }?;
        self.depth -= 1;
        Ok(())
    }

    fn batches<T: Number>(&mut self, mut elements: V::Elements, len: usize) -> Result<(), EncodeError> {
        let mut batch = [T::default(); BATCH];
        for start in (0..len).step_by(BATCH) {
            let part = &mut batch[..BATCH.min(len - start)];
            let filled = self.visit.fill(&mut elements, T::places(part));
            filled.map_err(|(index, error)| error.within(PathStep::Index(start + index)))?;
            T::places(part).as_numbers().write(self.output);
        }
        Ok(())
    }

    fn set(&mut self, plan: &SequencePlan, value: V::Value) -> Result<(), EncodeError> {
        let (len, elements) = self.visit.set(plan, value)?;
        check_size(len)?;
        self.output.begin_set(plan.element.ttype(), len);
        self.elements(&plan.element, elements)
    }

    fn elements(&mut self, ty: &TypePlan, elements: V::Elements) -> Result<(), EncodeError> {
        self.enter()?;
        for (index, element) in elements.enumerate() {
            self.value(ty, element).map_err(|error| error.within(PathStep::Index(index)))?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn map(&mut self, plan: &MapPlan, value: V::Value) -> Result<(), EncodeError> {
        let (len, entries) = self.visit.map(plan, value)?;
        check_size(len)?;
        self.output.begin_map(plan.key.ttype(), plan.value.ttype(), len);
        self.enter()?;
        for (index, (key, value)) in entries.enumerate() {
            self.value(&plan.key, key).map_err(|error| error.within(PathStep::Key(index)))?;
            self.value(&plan.value, value).map_err(|error| error.within(PathStep::Value(index)))?;
        }
        self.depth -= 1;
        Ok(())
    }

    #[inline]
    fn enter(&mut self) -> Result<(), EncodeError> {
        if self.depth == self.depth_limit {
            return Err(EncodeError::new(EncodeErrorKind::DepthLimit(self.depth_limit)));
        }
        // Few objects can stand for more values than there is time for: each list may hold the same list twice.
        if self.output.has_lost() {
            return Err(EncodeError::new(EncodeErrorKind::NoRoom));
        }
        self.depth += 1;
        Ok(())
    }
}

#[inline]
fn check_size(size: usize) -> Result<(), EncodeError> {
    if i32::try_from(size).is_err() {
        return Err(EncodeError::new(EncodeErrorKind::TooLong(size)));
    }
    Ok(())
}

/// Bytes whose length can be written.
#[inline]
fn checked(bytes: &[u8]) -> Result<&[u8], EncodeError> {
    check_size(bytes.len()).map(|()| bytes)
}

/// Bytes that can be written as a `string` of this protocol.
#[inline]
fn text<P: OutputProtocol>(bytes: &[u8]) -> Result<&[u8], EncodeError> {
    if P::TEXT_IS_UTF8 { utf8(bytes).and_then(checked) } else { checked(bytes) }
}

/// Bytes that can stand in a text.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&[u8], EncodeError> {
    if std::str::from_utf8(bytes).is_err() {
        let text = "string is not valid UTF-8, which JSON cannot express";
        return Err(EncodeError::new(EncodeErrorKind::Invalid(text.into())));
    }
    Ok(bytes)
}

#[cold]
pub(crate) fn in_field(error: EncodeError, field: &FieldPlan) -> EncodeError {
    error.within(PathStep::Field((*field.name).into()))
}

#[cold]
pub(crate) fn missing(plan: &StructPlan, field: &FieldPlan) -> EncodeError {
    let (structure, field) = ((*plan.name).into(), (*field.name).into());
    EncodeError::new(EncodeErrorKind::MissingField { structure, field })
}
