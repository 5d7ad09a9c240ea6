//! The types of `bench.thrift` in the shape that `fastthrift gen rust` gives them, generic over text and maps, so that each choice of
//! these is measured with the same code.

use std::collections::BTreeMap;

use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};

macro_rules! structure {
    ($type:ident<$($param:ident),*> { run { $($run_id:literal $run:ident: $run_type:ty),* } $($id:literal $(($must:tt))? $field:ident: $field_type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $type<$($param),*> {
            $(pub $run: $run_type,)*
            $(pub $field: $field_type,)*
        }

        impl<$($param: Encode),*> Encode for $type<$($param),*> {
            const TTYPE: p::TType = p::TType::Struct;

            fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                let scope = out.begin_struct();
                structure!(@write self out $($run_id $run)*);
                $(p::write_field(&self.$field, $id, stringify!($field), out)?;)*
                out.end_struct(scope);
                Ok(())
            }
        }

        impl<'de, $($param: Decode<'de> + Default),*> Decode<'de> for $type<$($param),*> {
            const TTYPE: p::TType = p::TType::Struct;
            const UNFILLED: Option<fn() -> Self> = Some(Self::default);

            fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                p::filled(input)
            }

            fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
                #[allow(dead_code, reason = "few have any")]
                const REQUIRED: &[i16] = &[$($(structure!(@name $must $id),)?)*];
                let fields = &mut p::Filling::begin(input)?;
                loop {
                    if P::HAS_RUNS {
                        structure!(@read self fields $($run_id $run)*);
                    } else {
                        $(p::fill_next(fields, $run_id, stringify!($run), &mut self.$run)?;)*
                    }
                    $(structure!(@next self fields $($must)? $id $field);)*
                    let Some(id) = fields.other()? else { break };
                    match id {
                        $($run_id => p::fill_found(fields, stringify!($run), &mut self.$run)?,)*
                        $($id => structure!(@found self fields $($must)? $id $field),)*
                        _ => fields.skip()?,
                    }
                    fields.resume();
                }
                fields.end(&[$($(structure!(@name $must $field),)?)*])
            }
        }
    };
    (@name required $id:literal) => { $id };
    (@name required $field:ident) => { stringify!($field) };
    (@next $self:ident $fields:ident $id:literal $field:ident) => {
        p::fill_next($fields, $id, stringify!($field), &mut $self.$field)?
    };
    (@next $self:ident $fields:ident required $id:literal $field:ident) => {
        p::fill_next_required($fields, $id, stringify!($field), &mut $self.$field, const { place(REQUIRED, $id) })?
    };
    (@found $self:ident $fields:ident $id:literal $field:ident) => {
        p::fill_found($fields, stringify!($field), &mut $self.$field)?
    };
    (@found $self:ident $fields:ident required $id:literal $field:ident) => {
        p::fill_found_required($fields, stringify!($field), &mut $self.$field, const { place(REQUIRED, $id) })?
    };
    (@write $self:ident $out:ident) => {};
    (@write $self:ident $out:ident $($id:literal $run:ident)+) => {
        $out.write_run(($($self.$run),+), [$($id),+]);
    };
    (@read $self:ident $fields:ident) => {};
    (@read $self:ident $fields:ident $($id:literal $run:ident)+) => {
        if let Some(run) = $fields.run([$($id),+], 0) {
            ($($self.$run),+) = run;
        }
    };
}

pub(crate) use structure;

/// The place of an id among these.
pub(crate) const fn place(ids: &[i16], id: i16) -> u32 {
    let mut place = 0;
    while ids[place as usize] != id {
        place += 1;
    }
    place
}

structure!(Small<S> { run { 1 count: i32, 2 id: i64, 3 ratio: f64, 4 active: bool, 5 kind: i16 } 6 name: S });
structure!(Phone<S> { run {} 1 number: S, 2 kind: i32 });
structure!(Person<S, M> { run {} 1 name: S, 2 id: i32, 3 emails: Vec<S>, 4 phones: Vec<Phone<S>>, 5 labels: M });
structure!(Book<S, M> { run {} 1 people: Vec<Person<S, M>> });
structure!(Doubles<> { run {} 1 values: Vec<f64> });
structure!(Longs<> { run {} 1 values: Vec<i64> });
structure!(Scores<M> { run {} 1 values: M });
structure!(Blob<B> { run {} 1 data: B });

pub type OwnedBook = Book<String, BTreeMap<String, String>>;

/// The same data as every other benchmark's.
pub fn small() -> Small<String> {
    Small { count: 7, id: 1_234_567_890_123, ratio: 2.5, active: true, kind: 300, name: "twelve chars".into() }
}

pub fn book() -> OwnedBook {
    Book { people: (0..100).map(person).collect() }
}

fn person(number: i32) -> Person<String, BTreeMap<String, String>> {
    let phone = |number: String, kind| Phone { number, kind };
    let labels = [("team", format!("team {}", number % 7)), ("city", "Amsterdam".into()), ("role", "engineer".into())];
    Person {
        name: format!("Person Number {number}"),
        id: 100_000 + number,
        emails: vec![format!("person{number}@example.com"), format!("p{number}@mail.example.org")],
        phones: vec![phone(format!("+31 20 555 {number:04}"), 1), phone(format!("+31 6 5555 {number:04}"), 2)],
        labels: labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

pub fn doubles() -> Doubles {
    Doubles { values: (0..10_000).map(|number| f64::from(number) * 1.1).collect() }
}

pub fn longs() -> Longs {
    Longs { values: (0..10_000).map(|number| i64::from(number) << 20).collect() }
}

pub fn scores() -> Scores<BTreeMap<String, i32>> {
    Scores { values: (0..1000).map(|number| (format!("key number {number}"), number * 3)).collect() }
}

pub fn blob() -> Vec<u8> {
    (0..=255).collect::<Vec<u8>>().repeat(4096)
}
