//! From a request to the handler's arguments, and from what the handler gave to the reply.

use std::sync::Arc;
use std::time::Instant;

use fastthrift_dynamic::{EncodeError, EncodeErrorKind, FieldPlan, StructPlan, TypePlan};
use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, DecodeError, DecodeErrorKind, PathStep};
use fastthrift_rpc::{CallKind, Headers, ReplyError, Request, ServerConnection};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};

use super::arguments::Arguments;
use super::current::Current;
use super::log;
use super::processor::Beside;
use super::services::{Method, Service, Services};
use crate::call::{Call, Running, within};
use crate::class::is_none;
use crate::client::{headers_dict, headers_of};
use crate::codec::{decode_fields, encode_fields};
use crate::error::{encode_error, exception_class};
use crate::interceptors::Target;
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;
use crate::settings::Settings;

/// A request that was read: which method to call, and with what.
pub(crate) struct Invocation<'s> {
    services: &'s Services,
    pub(crate) service: &'s Arc<Service>,
    pub(crate) method: &'s Method,
    pub(crate) arguments: Arguments,
    /// The bytes of the arguments' struct.
    pub(crate) body_len: usize,
    /// Until when the call is to end.
    pub(crate) deadline: Option<Instant>,
    settings: Settings,
}

/// What a handler gave, and its call if somebody asked for that.
pub(super) struct Outcome {
    pub(super) result: PyResult<Object>,
    pub(super) call: Option<Py<Call>>,
}

/// Where a request came from.
pub(crate) trait Origin {
    /// The connection that gave it.
    fn rpc(&self) -> &ServerConnection;

    /// The peer's URL, where it has one.
    fn peer(&self) -> Option<String>;

    /// What came beside it, where somebody else brought it.
    fn beside(&self) -> Option<&Beside> {
        None
    }

    /// The headers that came with it, or else in it.
    fn headers(&self, py: Python<'_>) -> Option<Py<PyDict>> {
        if let Some(Beside { headers: Some(headers), .. }) = self.beside() {
            return Some(headers.clone_ref(py));
        }
        let headers = self.rpc().request_headers();
        if headers.is_empty() { None } else { headers_dict(py, headers).ok().map(Bound::unbind) }
    }
}

/// What has to be known of a call to answer it.
pub(crate) struct Answering<'a> {
    service: &'a Service,
    info: &'a FunctionInfo,
    settings: Settings,
    /// Sent with the reply, where it can carry them.
    headers: &'a Headers,
    /// Who called, for the log.
    peer: Option<&'a dyn Fn() -> Option<String>>,
    /// The call, where somebody asked for it.
    call: Option<&'a Call>,
}

impl<'s> Invocation<'s> {
    /// Reads a request. The error is what to answer instead.
    #[inline]
    pub(crate) fn read(
        py: Python<'_>,
        services: &'s Services,
        rpc: &mut ServerConnection,
        request: &Request,
    ) -> Result<Self, ApplicationException> {
        let named = request.service.map(|name| rpc.bytes(name));
        let (service, method) = services.find(named, rpc.bytes(request.function))?;
        let settings = Settings { protocol: request.protocol, ..services.settings };
        let (arguments, body_len) = read_arguments(service.registry.bind(py), &method.info, rpc, request, &settings)?;
        Ok(Self { services, service, method, arguments, body_len, deadline: None, settings })
    }

    /// Calls the handler, with the interceptors around it.
    #[inline]
    pub(super) fn run(&self, py: Python<'_>, origin: &dyn Origin, request: &Request) -> Outcome {
        let callable = self.method.callable(py).expect("invariant: only methods that are there are found");
        let current = Current::new(self, origin, request);
        let result = within(&current, || {
            if self.services.interceptors.is_empty() {
                self.arguments.call(callable)
            } else {
                self.intercept(&current, callable)
            }
        });
        Outcome { result, call: current.into_call() }
    }

    #[cold]
    fn intercept(&self, current: &Current<'_>, callable: &Bound<'_, PyAny>) -> PyResult<Object> {
        let call = current.call(callable.py())?;
        let target = Handler(callable.clone().unbind());
        self.services.interceptors.run(call.bind(callable.py()), target).map(Object::from)
    }

