//! Any order of commands, bytes and time against a model of what each call may get: its own reply, or its own end,
//! once.

use std::collections::HashMap;
use std::time::Duration;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, MessageHeader, MessageType, Protocol};
use fastthrift_rpc::{
    CallError, CallId, CallKind, ClientConfig, ClientConnection, Dialect, Framing, Request, ServerConfig,
    ServerConnection, Transform,
};
use fastthrift_testing::conversation::{DIALECTS, Outcome, owned, wire};
use proptest::prelude::*;
use proptest::sample::Index;

const FUNCTIONS: [&str; 3] = ["ping", "echo", "add"];

#[derive(Debug, Clone)]
enum Action {
    Call {
        function: usize,
        timeout: Option<u8>,
    },
    Oneway {
        function: usize,
    },
    AbandonedWrite {
        function: usize,
    },
    Cancel(Index),
    Pass(u8),
    CarryToServer(u8),
    CarryToClient(u8),
    Answer {
        request: Index,
        with: Answer,
    },
    /// The server's side sends a reply, with its own text, to any call there ever was.
    Forge {
        call: Index,
        function: Option<usize>,
    },
    Garbage(Vec<u8>),
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Echo,
    Exception,
    Nothing,
}

fn honest() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0..3_usize, proptest::option::of(1..20_u8))
            .prop_map(|(function, timeout)| Action::Call { function, timeout }),
        1 => (0..3_usize).prop_map(|function| Action::Oneway { function }),
        1 => (0..3_usize).prop_map(|function| Action::AbandonedWrite { function }),
        1 => any::<Index>().prop_map(Action::Cancel),
        2 => (0..10_u8).prop_map(Action::Pass),
        6 => (0..200_u8).prop_map(Action::CarryToServer),
        6 => (0..200_u8).prop_map(Action::CarryToClient),
        6 => (any::<Index>(), answer()).prop_map(|(request, with)| Action::Answer { request, with }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![6 => Just(Answer::Echo), 1 => Just(Answer::Exception), 1 => Just(Answer::Nothing)]
}

fn hostile() -> impl Strategy<Value = Action> {
    prop_oneof![
        20 => honest(),
        2 => (any::<Index>(), proptest::option::of(0..3_usize))
            .prop_map(|(call, function)| Action::Forge { call, function }),
        1 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Action::Garbage),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Answered,
    TimedOut,
    Cancelled,
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    function: usize,
    deadline: Option<Duration>,
    state: State,
}

struct World {
    dialect: Dialect,
    client: ClientConnection,
    server: ServerConnection,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    now: Duration,
    /// The calls in the order they were made; the text of each is its number.
    made: Vec<CallId>,
    calls: HashMap<CallId, Call>,
    open: Vec<Request>,
    /// Texts of open requests.
    texts: HashMap<u64, Vec<u8>>,
    /// Whether only the two connections ever sent anything.
    honest: bool,
    /// Whether bytes that are no message were sent, which may look like anything.
    garbled: bool,
}

impl World {
    fn new(dialect: Dialect, transforms: &[Transform], first_sequence_id: i32) -> Self {
        let Dialect { protocol, framing } = dialect;
        let transforms = transforms.to_vec();
        let client = ClientConfig { protocol, framing, transforms, first_sequence_id, ..ClientConfig::default() };
        let server = ServerConfig { max_open: 4, ..ServerConfig::default() };
        Self {
            dialect,
            client: ClientConnection::new(client),
            server: ServerConnection::new(server),
            to_server: Vec::new(),
            to_client: Vec::new(),
            now: Duration::ZERO,
            made: Vec::new(),
            calls: HashMap::new(),
            open: Vec::new(),
            texts: HashMap::new(),
            honest: true,
            garbled: false,
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Call { function, timeout } => self.call(function, timeout),
            Action::Oneway { function } => {
                if let Err(error) = self.try_oneway(function) {
                    self.refused(&error);
                }
            }
            Action::AbandonedWrite { function } => {
                if let Ok(mut writer) = self.client.begin_call(FUNCTIONS[function], CallKind::Call, None) {
                    writer.buffer().extend_from_slice(b"a part of the arguments");
                }
            }
            Action::Cancel(index) => self.cancel(index),
            Action::Pass(seconds) => self.now += Duration::from_secs(seconds.into()),
            Action::CarryToServer(count) => self.carry_to_server(count.into()),
            Action::CarryToClient(count) => self.carry_to_client(count.into()),
            Action::Answer { request, with } => self.answer(request, with),
            Action::Forge { call, function } => self.forge(call, function),
            Action::Garbage(bytes) => {
                (self.honest, self.garbled) = (false, true);
                self.collect();
                self.to_client.extend(bytes);
            }
        }
        self.listen();
    }

