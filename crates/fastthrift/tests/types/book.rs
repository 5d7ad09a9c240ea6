use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};

/// A telephone number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Phone {
    pub number: String,
    pub kind: i32,
}

impl Encode for Phone {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.number, 1, "number", out)?;
        p::write_field(&self.kind, 2, "kind", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Phone {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "number", &mut self.number)?;
            p::fill_next(fields, 2, "kind", &mut self.kind)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "number", &mut self.number)?,
                2 => p::fill_found(fields, "kind", &mut self.kind)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Person {
    pub name: String,
    pub id: i32,
    pub emails: Vec<String>,
    pub phones: Vec<Phone>,
    pub labels: p::BTreeMap<String, String>,
}

impl Encode for Person {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.name, 1, "name", out)?;
        p::write_field(&self.id, 2, "id", out)?;
        p::write_field(&self.emails, 3, "emails", out)?;
        p::write_field(&self.phones, 4, "phones", out)?;
        p::write_field(&self.labels, 5, "labels", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Person {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "name", &mut self.name)?;
            p::fill_next(fields, 2, "id", &mut self.id)?;
            p::fill_next(fields, 3, "emails", &mut self.emails)?;
            p::fill_next(fields, 4, "phones", &mut self.phones)?;
            p::fill_next(fields, 5, "labels", &mut self.labels)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "name", &mut self.name)?,
                2 => p::fill_found(fields, "id", &mut self.id)?,
                3 => p::fill_found(fields, "emails", &mut self.emails)?,
                4 => p::fill_found(fields, "phones", &mut self.phones)?,
                5 => p::fill_found(fields, "labels", &mut self.labels)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// An address book.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Book {
    pub people: Vec<Person>,
}

impl Encode for Book {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.people, 1, "people", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for Book {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "people", &mut self.people)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "people", &mut self.people)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// A telephone number, borrowed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PhoneRef<'de> {
    pub number: &'de str,
    pub kind: i32,
}

impl Encode for PhoneRef<'_> {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.number, 1, "number", out)?;
        p::write_field(&self.kind, 2, "kind", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for PhoneRef<'de> {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "number", &mut self.number)?;
            p::fill_next(fields, 2, "kind", &mut self.kind)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "number", &mut self.number)?,
                2 => p::fill_found(fields, "kind", &mut self.kind)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// A person, borrowed, with a map as its entries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PersonRef<'de> {
    pub name: &'de str,
    pub id: i32,
    pub emails: Vec<&'de str>,
    pub phones: Vec<PhoneRef<'de>>,
    pub labels: Vec<(&'de str, &'de str)>,
}

impl Encode for PersonRef<'_> {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.name, 1, "name", out)?;
        p::write_field(&self.id, 2, "id", out)?;
        p::write_field(&self.emails, 3, "emails", out)?;
        p::write_field(&self.phones, 4, "phones", out)?;
        p::write_field(&self.labels, 5, "labels", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for PersonRef<'de> {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "name", &mut self.name)?;
            p::fill_next(fields, 2, "id", &mut self.id)?;
            p::fill_next(fields, 3, "emails", &mut self.emails)?;
            p::fill_next(fields, 4, "phones", &mut self.phones)?;
            p::fill_next(fields, 5, "labels", &mut self.labels)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "name", &mut self.name)?,
                2 => p::fill_found(fields, "id", &mut self.id)?,
                3 => p::fill_found(fields, "emails", &mut self.emails)?,
                4 => p::fill_found(fields, "phones", &mut self.phones)?,
                5 => p::fill_found(fields, "labels", &mut self.labels)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}

/// An address book, borrowed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BookRef<'de> {
    pub people: Vec<PersonRef<'de>>,
}

impl Encode for BookRef<'_> {
    const TTYPE: p::TType = p::TType::Struct;

    fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        let scope = out.begin_struct();
        p::write_field(&self.people, 1, "people", out)?;
        out.end_struct(scope);
        Ok(())
    }
}

impl<'de> Decode<'de> for BookRef<'de> {
    const TTYPE: p::TType = p::TType::Struct;
    const UNFILLED: Option<fn() -> Self> = Some(Self::default);

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        p::filled(input)
    }

    fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        let fields = &mut p::Filling::begin(input)?;
        loop {
            p::fill_next(fields, 1, "people", &mut self.people)?;
            let Some(id) = fields.other()? else { break };
            match id {
                1 => p::fill_found(fields, "people", &mut self.people)?,
                _ => fields.skip()?,
            }
            fields.resume();
        }
        fields.end(&[])
    }
}
