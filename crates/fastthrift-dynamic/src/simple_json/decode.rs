use fastthrift_protocol::json::{Lexer, Scratch};
use fastthrift_protocol::{DecodeError, DecodeErrorKind, Limits, PathStep};
use fastthrift_schema::{EnumId, StructId, StructKind};

use super::encode::is_scalar;
use crate::decode::in_field;
use crate::{Build, FieldPlan, MapPlan, Plans, SequencePlan, StructPlan, TypePlan};

/// How much of a name that the schema does not know an error shows, in characters.
const SHOWN_NAME: usize = 40;

/// Reads values from JSON with field names, in one pass.
///
/// JSON has no counts, so the elements of a container wait until its end is there. They are bounded by the limit on containers and by
/// the bytes that stand for them: two at least for each.
pub struct SimpleJsonDecoder<'a, 'de, B: Build> {
    plans: &'a Plans,
    lexer: Lexer<'de>,
    build: &'a mut B,
    container_limit: usize,
    /// The elements, or keys and values, of the containers that are being read; those of the innermost are last.
    waiting: Vec<B::Value>,
}

impl<'a, 'de, B: Build> SimpleJsonDecoder<'a, 'de, B> {
    /// A decoder of JSON text that makes through `build`; what has to be unescaped goes into `scratch`.
    pub fn new(plans: &'a Plans, input: &'de [u8], scratch: &'de Scratch, limits: Limits, build: &'a mut B) -> Self {
        let lexer = Lexer::new(input, scratch, limits);
        Self { plans, lexer, build, container_limit: limits.container, waiting: Vec::new() }
    }

    /// How many bytes were read so far.
    pub fn offset(&self) -> usize {
        self.lexer.offset()
    }

    /// Checks that nothing but whitespace follows.
    pub fn end(&mut self) -> Result<(), DecodeError> {
        match self.lexer.peek() {
            None => Ok(()),
            Some(_) => Err(self.lexer.unexpected("the end of the text")),
        }
    }

    /// Reads a struct, union or exception. A union has one member; one that the schema does not know counts.
    pub fn structure(&mut self, id: StructId) -> Result<B::Value, DecodeError> {
        self.planned(self.plans.structure(id))
    }

    /// Reads a struct, union or exception by a plan, of which it may be that it was [selected](Plans::select).
    pub fn planned(&mut self, plan: &StructPlan) -> Result<B::Value, DecodeError> {
        let mut structure = self.build.begin_struct(plan)?;
        let (mut first, mut has_others) = (None, false);
        let unknown = self.known_fields(plan, |build, field, value| {
            has_others |= *first.get_or_insert(field.index) != field.index;
            build.set_field(&mut structure, field, value)
        })?;
        for &place in &plan.required {
            let field = &plan.fields[place];
            if !self.build.has_field(&structure, field) {
                return Err(self.missing(field));
            }
        }
        if plan.kind == StructKind::Union && (has_others || (first.is_none() && unknown == 0)) {
            let count = if has_others { "several members" } else { "no member" };
            let text = format!("union '{}' holds {count}, expected one", plan.name);
            return Err(self.error(DecodeErrorKind::Invalid(text.into())));
        }
        self.build.end_struct(plan, structure)
    }

    /// Reads the fields of a struct and hands each known one to `set`; unknown ones are skipped.
    ///
    /// Whether required fields came is for the caller to check.
    pub fn fields<F>(&mut self, plan: &StructPlan, set: F) -> Result<(), DecodeError>
    where
        F: FnMut(&mut B, &FieldPlan, B::Value) -> Result<(), DecodeError>,
    {
        self.known_fields(plan, set).map(drop)
    }

    /// The same; returns how many fields were unknown and not `null`.
    fn known_fields<F>(&mut self, plan: &StructPlan, mut set: F) -> Result<usize, DecodeError>
    where
        F: FnMut(&mut B, &FieldPlan, B::Value) -> Result<(), DecodeError>,
    {
        let mut unknown = 0;
        let mut next = 0;
        self.items(b'{', b'}', |this, _| {
            let name = this.lexer.name()?;
            this.lexer.expect(b':', "':'")?;
            let place = plan.place_of_name(name, next);
            next = place.map_or(next, |place| place + 1);
            if this.lexer.accept_word(b"null") {
                return Ok(());
            }
            let Some(place) = place else {
                unknown += 1;
                return this.lexer.skip_value();
            };
            let field = &plan.fields[place];
            let value = this.value(&field.ty).map_err(|error| in_field(error, field))?;
            set(this.build, field, value).map_err(|error| in_field(error, field))
        })?;
        Ok(unknown)
    }