    fn call(&mut self, function: usize, timeout: Option<u8>) {
        let deadline = timeout.map(|timeout| self.now + Duration::from_secs(timeout.into()));
        match self.try_call(function, deadline) {
            Ok(call) => {
                self.made.push(call);
                let known = self.calls.insert(call, Call { function, deadline, state: State::Waiting });
                assert!(known.is_none(), "two calls have one id");
            }
            Err(error) => self.refused(&error),
        }
    }

    fn try_call(&mut self, function: usize, deadline: Option<Duration>) -> Result<CallId, CallError> {
        let text = self.made.len().to_string();
        let mut writer = self.client.begin_call(FUNCTIONS[function], CallKind::Call, deadline)?;
        writer.buffer().extend(wire::body(self.dialect.protocol, &text));
        writer.finish()
    }

    fn try_oneway(&mut self, function: usize) -> Result<CallId, CallError> {
        let mut writer = self.client.begin_call(FUNCTIONS[function], CallKind::Oneway, None)?;
        writer.buffer().extend(wire::body(self.dialect.protocol, "oneway"));
        writer.finish()
    }

    fn refused(&self, error: &CallError) {
        assert!(matches!(error, CallError::Connection(_)) && self.client.is_failed(), "{error}");
    }

    fn cancel(&mut self, index: Index) {
        if self.made.is_empty() {
            return;
        }
        let call = *index.get(&self.made);
        let state = &mut self.calls.get_mut(&call).expect("every call is known").state;
        assert_eq!(self.client.cancel(call), *state == State::Waiting);
        if *state == State::Waiting {
            *state = State::Cancelled;
        }
    }

    fn collect(&mut self) {
        self.to_server.extend_from_slice(self.client.outbound());
        self.client.advance_outbound(self.client.outbound().len());
        self.to_client.extend_from_slice(self.server.outbound());
        self.server.advance_outbound(self.server.outbound().len());
    }

    fn carry_to_server(&mut self, count: usize) {
        self.collect();
        let count = count.min(self.to_server.len());
        self.server.receive(&self.to_server[..count]);
        self.to_server.drain(..count);
        self.take_requests();
    }

    fn take_requests(&mut self) {
        while let Some(request) = self.server.poll_event().expect("the client is honest") {
            let body = self.server.bytes(request.body).to_vec();
            self.texts.insert(request.id.to_number(), body);
            self.open.push(request);
        }
    }

    fn carry_to_client(&mut self, count: usize) {
        self.collect();
        let count = count.min(self.to_client.len());
        self.client.receive(&self.to_client[..count]);
        self.to_client.drain(..count);
    }

