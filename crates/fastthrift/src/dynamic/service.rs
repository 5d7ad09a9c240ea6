use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use fastthrift_dynamic::FieldPlan;
use fastthrift_protocol::{DecodeError, Limits, Protocol};
use fastthrift_rpc::CallKind;
use fastthrift_schema::{self as schema, FieldId, ServiceId, StructId, StructKind, TypeKind};

use super::error::UnknownName;
use super::types::annotation;
use super::{Error, Exception, Idl, JsonStyle, Struct, StructValue, Type, Value, ValueError, codec};
use crate::{CallError, CallErrorKind};

/// A service of the IDL, with the functions that it inherits. Clones share it.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    idl: Idl,
    id: ServiceId,
    functions: HashMap<Arc<str>, Function>,
    /// Their names, those of the service itself first.
    order: Vec<Arc<str>>,
}

/// A function of a service. Clones share it.
#[derive(Clone)]
pub struct Function(Arc<FunctionInner>);

struct FunctionInner {
    idl: Idl,
    id: ServiceId,
    place: usize,
    call: crate::Function,
    arguments: StructId,
    result: StructId,
}

impl Service {
    pub(super) fn new(idl: &Idl, id: ServiceId) -> Self {
        let (mut functions, mut order) = (HashMap::new(), Vec::new());
        for (id, service) in idl.schema().lineage(id) {
            for (place, function) in service.functions.iter().enumerate() {
                if !functions.contains_key(&function.name) {
                    functions.insert(Arc::clone(&function.name), Function::new(idl, id, place, function));
                    order.push(Arc::clone(&function.name));
                }
            }
        }
        Self(Arc::new(Inner { idl: idl.clone(), id, functions, order }))
    }

    fn schema(&self) -> &schema::Service {
        self.0.idl.schema().service(self.0.id)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.schema().name
    }

    /// Its doc comment.
    pub fn doc(&self) -> Option<&str> {
        self.schema().doc.as_deref()
    }

    /// The value of an annotation: of several with this key, the last one.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        annotation(&self.schema().annotations, key)
    }

    /// The service that it extends.
    pub fn extends(&self) -> Option<Service> {
        self.schema().extends.map(|id| Self::new(&self.0.idl, id))
    }

    /// Its functions in the order of the IDL, and then those that it inherits.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.0.order.iter().map(|name| &self.0.functions[name])
    }

    /// A function, its own or one that it inherits.
    ///
    /// # Errors
    /// There is none of this name.
    #[inline]
    pub fn function(&self, name: &str) -> Result<&Function, UnknownName> {
        self.0.functions.get(name).ok_or_else(|| self.unknown_function(name))
    }

    #[cold]
    fn unknown_function(&self, name: &str) -> UnknownName {
        UnknownName::new("function", self.name(), name, self.0.order.iter().map(|name| &**name))
    }
}

impl Function {
    fn new(idl: &Idl, id: ServiceId, place: usize, function: &schema::Function) -> Self {
        let kind = if function.is_oneway { CallKind::Oneway } else { CallKind::Call };
        let call = crate::Function::named(function.name.to_string(), kind);
        let is_idempotent = matches!(annotation(&function.annotations, "idempotent"), Some("true" | "1"));
        let call = if is_idempotent { call.idempotent() } else { call };
        let (arguments, result) = (function.arguments, function.result);
        Self(Arc::new(FunctionInner { idl: idl.clone(), id, place, call, arguments, result }))
    }

    fn schema(&self) -> &schema::Function {
        &self.0.idl.schema().service(self.0.id).functions[self.0.place]
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.call.name()
    }

    /// Whether it is not answered.
    pub fn is_oneway(&self) -> bool {
        self.0.call.kind() == CallKind::Oneway
    }

    /// Whether the IDL says that it may be carried out more than once: `(idempotent = "true")`.
    pub fn is_idempotent(&self) -> bool {
        self.0.call.is_idempotent()
    }

