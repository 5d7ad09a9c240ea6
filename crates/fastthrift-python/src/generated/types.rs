use fastthrift_schema::{Definition, Id, Span, Type, TypeId, TypeKind};

/// How deep types are nested at most, as in the IDL.
const MAX_NESTING: usize = 128;

/// Where nothing of a text stands: declarations have none.
pub(super) fn nowhere() -> Span {
    Span { source: Id::new(0), start: 0, end: 0 }
}

/// Reads types such as `dict[string, list[shared.Address]]`.
pub(super) struct TypeReader<'a> {
    rest: &'a str,
    depth: usize,
    /// Adds a type.
    push: &'a mut dyn FnMut(Type) -> TypeId,
    /// Finds a definition by its name, with its module's before it where that is another.
    find: &'a dyn Fn(&str) -> Option<Definition>,
}

impl<'a> TypeReader<'a> {
    /// Reads a whole text.
    pub(super) fn read(
        text: &'a str,
        push: &'a mut dyn FnMut(Type) -> TypeId,
        find: &'a dyn Fn(&str) -> Option<Definition>,
    ) -> Result<TypeId, String> {
        let mut reader = Self { rest: text, depth: 0, push, find };
        let ty = reader.ty()?;
        if reader.rest.is_empty() { Ok(ty) } else { Err(format!("{:?} is no type", shown(text))) }
    }

    fn ty(&mut self) -> Result<TypeId, String> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err("types are nested too deeply".to_owned());
        }
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let kind = if self.rest.starts_with('[') { self.container(word)? } else { self.named(word)? };
        self.depth -= 1;
        Ok((self.push)(Type { kind, annotations: Vec::new(), span: nowhere() }))
    }

    fn container(&mut self, word: &str) -> Result<TypeKind, String> {
        self.expect("[")?;
        let first = self.ty()?;
        let kind = match word {
            "list" => TypeKind::List(first),
            "set" => TypeKind::Set(first),
            "dict" => {
                self.expect(", ")?;
                TypeKind::Map(first, self.ty()?)
            }
            _ => return Err(format!("{:?} is no container", shown(word))),
        };
        self.expect("]")?;
        Ok(kind)
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(format!("expected {text:?} before {:?}", shown(self.rest))),
        }
    }

    fn named(&self, word: &str) -> Result<TypeKind, String> {
        Ok(match word {
            "bool" => TypeKind::Bool,
            "i8" => TypeKind::I8,
            "i16" => TypeKind::I16,
            "i32" => TypeKind::I32,
            "i64" => TypeKind::I64,
            "double" => TypeKind::Double,
            "string" => TypeKind::String,
            "binary" => TypeKind::Binary,
            "uuid" => TypeKind::Uuid,
            _ => match (self.find)(word) {
                Some(Definition::Struct(id)) => TypeKind::Struct(id),
                Some(Definition::Enum(id)) => TypeKind::Enum(id),
                Some(Definition::Typedef(id)) => TypeKind::Typedef(id),
                _ => return Err(format!("{:?} is no type", shown(word))),
            },
        })
    }
}

/// The start of a text, for an error.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
