use fastthrift_schema::{SchemaBuilder, TypeId, TypeKind, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString, PyTuple};

/// How deep values are nested at most, as in the IDL.
const MAX_NESTING: usize = 128;

/// Reads plain data as a value of a type. Every struct has its fields already.
pub(super) fn read(schema: &SchemaBuilder, ty: TypeId, data: &Bound<'_, PyAny>) -> PyResult<Value> {
    Values { schema, depth: 0 }.value(ty, data)
}

struct Values<'a> {
    schema: &'a SchemaBuilder,
    depth: usize,
}

impl Values<'_> {
    fn value(&mut self, ty: TypeId, data: &Bound<'_, PyAny>) -> PyResult<Value> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(mismatch("values are nested too deeply"));
        }
        let value = match self.resolve(ty) {
            TypeKind::Bool => Value::Bool(data.cast::<PyBool>()?.is_true()),
            TypeKind::I8 => Value::Int(data.extract::<i8>()?.into()),
            TypeKind::I16 => Value::Int(data.extract::<i16>()?.into()),
            TypeKind::I32 => Value::Int(data.extract::<i32>()?.into()),
            TypeKind::I64 => Value::Int(data.extract()?),
            TypeKind::Double => Value::Double(data.extract()?),
            TypeKind::String => Value::String(text(data)?.into()),
            TypeKind::Binary => Value::Binary(data.cast::<PyBytes>()?.as_bytes().into()),
            TypeKind::Uuid => Value::Uuid(uuid(&text(data)?)?),
            TypeKind::Enum(id) => {
                let name = text(data)?;
                let index = self.schema.enums[id].values.iter().position(|value| *value.name == *name);
                Value::Enum { id, index: index.ok_or_else(|| mismatch(&format!("no enum value {name:?}")))? }
            }
            TypeKind::List(element) => Value::List(self.elements(element, data)?),
            TypeKind::Set(element) => Value::Set(self.elements(element, data)?),
            TypeKind::Map(key, value) => Value::Map(self.entries(key, value, data)?),
            TypeKind::Struct(id) => {
                let mut fields = Vec::new();
                for (name, data) in data.cast::<PyDict>()? {
                    let name = text(&name)?;
                    let place = self.schema.structs[id].fields.iter().position(|field| *field.name == *name);
                    let place = place.ok_or_else(|| mismatch(&format!("no field {name:?}")))?;
                    fields.push((place, self.value(self.schema.structs[id].fields[place].ty, &data)?));
                }
                Value::Struct { id, fields }
            }
            TypeKind::Typedef(_) => return Err(mismatch("a typedef leads nowhere")),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn elements(&mut self, element: TypeId, data: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
        data.cast::<PyList>()?.iter().map(|item| self.value(element, &item)).collect()
    }

    /// The entries of a dict, or of a list of pairs.
    fn entries(&mut self, key: TypeId, value: TypeId, data: &Bound<'_, PyAny>) -> PyResult<Vec<(Value, Value)>> {
        if let Ok(entries) = data.cast::<PyDict>() {
            return entries.iter().map(|(k, v)| Ok((self.value(key, &k)?, self.value(value, &v)?))).collect();
        }
        let pair = |item: Bound<'_, PyAny>| -> PyResult<(Value, Value)> {
            let item = item.cast_into::<PyTuple>()?;
            Ok((self.value(key, &item.get_item(0)?)?, self.value(value, &item.get_item(1)?)?))
        };
        data.cast::<PyList>()?.iter().map(pair).collect()
    }

    /// Follows typedefs, of which none leads back to itself.
    fn resolve(&self, id: TypeId) -> TypeKind {
        let mut kind = self.schema.types[id].kind;
        for _ in 0..=self.schema.typedefs.len() {
            let TypeKind::Typedef(typedef) = kind else { break };
            kind = self.schema.types[self.schema.typedefs[typedef].target].kind;
        }
        kind
    }
}

fn text(data: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(data.cast::<PyString>()?.to_str()?.to_owned())
}

/// The bytes of a UUID in its canonical form.
fn uuid(text: &str) -> PyResult<[u8; 16]> {
    let hex: String = text.chars().filter(|&c| c != '-').collect();
    match u128::from_str_radix(&hex, 16) {
        Ok(number) if hex.len() == 32 => Ok(number.to_be_bytes()),
        _ => Err(mismatch("no UUID")),
    }
}

fn mismatch(text: &str) -> PyErr {
    pyo3::exceptions::PyValueError::new_err(text.to_owned())
}