    /// Its doc comment.
    pub fn doc(&self) -> Option<&str> {
        self.schema().doc.as_deref()
    }

    /// The value of an annotation: of several with this key, the last one.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        annotation(&self.schema().annotations, key)
    }

    /// Its arguments, as the fields of a struct.
    pub fn arguments(&self) -> Struct {
        Struct::new(self.0.idl.clone(), self.0.arguments)
    }

    /// The type that it returns; `None` is `void`.
    pub fn returns(&self) -> Option<Type> {
        self.schema().returns.map(|id| Type::new(&self.0.idl, id))
    }

    /// The exceptions that it declares: by which names, and of which types.
    pub fn exceptions(&self) -> impl Iterator<Item = (&str, Struct)> {
        let schema = self.0.idl.schema();
        let declared = schema.structure(self.0.result).fields.iter().filter(|field| field.id != FieldId(0));
        declared.filter_map(|field| match schema.resolve(field.ty) {
            TypeKind::Struct(id) => Some((&*field.name, Struct::new(self.0.idl.clone(), id))),
            _ => None,
        })
    }

    /// What a channel calls.
    pub fn call(&self) -> &crate::Function {
        &self.0.call
    }

    /// Reads arguments from JSON text with names: an object, a field an argument.
    ///
    /// # Errors
    /// The text is no JSON, not the arguments of this function, or over a limit.
    pub fn arguments_from_json(&self, text: &str, limits: Limits) -> Result<StructValue, DecodeError> {
        codec::from_json(&self.0.idl, self.0.arguments, text, limits)
    }

    /// Writes a value that it returned as JSON text with names; `null` for what returns nothing.
    ///
    /// # Errors
    /// The value is not of the type that it returns.
    pub fn result_to_json(&self, value: &Value, style: JsonStyle) -> Result<String, ValueError> {
        match self.success() {
            Some(field) => codec::value_to_json(&self.0.idl, &field.ty, value, style),
            None => Ok("null".to_owned()),
        }
    }

    /// The result's field of what it returns.
    fn success(&self) -> Option<&FieldPlan> {
        self.0.idl.plans().structure(self.0.result).fields.iter().find(|field| field.header.id == 0)
    }

    /// Appends arguments.
    #[inline]
    pub(super) fn write_arguments(
        &self,
        protocol: Protocol,
        arguments: &StructValue,
        out: &mut Vec<u8>,
    ) -> Result<(), CallError> {
        codec::write(&self.0.idl, self.0.arguments, protocol, arguments, out).map_err(CallError::encode)
    }

    /// What a call of it came to: what its result says, or `Value::Null` for one that is not answered. An argument that could not be
    /// written is told as such.
    pub(super) fn outcome(&self, called: Result<Option<Result<Value, Error>>, CallError>) -> Result<Value, Error> {
        match called {
            Ok(Some(result)) => result,
            Ok(None) if self.is_oneway() => Ok(Value::Null),
            Ok(None) => Err(CallError::missing_result(self.name()).into()),
            Err(error) => Err(self.failure(error)),
        }
    }

    #[cold]
    fn failure(&self, error: CallError) -> Error {
        match error.kind() {
            CallErrorKind::Encode(cause) if let Some(wrong) = cause.downcast_ref::<ValueError>() => {
                Error::Arguments { function: self.name().into(), error: wrong.clone() }
            }
            _ => error.into(),
        }
    }

    /// Reads arguments.
    pub(super) fn read_arguments(
        &self,
        protocol: Protocol,
        bytes: &[u8],
        limits: Limits,
    ) -> Result<StructValue, DecodeError> {
        codec::read(&self.0.idl, self.0.arguments, protocol, bytes, limits)
    }

    /// Reads what a call had as its result.
    pub(super) fn read_result(&self, protocol: Protocol, bytes: &[u8], limits: Limits) -> Result<Value, Error> {
        let result = codec::read(&self.0.idl, self.0.result, protocol, bytes, limits);
        let mut result = result.map_err(CallError::from)?;
        let plan = self.0.idl.plans().structure(self.0.result);
        for field in plan.fields.iter().filter(|field| field.header.id != 0) {
            if let Some(Value::Struct(value)) = result.take_at(field.index) {
                let name = value.ty().map_or_else(|| Arc::clone(&field.name), |ty| ty.name().into());
                return Err(Exception::declared(name, Arc::clone(&field.name), value).into());
            }
        }
        match self.success() {
            None => Ok(Value::Null),
            Some(field) => match result.take_at(field.index) {
                Some(value) => Ok(value),
                None => Err(CallError::missing_result(self.name()).into()),
            },
        }
    }

    /// Appends the result of a call that returned this.
    pub(super) fn write_value(&self, protocol: Protocol, value: &Value, out: &mut Vec<u8>) -> Result<(), CallError> {
        let field = match self.success() {
            Some(_) if value.is_null() => return Err(CallError::missing_result(self.name())),
            None if !value.is_null() => {
                let text = format!("'{}' returns nothing, got {}", self.name(), value.kind());
                return Err(CallError::internal(text));
            }
            success => success.map(|field| (field.index, value)),
        };
        let written = codec::write_result(&self.0.idl, self.0.result, protocol, field, out);
        written.map_err(CallError::internal)
    }

    /// Appends the result of a call that ended with this exception; one that the function does not declare is an error.
    pub(super) fn write_exception(
        &self,
        protocol: Protocol,
        exception: Exception,
        out: &mut Vec<u8>,
    ) -> Result<(), CallError> {
        let Some(place) = self.place_of(&exception) else {
            let text = format!("'{}' does not declare an exception: {exception}", self.name());
            return Err(CallError::internal(text));
        };
        let value = Value::Struct(exception.into_value());
        let field = Some((place, &value));
        let written = codec::write_result(&self.0.idl, self.0.result, protocol, field, out);
        written.map_err(CallError::internal)
    }

    /// The place in the result of this exception: where it was received, or the first of its type or declared by its name.
    fn place_of(&self, exception: &Exception) -> Option<usize> {
        let schema = self.0.idl.schema();
        let fields = &schema.structure(self.0.result).fields;
        let place = |is_it: &dyn Fn(&schema::Field) -> bool| {
            fields.iter().position(|field| field.id != FieldId(0) && is_it(field))
        };
        let is_of_type = |field: &schema::Field| match schema.resolve(field.ty) {
            TypeKind::Struct(id) => {
                let ty = schema.structure(id);
                ty.kind == StructKind::Exception && &*ty.name == exception.name()
            }
            _ => false,
        };
        place(&|field| exception.declared_as() == Some(&field.name) && is_of_type(field))
            .or_else(|| place(&is_of_type))
            .or_else(|| place(&|field| &*field.name == exception.name()))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.name()).finish()
    }
}

/// Shows it as the IDL declares it: `i32 add(1: i32 a, 2: i32 b) throws (1: Overflow overflow)`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_oneway() {
            f.write_str("oneway ")?;
        }
        match self.returns() {
            Some(ty) => write!(f, "{ty} {}(", self.name())?,
            None => write!(f, "void {}(", self.name())?,
        }
        for (place, field) in self.arguments().fields().enumerate() {
            let separator = if place > 0 { ", " } else { "" };
            write!(f, "{separator}{}: {} {}", field.id(), field.ty(), field.name())?;
        }
        f.write_str(")")?;
        let result = Struct::new(self.0.idl.clone(), self.0.result);
        for (place, field) in result.fields().filter(|field| field.id() != 0).enumerate() {
            let separator = if place > 0 { ", " } else { " throws (" };
            write!(f, "{separator}{}: {} {}", field.id(), field.ty(), field.name())?;
        }
        if self.exceptions().next().is_some() { f.write_str(")") } else { Ok(()) }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Function").field(&self.name()).finish()
    }
}
