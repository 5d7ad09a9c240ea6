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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut count = 0_i32;
        let mut id = 0_i64;
        let mut ratio = 0.0_f64;
        let mut active = false;
        let mut kind = 0_i16;
        let mut name = String::new();
        if P::HAS_RUNS {
            if let Some(run) = input.accept_run::<(i32, i64, f64, bool, i16)>([1, 2, 3, 4, 5]) {
                (count, id, ratio, active, kind) = run;
            }
        } else {
            p::next_field(input, 1, "count", &mut count)?;
            p::next_field(input, 2, "id", &mut id)?;
            p::next_field(input, 3, "ratio", &mut ratio)?;
            p::next_field(input, 4, "active", &mut active)?;
            p::next_field(input, 5, "kind", &mut kind)?;
        }
        p::next_field(input, 6, "name", &mut name)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => count = p::found_field(input, header.ttype, "count", count)?,
                    2 => id = p::found_field(input, header.ttype, "id", id)?,
                    3 => ratio = p::found_field(input, header.ttype, "ratio", ratio)?,
                    4 => active = p::found_field(input, header.ttype, "active", active)?,
                    5 => kind = p::found_field(input, header.ttype, "kind", kind)?,
                    6 => name = p::found_field(input, header.ttype, "name", name)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { count, id, ratio, active, kind, name })
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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut count = 0_i32;
        let mut id = 0_i64;
        let mut ratio = 0.0_f64;
        let mut active = false;
        let mut kind = 0_i16;
        let mut name = "";
        if P::HAS_RUNS {
            if let Some(run) = input.accept_run::<(i32, i64, f64, bool, i16)>([1, 2, 3, 4, 5]) {
                (count, id, ratio, active, kind) = run;
            }
        } else {
            p::next_field(input, 1, "count", &mut count)?;
            p::next_field(input, 2, "id", &mut id)?;
            p::next_field(input, 3, "ratio", &mut ratio)?;
            p::next_field(input, 4, "active", &mut active)?;
            p::next_field(input, 5, "kind", &mut kind)?;
        }
        p::next_field(input, 6, "name", &mut name)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => count = p::found_field(input, header.ttype, "count", count)?,
                    2 => id = p::found_field(input, header.ttype, "id", id)?,
                    3 => ratio = p::found_field(input, header.ttype, "ratio", ratio)?,
                    4 => active = p::found_field(input, header.ttype, "active", active)?,
                    5 => kind = p::found_field(input, header.ttype, "kind", kind)?,
                    6 => name = p::found_field(input, header.ttype, "name", name)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { count, id, ratio, active, kind, name })
    }
}