    /// Reads an object or array: calls `item` at each of its items, with the number of the item.
    fn items<F>(&mut self, open: u8, close: u8, mut item: F) -> Result<(), DecodeError>
    where
        F: FnMut(&mut Self, usize) -> Result<(), DecodeError>,
    {
        let (opening, closing) = if open == b'{' { ("'{'", "',' or '}'") } else { ("'['", "',' or ']'") };
        self.lexer.expect(open, opening)?;
        self.lexer.enter()?;
        if !self.lexer.accept(close) {
            let mut index = 0;
            loop {
                item(self, index)?;
                index += 1;
                if !self.lexer.accept(b',') {
                    break;
                }
            }
            self.lexer.expect(close, closing)?;
        }
        self.lexer.leave();
        Ok(())
    }

    /// Reads a value of this type.
    pub fn value(&mut self, ty: &TypePlan) -> Result<B::Value, DecodeError> {
        match ty {
            TypePlan::Bool => self.bool().and_then(|value| self.build.bool(value)),
            TypePlan::I8 => self.integer::<i8>().and_then(|value| self.build.i32(value.into())),
            TypePlan::I16 => self.integer::<i16>().and_then(|value| self.build.i32(value.into())),
            TypePlan::I32 => self.integer().and_then(|value| self.build.i32(value)),
            TypePlan::I64 => self.integer().and_then(|value| self.build.i64(value)),
            TypePlan::Double => self.lexer.double().and_then(|value| self.build.double(value)),
            TypePlan::String => self.text().and_then(|(value, offset)| self.build.string(value, offset)),
            TypePlan::Binary => self.lexer.base64().and_then(|value| self.build.binary(value)),
            TypePlan::Uuid => self.lexer.uuid().and_then(|value| self.build.uuid(value)),
            TypePlan::Enum(id) => self.enumeration(*id).and_then(|number| self.build.enumeration(*id, number)),
            TypePlan::Struct(id) => self.structure(*id),
            TypePlan::Selected(plan) => self.planned(plan),
            TypePlan::List(plan) => self.list(plan),
            TypePlan::Set(plan) => self.set(plan),
            TypePlan::Map(plan) => self.map(plan),
        }
    }

    /// Reads a key of an object, which stands in quotes.
    fn key(&mut self, ty: &TypePlan) -> Result<B::Value, DecodeError> {
        if !is_scalar(ty) {
            return Err(self.lexer.unexpected("'}', since a map with such keys is an array of pairs,"));
        }
        if self.lexer.peek() != Some(b'"') {
            return Err(self.lexer.unexpected("a key in quotes"));
        }
        match ty {
            TypePlan::String => self.text().and_then(|(value, offset)| self.build.key_string(value, offset)),
            other => self.value(other),
        }
    }

    fn text(&mut self) -> Result<(&'de [u8], usize), DecodeError> {
        self.lexer.peek();
        let quote = self.lexer.offset();
        self.lexer.text().map(|text| (text, quote + 1))
    }

    fn bool(&mut self) -> Result<bool, DecodeError> {
        let expected = "true, false, 1 or 0";
        match self.lexer.peek() {
            Some(b'"') => {
                let (text, offset) = self.text()?;
                match text {
                    b"true" | b"1" => Ok(true),
                    b"false" | b"0" => Ok(false),
                    _ => {
                        let found = text.first().copied().unwrap_or(b'"');
                        Err(DecodeError::new(DecodeErrorKind::Json { expected, found }, offset))
                    }
                }
            }
            Some(b'-' | b'0'..=b'9') => match self.integer::<u8>()? {
                0 => Ok(false),
                1 => Ok(true),
                other => Err(self.error(DecodeErrorKind::OutOfRange(other.into()))),
            },
            _ if self.lexer.accept_word(b"true") => Ok(true),
            _ if self.lexer.accept_word(b"false") => Ok(false),
            _ => Err(self.lexer.unexpected(expected)),
        }
    }

    fn integer<T: TryFrom<i64>>(&mut self) -> Result<T, DecodeError> {
        self.lexer.peek();
        let offset = self.lexer.offset();
        let value = self.lexer.integer()?;
        if matches!(self.lexer.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(self.lexer.unexpected("an integer"));
        }
        T::try_from(value).map_err(|_| DecodeError::new(DecodeErrorKind::OutOfRange(value), offset))
    }

