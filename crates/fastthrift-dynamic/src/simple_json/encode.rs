use fastthrift_protocol::json::{DoubleText, write_base64, write_integer, write_text, write_uuid};
use fastthrift_protocol::{PathStep, Sink};
use fastthrift_schema::{EnumId, StructId, StructKind};

use super::{BoolStyle, EnumStyle, JsonStyle};
use crate::encode::{in_field, missing, utf8};
use crate::{
    EncodeError, EncodeErrorKind, FieldPlan, MapPlan, Numbers, Plans, SequencePlan, StructPlan, TypePlan, Visit,
    is_number,
};

/// Writes values as JSON with field names, in one pass.
///
/// After an error the output holds part of the value; the caller cuts it off.
pub struct SimpleJsonEncoder<'a, V, S = Vec<u8>> {
    plans: &'a Plans,
    out: &'a mut S,
    visit: &'a V,
    style: JsonStyle,
    depth: u32,
    depth_limit: u32,
    /// How many brackets are open: the depth and the arrays around pairs, which nest nothing that the schema knows.
    level: u32,
}

impl<'a, V: Visit, S: Sink> SimpleJsonEncoder<'a, V, S> {
    /// An encoder that reads through `visit` and appends to `out`; values nested deeper than `depth_limit` are refused.
    pub fn new(plans: &'a Plans, out: &'a mut S, visit: &'a V, style: JsonStyle, depth_limit: u32) -> Self {
        Self { plans, out, visit, style, depth: 0, depth_limit, level: 0 }
    }

    /// Writes a struct, union or exception.
    pub fn structure(&mut self, id: StructId, value: V::Value) -> Result<(), EncodeError> {
        self.planned(self.plans.structure(id), value)
    }

    /// Writes a struct, union or exception by a plan: of one that was [selected](Plans::select), only the selected fields.
    pub fn planned(&mut self, plan: &StructPlan, value: V::Value) -> Result<(), EncodeError> {
        let visit = self.visit;
        let structure = visit.structure(plan, value)?;
        let written = self.fields(plan, |field| visit.field(&structure, field))?;
        if plan.kind == StructKind::Union && written != 1 {
            let union = (*plan.name).into();
            return Err(EncodeError::new(EncodeErrorKind::UnionMembers { union, count: written }));
        }
        Ok(())
    }

    /// Writes a struct whose fields come from `get`, and returns how many were written.
    pub fn fields<G>(&mut self, plan: &StructPlan, get: G) -> Result<usize, EncodeError>
    where
        G: Fn(&FieldPlan) -> Result<Option<V::Value>, EncodeError>,
    {
        self.open(b'{')?;
        let mut written = 0;
        for field in &plan.fields {
            match get(field) {
                Ok(Some(value)) => {
                    self.item(written == 0);
                    write_text(self.out, field.name.as_bytes());
                    self.style.colon(self.out);
                    self.value(&field.ty, value).map_err(|error| in_field(error, field))?;
                    written += 1;
                }
                Ok(None) if field.is_required => return Err(missing(plan, field)),
                Ok(None) => {}
                Err(error) => return Err(in_field(error, field)),
            }
        }
        self.close(b'}', written == 0);
        Ok(written)
    }

    /// Writes a value of this type.
    pub fn value(&mut self, ty: &TypePlan, value: V::Value) -> Result<(), EncodeError> {
        match ty {
            TypePlan::Struct(id) => self.structure(*id, value),
            TypePlan::Selected(plan) => self.planned(plan, value),
            TypePlan::List(plan) => {
                if is_number(&plan.element)
                    && let Some(numbers) = self.visit.numbers(plan, value)?
                {
                    return self.numbers(numbers);
                }
                let (_, elements) = self.visit.list(plan, value)?;
                self.elements(plan, elements)
            }
            TypePlan::Set(plan) => {
                let (_, elements) = self.visit.set(plan, value)?;
                self.elements(plan, elements)
            }
            TypePlan::Map(plan) => self.map(plan, value),
            scalar => self.scalar(scalar, value, false),
        }
    }

    /// Writes a value that is no struct and no container; one that is a key stands in quotes.
    fn scalar(&mut self, ty: &TypePlan, value: V::Value, is_key: bool) -> Result<(), EncodeError> {
        match ty {
            TypePlan::Bool => self.bool(self.visit.bool(value)?, is_key),
            TypePlan::I8 => self.integer(self.visit.i8(value)?.into(), is_key),
            TypePlan::I16 => self.integer(self.visit.i16(value)?.into(), is_key),
            TypePlan::I32 => self.integer(self.visit.i32(value)?.into(), is_key),
            TypePlan::I64 => self.integer(self.visit.i64(value)?, is_key),
            TypePlan::Double => self.double(self.visit.double(value)?, is_key),
            TypePlan::String => write_text(self.out, utf8(self.visit.string(value)?)?),
            TypePlan::Binary => write_base64(self.out, self.visit.binary(value)?),
            TypePlan::Uuid => write_uuid(self.out, &self.visit.uuid(value)?),
            TypePlan::Enum(id) => self.enumeration(*id, self.visit.enumeration(*id, value)?, is_key),
            _ => unreachable!("invariant: the callers write structs and containers themselves"),
        }
        Ok(())
    }