    /// How the values of the call are read and written.
    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// What answers it.
    pub(crate) fn answering(&self) -> Answering<'_> {
        Answering::new(self.service, &self.method.info, self.settings)
    }

    /// Answers a call that somebody asked for, and tells it how that ended.
    pub(crate) fn answer_asked(
        &self,
        call: &Bound<'_, Call>,
        rpc: &mut ServerConnection,
        request: &Request,
        result: PyResult<Object>,
    ) -> Result<(), ReplyError> {
        self.answering().answer_asked(call, rpc, request, result)
    }

    /// Answers with what the handler returned or raised.
    pub(crate) fn answer(
        &self,
        py: Python<'_>,
        rpc: &mut ServerConnection,
        request: &Request,
        result: PyResult<Object>,
    ) -> Result<(), ReplyError> {
        self.answering().answer(py, rpc, request, result)
    }
}

impl<'a> Answering<'a> {
    /// Of a call that was [read](Invocation::read): its service, its function and its settings.
    pub(crate) fn new(service: &'a Service, info: &'a FunctionInfo, settings: Settings) -> Self {
        Self { service, info, settings, headers: Headers::none(), peer: None, call: None }
    }

    /// The same, of a call by this peer.
    pub(crate) fn of(self, peer: &'a dyn Fn() -> Option<String>) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Answers a call that somebody asked for, and tells it how that ended.
    #[cold]
    pub(crate) fn answer_asked(
        self,
        call: &Bound<'_, Call>,
        rpc: &mut ServerConnection,
        request: &Request,
        result: PyResult<Object>,
    ) -> Result<(), ReplyError> {
        let py = call.py();
        let given = call.get().reply_headers_if_any(py).map(|given| headers_of(given.as_any()));
        let (headers, result) = match given.transpose() {
            Ok(headers) => (headers.unwrap_or_default(), result),
            Err(error) => (Headers::new(), Err(error)),
        };
        let sent = rpc.outbound().len();
        let answering = Answering { headers: &headers, call: Some(call.get()), ..self };
        let answered = answering.answer(py, rpc, request, result);
        if let Some(count @ 1..) = rpc.outbound().len().checked_sub(sent) {
            call.get().set_reply_bytes(count);
        }
        Call::end(call);
        answered
    }

    /// Answers with what the handler returned or raised.
    pub(crate) fn answer(
        &self,
        py: Python<'_>,
        rpc: &mut ServerConnection,
        request: &Request,
        result: PyResult<Object>,
    ) -> Result<(), ReplyError> {
        let info = self.info;
        if info.is_oneway || request.kind == CallKind::Oneway {
            if let Err(error) = result {
                self.conceal(py, &error);
            }
            // A oneway function is not answered, whatever its caller's library says in the message.
            return rpc.finish_unanswered(request.id);
        }
        let registry = self.service.registry.bind(py).get();
        let replied = match &result {
            Ok(value) => self.reply(registry, rpc, request, |field| (field == 0).then_some(value)),
            Err(error) => match declared(py, registry, info, error) {
                Some((id, value)) => self.reply(registry, rpc, request, |field| (field == id).then_some(&value)),
                None => return self.raise(rpc, request, &self.undeclared(py, error)),
            },
        };
        match replied {
            Ok(()) => Ok(()),
            Err(Unsent::Encode(error)) => self.fail(py, rpc, request, &encode_error(py, &error)),
            Err(Unsent::Reply(
                error @ (ReplyError::TooLarge { .. } | ReplyError::OutOfMemory | ReplyError::Headers(_)),
            )) => {
                let kind = EncodeErrorKind::Invalid(error.to_string().into());
                let error = EncodeError::new(kind).within(PathStep::Field((*info.name).into()));
                self.fail(py, rpc, request, &encode_error(py, &error))
            }
            Err(Unsent::Reply(error)) => Err(error),
        }
    }

    /// Writes a result's struct straight into the connection's buffer; `value` gives the member with this id.
    #[inline]
    fn reply<'v>(
        &self,
        registry: &Registry,
        rpc: &mut ServerConnection,
        request: &Request,
        value: impl Fn(i16) -> Option<&'v Object>,
    ) -> Result<(), Unsent> {
        let info = self.info;
        let plan = registry.plans().structure(info.result);
        let get = |field: &FieldPlan| {
            let is_result = field.header.id == 0 && info.returns.is_some();
            let value = if is_result || field.header.id != 0 { value(field.header.id) } else { None };
            value.map(Object::as_ptr).filter(|&value| !is_none(value))
        };
        let mut writer = rpc.begin_reply_with(request.id, self.headers).map_err(Unsent::Reply)?;
        match encode_fields(registry, plan, &self.settings, &mut writer.sink(), get) {
            Ok(0) if info.returns.is_some() => return Err(Unsent::Encode(no_result(registry, info))),
            Err(error) if *error.kind() != EncodeErrorKind::NoRoom => {
                return Err(Unsent::Encode(error.within(PathStep::Field((*info.name).into()))));
            }
            // Where there was no room, to finish fails and says why.
            Ok(_) | Err(_) => {}
        }
        writer.finish().map_err(Unsent::Reply)
    }

