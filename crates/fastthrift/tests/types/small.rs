use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};

/// Six fields, one of each common kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Small {
    pub count: i32,
    pub id: i64,
    pub ratio: f64,
    pub active: bool,
    pub kind: i16,
    pub name: String,
}

impl Encode for Small {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        out.write_run((self.count, self.id, self.ratio, self.active, self.kind), [1, 2, 3, 4, 5]);
        p::write_field(&self.name, 6, "name", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Small {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            if P::HAS_RUNS {
                if let Some(run) = fields.run([1, 2, 3, 4, 5], 0b0) {
                    (self.count, self.id, self.ratio, self.active, self.kind) = run;
                }
            } else {
                p::fill_next(fields, 1, "count", &mut self.count)?;
                p::fill_next(fields, 2, "id", &mut self.id)?;
                p::fill_next(fields, 3, "ratio", &mut self.ratio)?;
                p::fill_next(fields, 4, "active", &mut self.active)?;
                p::fill_next(fields, 5, "kind", &mut self.kind)?;
            }
            p::fill_next(fields, 6, "name", &mut self.name)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "count", &mut self.count)?,
                2 => p::fill_found(fields, "id", &mut self.id)?,
                3 => p::fill_found(fields, "ratio", &mut self.ratio)?,
                4 => p::fill_found(fields, "active", &mut self.active)?,
                5 => p::fill_found(fields, "kind", &mut self.kind)?,
                6 => p::fill_found(fields, "name", &mut self.name)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// Six fields, one of each common kind, borrowed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SmallRef<'de> {
    pub count: i32,
    pub id: i64,
    pub ratio: f64,
    pub active: bool,
    pub kind: i16,
    pub name: &'de str,
}

impl Encode for SmallRef<'_> {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        out.write_run((self.count, self.id, self.ratio, self.active, self.kind), [1, 2, 3, 4, 5]);
        p::write_field(&self.name, 6, "name", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for SmallRef<'de> {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            if P::HAS_RUNS {
                if let Some(run) = fields.run([1, 2, 3, 4, 5], 0b0) {
                    (self.count, self.id, self.ratio, self.active, self.kind) = run;
                }
            } else {
                p::fill_next(fields, 1, "count", &mut self.count)?;
                p::fill_next(fields, 2, "id", &mut self.id)?;
                p::fill_next(fields, 3, "ratio", &mut self.ratio)?;
                p::fill_next(fields, 4, "active", &mut self.active)?;
                p::fill_next(fields, 5, "kind", &mut self.kind)?;
            }
            p::fill_next(fields, 6, "name", &mut self.name)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "count", &mut self.count)?,
                2 => p::fill_found(fields, "id", &mut self.id)?,
                3 => p::fill_found(fields, "ratio", &mut self.ratio)?,
                4 => p::fill_found(fields, "active", &mut self.active)?,
                5 => p::fill_found(fields, "kind", &mut self.kind)?,
                6 => p::fill_found(fields, "name", &mut self.name)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}
