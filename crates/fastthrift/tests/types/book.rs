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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut number = String::new();
        let mut kind = 0_i32;
        p::next_field(input, 1, "number", &mut number)?;
        p::next_field(input, 2, "kind", &mut kind)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => number = p::found_field(input, header.ttype, "number", number)?,
                    2 => kind = p::found_field(input, header.ttype, "kind", kind)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { number, kind })
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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut name = String::new();
        let mut id = 0_i32;
        let mut emails = Vec::new();
        let mut phones = Vec::new();
        let mut labels = p::BTreeMap::new();
        p::next_field(input, 1, "name", &mut name)?;
        p::next_field(input, 2, "id", &mut id)?;
        p::next_field(input, 3, "emails", &mut emails)?;
        p::next_field(input, 4, "phones", &mut phones)?;
        p::next_field(input, 5, "labels", &mut labels)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => name = p::found_field(input, header.ttype, "name", name)?,
                    2 => id = p::found_field(input, header.ttype, "id", id)?,
                    3 => emails = p::found_field(input, header.ttype, "emails", emails)?,
                    4 => phones = p::found_field(input, header.ttype, "phones", phones)?,
                    5 => labels = p::found_field(input, header.ttype, "labels", labels)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { name, id, emails, phones, labels })
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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut people = Vec::new();
        p::next_field(input, 1, "people", &mut people)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => people = p::found_field(input, header.ttype, "people", people)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { people })
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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut number = "";
        let mut kind = 0_i32;
        p::next_field(input, 1, "number", &mut number)?;
        p::next_field(input, 2, "kind", &mut kind)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => number = p::found_field(input, header.ttype, "number", number)?,
                    2 => kind = p::found_field(input, header.ttype, "kind", kind)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { number, kind })
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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut name = "";
        let mut id = 0_i32;
        let mut emails = Vec::new();
        let mut phones = Vec::new();
        let mut labels = Vec::new();
        p::next_field(input, 1, "name", &mut name)?;
        p::next_field(input, 2, "id", &mut id)?;
        p::next_field(input, 3, "emails", &mut emails)?;
        p::next_field(input, 4, "phones", &mut phones)?;
        p::next_field(input, 5, "labels", &mut labels)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => name = p::found_field(input, header.ttype, "name", name)?,
                    2 => id = p::found_field(input, header.ttype, "id", id)?,
                    3 => emails = p::found_field(input, header.ttype, "emails", emails)?,
                    4 => phones = p::found_field(input, header.ttype, "phones", phones)?,
                    5 => labels = p::found_field(input, header.ttype, "labels", labels)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { name, id, emails, phones, labels })
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

    fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let mut people = Vec::new();
        p::next_field(input, 1, "people", &mut people)?;
        if !input.accept_stop() {
            while let Some(header) = input.read_field()? {
                match header.id {
                    1 => people = p::found_field(input, header.ttype, "people", people)?,
                    _ => input.skip(header.ttype)?,
                }
            }
        }
        input.end_struct(scope);
        Ok(Self { people })
    }
}