    /// Answers with an exception that the function does not declare.
    #[cold]
    fn raise(
        &self,
        rpc: &mut ServerConnection,
        request: &Request,
        exception: &ApplicationException,
    ) -> Result<(), ReplyError> {
        match rpc.reply_exception_with(request.id, exception, self.headers) {
            Err(ReplyError::Headers(_)) => rpc.reply_exception(request.id, exception),
            answered => answered,
        }
    }

    /// Answers that something went wrong here, and logs what.
    #[cold]
    fn fail(
        &self,
        py: Python<'_>,
        rpc: &mut ServerConnection,
        request: &Request,
        error: &PyErr,
    ) -> Result<(), ReplyError> {
        self.conceal(py, error);
        rpc.reply_exception(request.id, &self.internal_error())
    }

    /// What a caller is told of an exception that the function does not declare: nothing that could be a secret.
    #[cold]
    fn undeclared(&self, py: Python<'_>, error: &PyErr) -> ApplicationException {
        if let Ok(Some(exception)) = application_exception(py, error) {
            return exception;
        }
        self.conceal(py, error);
        self.internal_error()
    }

    fn internal_error(&self) -> ApplicationException {
        let text = format!("internal error in '{}'", self.info.name);
        ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, text)
    }

    /// Tells those here of what the peer is not told.
    #[cold]
    fn conceal(&self, py: Python<'_>, error: &PyErr) {
        if let Some(call) = self.call {
            call.set_internal_error(py, error);
        }
        let peer = self.peer.and_then(|peer| peer());
        let about = log::About { service: Some(&self.service.name), function: Some(&self.info.name), peer };
        log::error(py, &format!("the call of '{}.{}' failed", self.service.name, self.info.name), error, &about);
    }
}

/// A handler's method, behind interceptors.
struct Handler(Py<PyAny>);

impl Target for Handler {
    fn proceed<'py>(&self, call: &Bound<'py, Call>) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(call.py()).call1(call.get().arguments_of(call.py()).clone())
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

/// Answers a request that cannot be carried out, and tells the interceptors.
#[cold]
pub(crate) fn refuse(
    py: Python<'_>,
    services: &Services,
    rpc: &mut ServerConnection,
    request: &Request,
    exception: &ApplicationException,
) -> Result<(), ReplyError> {
    if services.interceptors.want_refused() {
        let service = request.service.map(|name| rpc.bytes(name));
        services.tell_refused(py, service, rpc.bytes(request.function), exception);
    }
    match request.kind {
        CallKind::Call => rpc.reply_exception(request.id, exception),
        CallKind::Oneway => rpc.finish_oneway(request.id),
    }
}

/// Reads the arguments, and says how many bytes they are.
#[inline]
fn read_arguments(
    registry: &Bound<'_, Registry>,
    info: &FunctionInfo,
    rpc: &mut ServerConnection,
    request: &Request,
    settings: &Settings,
) -> Result<(Arguments, usize), ApplicationException> {
    let plan = registry.get().plans().structure(info.arguments);
    let mut arguments = Arguments::new(info.argument_names.len());
    let values = arguments.values();
    let settings = Settings { limits: rpc.config().limits, ..*settings };
    let read = decode_fields(registry, plan, &settings, rpc.bytes(request.body), |field, value| {
        values[field.index] = Some(value);
    });
    let len = read.map_err(|error| unreadable(registry.py(), info, error))?;
    rpc.body_read(len);
    if values.iter().any(Option::is_none) {
        complete(registry, info, plan, values, len)?;
    }
    Ok((arguments, len))
}