    fn answer(&mut self, index: Index, with: Answer) {
        if self.open.is_empty() {
            return;
        }
        let request = self.open.remove(index.index(self.open.len()));
        let body = self.texts.remove(&request.id.to_number()).expect("the text was kept");
        match (request.kind, with) {
            (CallKind::Oneway, _) => self.server.finish_oneway(request.id).expect("the request is open"),
            (CallKind::Call, Answer::Exception) => {
                let text = wire::text(self.dialect.protocol, &body).expect("the body is a struct").0;
                let exception = ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, text);
                self.server.reply_exception(request.id, &exception).expect("the request is open");
            }
            // A server that never answers keeps the request open; here it forgets it after too few to matter.
            (CallKind::Call, Answer::Nothing) if self.server.open_requests() < 3 => {}
            (CallKind::Call, _) => {
                owned::reply(&mut self.server, request.id, &body).expect("the request is open");
            }
        }
        self.take_requests();
    }

    fn forge(&mut self, index: Index, function: Option<usize>) {
        if self.made.is_empty() {
            return;
        }
        self.honest = false;
        let number = index.index(self.made.len());
        let call = self.made[number];
        let function = function.unwrap_or(self.calls[&call].function);
        let header = MessageHeader {
            name: FUNCTIONS[function].as_bytes(),
            message_type: MessageType::Reply,
            sequence_id: call.sequence_id(),
        };
        let body = wire::body(self.dialect.protocol, &number.to_string());
        self.collect();
        self.to_client.extend(wire::message(self.dialect, &header, &body));
    }

    /// Takes all that the client has to say and compares it with the model.
    fn listen(&mut self) {
        loop {
            match self.client.poll_event(self.now) {
                Ok(Some(event)) => {
                    let outcome = owned::outcome(&self.client, event);
                    self.check(&outcome);
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(!self.honest, "the connection failed between honest peers: {error}");
                    self.fail();
                    break;
                }
            }
        }
        let deadlines =
            self.calls.values().filter(|call| call.state == State::Waiting).filter_map(|call| call.deadline);
        assert_eq!(self.client.next_deadline(), deadlines.min());
        let waiting = self.calls.values().filter(|call| call.state == State::Waiting).count();
        assert_eq!(self.client.waiting(), waiting);
    }

    fn check(&mut self, outcome: &Outcome) {
        let (call, text, state) = match outcome {
            Outcome::Reply { call, body, .. } => {
                let text = wire::text(self.dialect.protocol, body).ok().map(|(text, _)| text);
                (call, text, State::Answered)
            }
            Outcome::Exception { call, exception } => (call, Some(exception.message.clone()), State::Answered),
            Outcome::TimedOut { call } => (call, None, State::TimedOut),
        };
        let number = self.made.iter().position(|made| made == call).expect("only calls that were made get events");
        let call = self.calls.get_mut(call).expect("every call is known");
        assert_eq!(call.state, State::Waiting, "a call got an event after its end");
        call.state = state;
        match state {
            State::TimedOut => assert!(call.deadline.is_some_and(|deadline| deadline <= self.now)),
            _ if self.garbled => {}
            _ => assert_eq!(text, Some(number.to_string()), "a call got another call's reply"),
        }
    }

    fn fail(&mut self) {
        let mut failed = self.client.drain_failed();
        failed.sort();
        let mut waiting: Vec<_> =
            self.calls.iter().filter(|(_, call)| call.state == State::Waiting).map(|(id, _)| *id).collect();
        waiting.sort();
        assert_eq!(failed, waiting);
        for call in failed {
            self.calls.get_mut(&call).expect("every call is known").state = State::Failed;
        }
    }

    /// Lets everything arrive and every request be answered.
    fn settle(&mut self) {
        loop {
            self.collect();
            if self.to_server.is_empty() && self.to_client.is_empty() && self.open.is_empty() {
                break;
            }
            self.carry_to_server(usize::MAX);
            while let Some(request) = self.open.pop() {
                let body = self.texts.remove(&request.id.to_number()).expect("the text was kept");
                match request.kind {
                    CallKind::Call => {
                        owned::reply(&mut self.server, request.id, &body).expect("the request is open");
                    }
                    CallKind::Oneway => self.server.finish_oneway(request.id).expect("the request is open"),
                }
            }
            self.take_requests();
            self.carry_to_client(usize::MAX);
            self.listen();
        }
        self.client.receive_eof();
        self.honest = false;
        self.listen();
        assert!(self.calls.values().all(|call| call.state != State::Waiting), "a call never ended");
    }
}

/// The ways to speak that differ in what a connection does.
const WAYS: [(Dialect, &[Transform]); 7] = [
    (DIALECTS[0], &[]),
    (DIALECTS[1], &[]),
    (DIALECTS[2], &[]),
    (DIALECTS[3], &[]),
    (HEADER, &[]),
    (HEADER, &[Transform::Zlib]),
    (HEADER, &[Transform::Zstd, Transform::Zlib]),
];
const HEADER: Dialect = Dialect { protocol: Protocol::Compact, framing: Framing::Header };

fn run(way: usize, first_sequence_id: i32, actions: Vec<Action>) {
    let (dialect, transforms) = WAYS[way];
    let mut world = World::new(dialect, transforms, first_sequence_id);
    for action in actions {
        world.act(action);
    }
    world.settle();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn honest_peers_give_each_call_its_own_end(
        way in 0..WAYS.len(),
        first in prop_oneof![Just(1), Just(-3), Just(i32::MAX - 2)],
        actions in proptest::collection::vec(honest(), 0..80),
    ) {
        run(way, first, actions);
    }

    #[test]
    fn no_peer_gives_a_call_the_reply_of_another(
        way in 0..WAYS.len(),
        first in prop_oneof![Just(1), Just(-3), Just(i32::MAX - 2)],
        actions in proptest::collection::vec(hostile(), 0..80),
    ) {
        run(way, first, actions);
    }
}