    fn enumeration(&mut self, id: EnumId) -> Result<i32, DecodeError> {
        if self.lexer.peek() != Some(b'"') {
            return self.integer();
        }
        let (text, offset) = self.text()?;
        let plan = self.plans.enumeration(id);
        let number = || std::str::from_utf8(text).ok()?.parse().ok();
        plan.number_of(text).or_else(number).ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(text).chars().take(SHOWN_NAME).collect();
            let text = format!("enum '{}' has no value '{shown}'", plan.name);
            DecodeError::new(DecodeErrorKind::Invalid(text.into()), offset)
        })
    }

    fn list(&mut self, plan: &SequencePlan) -> Result<B::Value, DecodeError> {
        let mark = self.waiting.len();
        self.elements(plan)?;
        let mut list = self.build.begin_list(plan, self.waiting.len() - mark)?;
        for (index, value) in self.waiting.drain(mark..).enumerate() {
            self.build.push(&mut list, index, value)?;
        }
        self.build.end_list(plan, list)
    }

    fn set(&mut self, plan: &SequencePlan) -> Result<B::Value, DecodeError> {
        let mark = self.waiting.len();
        self.elements(plan)?;
        let mut set = self.build.begin_set(plan, self.waiting.len() - mark)?;
        for (index, value) in self.waiting.drain(mark..).enumerate() {
            self.build.insert(&mut set, value).map_err(|error| error.within(PathStep::Index(index)))?;
        }
        self.build.end_set(plan, set)
    }

    fn elements(&mut self, plan: &SequencePlan) -> Result<(), DecodeError> {
        self.items(b'[', b']', |this, index| {
            this.check_count(index)?;
            let value = this.value(&plan.element).map_err(|error| error.within(PathStep::Index(index)))?;
            this.keep(value)
        })
    }

    fn map(&mut self, plan: &MapPlan) -> Result<B::Value, DecodeError> {
        let mark = self.waiting.len();
        match self.lexer.peek() {
            Some(b'[') => self.pairs(plan)?,
            _ => self.object(plan)?,
        }
        let mut map = self.build.begin_map(plan, (self.waiting.len() - mark) / 2)?;
        let mut waiting = self.waiting.drain(mark..);
        let mut index = 0;
        while let (Some(key), Some(value)) = (waiting.next(), waiting.next()) {
            let inserted = self.build.insert_entry(&mut map, key, value);
            inserted.map_err(|error| error.within(PathStep::Key(index)))?;
            index += 1;
        }
        drop(waiting);
        self.build.end_map(plan, map)
    }

    fn object(&mut self, plan: &MapPlan) -> Result<(), DecodeError> {
        self.items(b'{', b'}', |this, index| {
            this.check_count(index)?;
            let key = this.key(&plan.key).map_err(|error| error.within(PathStep::Key(index)))?;
            this.keep(key)?;
            this.lexer.expect(b':', "':'")?;
            this.map_value(plan, index)
        })
    }

    fn pairs(&mut self, plan: &MapPlan) -> Result<(), DecodeError> {
        self.items(b'[', b']', |this, index| {
            this.check_count(index)?;
            this.lexer.expect(b'[', "a pair of key and value")?;
            let key = this.value(&plan.key).map_err(|error| error.within(PathStep::Key(index)))?;
            this.keep(key)?;
            this.lexer.expect(b',', "',' between key and value")?;
            this.map_value(plan, index)?;
            this.lexer.expect(b']', "']' after key and value")
        })
    }

    fn map_value(&mut self, plan: &MapPlan, index: usize) -> Result<(), DecodeError> {
        let value = self.value(&plan.value).map_err(|error| error.within(PathStep::Value(index)))?;
        self.keep(value)
    }

    fn keep(&mut self, value: B::Value) -> Result<(), DecodeError> {
        if self.waiting.try_reserve(1).is_err() {
            return Err(self.error(DecodeErrorKind::Invalid("there is no memory for the elements".into())));
        }
        self.waiting.push(value);
        Ok(())
    }

    /// Checks that a container may have one more element than `count`.
    fn check_count(&self, count: usize) -> Result<(), DecodeError> {
        let limit = self.container_limit;
        if count >= limit {
            return Err(self.error(DecodeErrorKind::SizeLimit { what: "container", size: count + 1, limit }));
        }
        Ok(())
    }

    /// The error for a required field that did not come.
    #[cold]
    pub fn missing(&self, field: &FieldPlan) -> DecodeError {
        self.error(DecodeErrorKind::MissingField((*field.name).into()))
    }

    #[cold]
    fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, self.lexer.offset())
    }
}
