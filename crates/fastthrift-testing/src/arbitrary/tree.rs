use fastthrift_protocol::TType;

use super::Choices;
use crate::Tree;

const TYPES: &[TType] = &[
    TType::Bool,
    TType::I8,
    TType::I16,
    TType::I32,
    TType::I64,
    TType::Double,
    TType::String,
    TType::Uuid,
    TType::Struct,
    TType::List,
    TType::Set,
    TType::Map,
];

/// A struct with fields of any types, nested at most `depth` levels deep.
pub fn struct_tree(choices: &mut Choices<'_>, depth: u32) -> Tree {
    tree(choices, TType::Struct, depth)
}

/// A value of this type, nested at most `depth` levels deep.
pub fn tree(choices: &mut Choices<'_>, ttype: TType, depth: u32) -> Tree {
    let inner = depth.saturating_sub(1);
    match ttype {
        TType::Stop | TType::Bool => Tree::Bool(choices.flag()),
        TType::I8 => Tree::I8(choices.byte().cast_signed()),
        TType::I16 => Tree::I16(narrow(choices.number())),
        TType::I32 => Tree::I32(narrow(choices.number())),
        TType::I64 => Tree::I64(choices.number()),
        TType::Double => Tree::Double(choices.double().to_bits()),
        TType::Uuid => Tree::Uuid(choices.bytes()),
        TType::String => Tree::String(choices.binary()),
        TType::Struct => Tree::Struct(fields(choices, depth)),
        TType::List => items(choices, inner, Tree::List),
        TType::Set => items(choices, inner, Tree::Set),
        TType::Map => {
            let (key, value) = (element(choices, inner), element(choices, inner));
            let entries = (0..len(choices)).map(|_| (tree(choices, key, inner), tree(choices, value, inner))).collect();
            Tree::map(key, value, entries)
        }
    }
}

fn fields(choices: &mut Choices<'_>, depth: u32) -> Vec<(i16, Tree)> {
    let mut id = 0i16;
    let mut fields = Vec::new();
    while !choices.is_empty() && fields.len() < 12 {
        let step = choices.byte();
        id = match step {
            0..40 => return fields,
            40..200 => id.wrapping_add(1),
            200..230 => id.wrapping_add(i16::from(step) - 190),
            _ => narrow(choices.number()),
        };
        let ttype = element(choices, depth.saturating_sub(1));
        fields.push((id, tree(choices, ttype, depth.saturating_sub(1))));
    }
    fields
}

fn items(choices: &mut Choices<'_>, depth: u32, make: fn(TType, Vec<Tree>) -> Tree) -> Tree {
    let ttype = element(choices, depth);
    let items: Vec<Tree> = (0..len(choices)).map(|_| tree(choices, ttype, depth)).collect();
    make(if items.is_empty() { TType::Stop } else { ttype }, items)
}

fn len(choices: &mut Choices<'_>) -> usize {
    match choices.byte() {
        _ if choices.is_empty() => 0,
        250.. => 15 + choices.below(40),
        short => usize::from(short) % 5,
    }
}

/// A type; one that nests only when there is depth left for it.
fn element(choices: &mut Choices<'_>, depth: u32) -> TType {
    let simple = TYPES.len() - 4;
    choices.one_of(if depth == 0 { &TYPES[..simple] } else { TYPES })
}

/// The number if it fits, else some number that does.
fn narrow<T: TryFrom<i64> + TryFrom<i8>>(number: i64) -> T {
    let [low, ..] = number.to_le_bytes();
    let low = T::try_from(low.cast_signed());
    T::try_from(number).ok().or(low.ok()).unwrap_or_else(|| unreachable!("invariant: an i8 fits every type"))
}