    fn bool(&mut self, value: bool, is_key: bool) {
        let text: &[u8] = match (self.style.bools, value) {
            (BoolStyle::Word, true) => b"true",
            (BoolStyle::Word, false) => b"false",
            (BoolStyle::Number, true) => b"1",
            (BoolStyle::Number, false) => b"0",
        };
        self.quoted_if(is_key, |out| out.put_slice(text));
    }

    fn integer(&mut self, value: i64, is_key: bool) {
        self.quoted_if(is_key, |out| write_integer(out, value));
    }

    fn double(&mut self, value: f64, is_key: bool) {
        let text = DoubleText::shortest(value);
        let text: &[u8] = match text.as_bytes() {
            b"NaN" if is_key => b"nan",
            b"Infinity" if is_key => b"inf",
            b"-Infinity" if is_key => b"-inf",
            other => other,
        };
        self.quoted_if(is_key || !value.is_finite(), |out| out.put_slice(text));
    }

    fn enumeration(&mut self, id: EnumId, number: i32, is_key: bool) {
        let name = match self.style.enums {
            EnumStyle::Name => self.plans.enumeration(id).name_of(number),
            EnumStyle::Number => None,
        };
        match name {
            Some(name) => write_text(self.out, name.as_bytes()),
            None => self.integer(number.into(), is_key),
        }
    }

    #[inline]
    fn quoted_if(&mut self, is_quoted: bool, write: impl FnOnce(&mut S)) {
        if is_quoted {
            self.out.put([b'"']);
            write(self.out);
            self.out.put([b'"']);
        } else {
            write(self.out);
        }
    }

    fn elements(&mut self, plan: &SequencePlan, elements: V::Elements) -> Result<(), EncodeError> {
        self.open(b'[')?;
        let mut count = 0;
        for element in elements {
            self.item(count == 0);
            self.value(&plan.element, element).map_err(|error| error.within(PathStep::Index(count)))?;
            count += 1;
        }
        self.close(b']', count == 0);
        Ok(())
    }

    fn numbers(&mut self, numbers: Numbers<'_>) -> Result<(), EncodeError> {
        self.open(b'[')?;
        macro_rules! write_each {
            ($numbers:expr, $write:ident) => {
                for (index, &number) in $numbers.iter().enumerate() {
                    self.item(index == 0);
                    self.$write(number.into(), false);
                }
            };
        }
        match numbers {
            Numbers::Bool(numbers) => write_each!(numbers, bool),
            Numbers::I8(numbers) => write_each!(numbers, integer),
            Numbers::I16(numbers) => write_each!(numbers, integer),
            Numbers::I32(numbers) => write_each!(numbers, integer),
            Numbers::I64(numbers) => write_each!(numbers, integer),
            Numbers::Double(numbers) => write_each!(numbers, double),
        }
        self.close(b']', numbers.is_empty());
        Ok(())
    }

    fn map(&mut self, plan: &MapPlan, value: V::Value) -> Result<(), EncodeError> {
        let (len, entries) = self.visit.map(plan, value)?;
        // An empty map is an object whatever its keys would be.
        if len == 0 || is_scalar(&plan.key) { self.object(plan, entries) } else { self.pairs(plan, entries) }
    }

    fn object(&mut self, plan: &MapPlan, entries: V::Entries) -> Result<(), EncodeError> {
        self.open(b'{')?;
        let mut count = 0;
        for (key, value) in entries {
            self.item(count == 0);
            self.scalar(&plan.key, key, true).map_err(|error| error.within(PathStep::Key(count)))?;
            self.style.colon(self.out);
            self.value(&plan.value, value).map_err(|error| error.within(PathStep::Value(count)))?;
            count += 1;
        }
        self.close(b'}', count == 0);
        Ok(())
    }

    fn pairs(&mut self, plan: &MapPlan, entries: V::Entries) -> Result<(), EncodeError> {
        self.open(b'[')?;
        let mut count = 0;
        for (key, value) in entries {
            self.item(count == 0);
            self.bracket(b'[');
            self.item(true);
            self.value(&plan.key, key).map_err(|error| error.within(PathStep::Key(count)))?;
            self.item(false);
            self.value(&plan.value, value).map_err(|error| error.within(PathStep::Value(count)))?;
            self.closing_bracket(b']', false);
            count += 1;
        }
        self.close(b']', count == 0);
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), EncodeError> {
        if self.depth >= self.depth_limit {
            return Err(EncodeError::new(EncodeErrorKind::DepthLimit(self.depth_limit)));
        }
        if self.out.has_lost() {
            return Err(EncodeError::new(EncodeErrorKind::NoRoom));
        }
        self.depth += 1;
        self.bracket(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8, is_empty: bool) {
        self.closing_bracket(bracket, is_empty);
        self.depth -= 1;
    }

    #[inline]
    fn bracket(&mut self, bracket: u8) {
        self.out.put([bracket]);
        self.level += 1;
    }

    #[inline]
    fn item(&mut self, is_first: bool) {
        self.style.item(self.out, is_first, self.level);
    }

    #[inline]
    fn closing_bracket(&mut self, bracket: u8, is_empty: bool) {
        self.level -= 1;
        self.style.close(self.out, bracket, is_empty, self.level);
    }
}

/// Whether values of this type are keys of an object as they are.
pub(super) fn is_scalar(ty: &TypePlan) -> bool {
    use TypePlan::{List, Map, Selected, Set, Struct};
    !matches!(ty, Struct(_) | Selected(_) | List(_) | Set(_) | Map(_))
}