/// Sets the arguments that did not come: to the default of the IDL, or else to None.
#[cold]
fn complete(
    registry: &Bound<'_, Registry>,
    info: &FunctionInfo,
    plan: &StructPlan,
    values: &mut [Option<Object>],
    len: usize,
) -> Result<(), ApplicationException> {
    for &place in &plan.required {
        let field = &plan.fields[place];
        if values[field.index].is_none() {
            let error = DecodeError::new(DecodeErrorKind::MissingField((*field.name).into()), len);
            return Err(unreadable(registry.py(), info, error));
        }
    }
    for (value, default) in values.iter_mut().zip(&info.defaults) {
        if value.is_none() {
            let made = default.make(Some(registry)).map_err(|error| {
                let about = log::About { function: Some(&info.name), ..log::About::default() };
                log::error(registry.py(), &format!("a default of '{}' cannot be made", info.name), &error, &about);
                let text = format!("internal error in '{}'", info.name);
                ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, text)
            })?;
            *value = Some(made);
        }
    }
    Ok(())
}

/// What a caller is told of arguments that cannot be read.
#[cold]
fn unreadable(py: Python<'_>, info: &FunctionInfo, error: DecodeError) -> ApplicationException {
    let text = match PyErr::take(py) {
        None => error.within(PathStep::Field((*info.name).into())).to_string(),
        Some(raised) => {
            let about = log::About { function: Some(&info.name), ..log::About::default() };
            log::error(py, &format!("the arguments of '{}' cannot be made", info.name), &raised, &about);
            format!("the arguments of '{}' cannot be made of what came", info.name)
        }
    };
    ApplicationException::new(ApplicationExceptionKind::PROTOCOL_ERROR, text)
}

/// Why a reply was not sent.
enum Unsent {
    Encode(EncodeError),
    Reply(ReplyError),
}

/// The error of a function that has to return something and returned None.
#[cold]
fn no_result(registry: &Registry, info: &FunctionInfo) -> EncodeError {
    let expected = info.returns.map_or_else(String::new, |ty| registry.annotations().ty(ty));
    let kind = EncodeErrorKind::WrongType { expected: expected.into(), found: "NoneType".into() };
    EncodeError::new(kind).within(PathStep::Field("success".into())).within(PathStep::Field((*info.name).into()))
}

/// The member of the result that declares this exception.
#[cold]
fn declared(py: Python<'_>, registry: &Registry, info: &FunctionInfo, error: &PyErr) -> Option<(i16, Object)> {
    let value = error.value(py);
    let plan = registry.plans().structure(info.result);
    let thrown = plan.fields.iter().filter(|field| info.returns.is_none() || field.header.id != 0);
    for field in thrown {
        let TypePlan::Struct(id) = field.ty else { continue };
        // A class that was never made has no instances.
        let Some(entry) = registry.made_class(id) else { continue };
        if value.is_instance(entry.class_ref().bind(py)).unwrap_or(false) {
            return Some((field.header.id, value.clone().into_any().into()));
        }
    }
    None
}

/// A `TApplicationException` that a handler raised, to be sent as it is.
fn application_exception(py: Python<'_>, error: &PyErr) -> PyResult<Option<ApplicationException>> {
    let value = error.value(py);
    if !value.is_instance(exception_class(py, "TApplicationException")?.as_any())? {
        return Ok(None);
    }
    let kind = ApplicationExceptionKind(value.getattr("type")?.extract()?);
    let message: Option<String> = value.getattr("message")?.extract()?;
    Ok(Some(ApplicationException::new(kind, message.unwrap_or_default())))
}

/// What is answered when a request's time was over before its handler could run.
#[cold]
pub(crate) fn too_late() -> ApplicationException {
    ApplicationException::new(ApplicationExceptionKind::TIMEOUT, "the deadline passed before the call was carried out")
}
