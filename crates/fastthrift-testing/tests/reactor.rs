//! The server's reactor over real sockets. Its crate is a Python extension and has no test program of its own: the same files are built
//! here, none of which names Python.

#![allow(missing_docs, reason = "the files' items are not public where they belong")]
#![allow(dead_code, unreachable_pub, clippy::pedantic, reason = "the files' own crate is checked with all lints")]

#[path = "../../fastthrift-python/src/server/budget.rs"]
mod budget;
#[path = "../../fastthrift-python/src/server/connection.rs"]
mod connection;
#[path = "../../fastthrift-python/src/endpoint.rs"]
mod endpoint;
#[path = "../../fastthrift-python/src/server/entrances.rs"]
mod entrances;
#[path = "../../fastthrift-python/src/server/heir.rs"]
mod heir;
#[cfg(unix)]
#[path = "../../fastthrift-python/src/server/inherited.rs"]
mod inherited;
#[path = "../../fastthrift-python/src/server/listener.rs"]
mod listener;
#[cfg(unix)]
#[path = "../../fastthrift-python/src/memory.rs"]
mod memory;
#[path = "../../fastthrift-python/src/server/patience.rs"]
mod patience;
#[path = "../../fastthrift-python/src/server/reactor.rs"]
mod reactor;
#[path = "../../fastthrift-python/src/server/slots.rs"]
mod slots;
#[cfg(unix)]
#[path = "../../fastthrift-python/src/server/socket_file.rs"]
mod socket_file;
#[path = "../../fastthrift-python/src/server/stream.rs"]
mod stream;
#[path = "../../fastthrift-python/src/server/tls_stream.rs"]
mod tls_stream;

/// What the files here need of others that do name Python, or are unsafe.
mod process {
    pub(crate) fn id() -> u32 {
        std::process::id()
    }
}

mod sasl {
    #[derive(Default)]
    pub(crate) struct Introduction(());
}

mod tls {
    pub(crate) use fastthrift_tls::{ServerSecurity, TlsSession};
}

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use connection::{Connection, Next, Timeouts};
use endpoint::{Address, Endpoint};
use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use fastthrift_rpc::ServerConfig;
use heir::Heir;
use listener::Listener;
use mio::Waker;
use reactor::{Draining, Reactor, Settings};
use stream::Stream;

/// Longer than anything on the loopback takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// A framed, strict, Binary call of `f` with no arguments.
const CALL: &[u8] = b"\0\0\0\x0e\x80\x01\0\x01\0\0\0\x01f\0\0\0\x07\0";

struct Fixture {
    reactor: Reactor,
    waker: Waker,
    port: u16,
}

impl Fixture {
    fn new(max_connections: usize, idle: Option<Duration>) -> Self {
        let endpoint = Endpoint::parse("tcp://127.0.0.1:0").expect("the URL can be read");
        let listeners = Listener::bind((0, &endpoint), &ServerConfig::default(), None).expect("there is a free port");
        let Address::Tcp { port, .. } = listeners[0].endpoint().address else { panic!("it listens on a port") };
        let timeouts = Timeouts { message: None, idle };
        let settings = Settings { timeouts, max_connections, max_memory: None };
        let (reactor, waker) = Reactor::new(listeners, settings).expect("the system has a poller");
        Self { reactor, waker, port }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the listener is there");
        stream.set_read_timeout(Some(PATIENCE)).expect("a positive time is taken");
        stream
    }

    /// The next connection that is to have a turn; `None` when there is none for this long.
    fn turn_within(&mut self, patience: Duration) -> Option<(usize, Box<Connection>)> {
        let end = Instant::now() + patience;
        loop {
            if let Some(turn) = self.reactor.next_turn() {
                return Some(turn);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let wait = if self.reactor.has_ready() { Duration::ZERO } else { left };
            self.reactor.poll(Some(wait.min(self.reactor.patience().unwrap_or(wait))));
        }
    }

    fn turn(&mut self) -> (usize, Box<Connection>) {
        self.turn_within(PATIENCE).expect("a connection is ready")
    }
}

/// Receives, and counts the requests that came; each is closed without an answer.
fn receive(connection: &mut Connection) -> usize {
    connection.fill().expect("the client is there");
    let mut count = 0;
    while let Some(request) = connection.rpc.poll_event().expect("what came is sound") {
        connection.rpc.finish_unanswered(request.id).expect("the request is open");
        connection.has_served();
        count += 1;
    }
    count
}

/// Takes what the reactor of another process gave.
fn inherit(legacy: &UnixStream) -> (u8, OwnedFd) {
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut passed = RecvAncillaryBuffer::new(&mut space);
    let mut place = [0];
    let buffers = &mut [std::io::IoSliceMut::new(&mut place)];
    assert_eq!(recvmsg(legacy, buffers, &mut passed, RecvFlags::empty()).expect("it was given").bytes, 1);
    let Some(RecvAncillaryMessage::ScmRights(mut descriptors)) = passed.drain().next() else { panic!("one came") };
    (place[0], descriptors.next().expect("one came"))
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn what_comes_while_a_thread_has_the_connection_gives_it_another_turn() {
    let mut fixture = Fixture::new(10, None);
    let mut client = fixture.connect();
    client.write_all(CALL).unwrap();
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 1);
    // The poller tells of these bytes once, and not again.
    client.write_all(CALL).unwrap();
    assert!(fixture.turn_within(Duration::from_millis(100)).is_none());
    fixture.reactor.check_in(index, connection, Next::Wait);
    let (_, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 1);
}

#[test]
fn a_connection_that_has_more_to_do_waits_for_the_others_and_comes_again() {
    let mut fixture = Fixture::new(10, None);
    let mut clients = [fixture.connect(), fixture.connect()];
    clients.iter_mut().for_each(|client| client.write_all(CALL).unwrap());
    let (first, connection) = fixture.turn();
    fixture.reactor.check_in(first, connection, Next::Again);
    assert!(fixture.reactor.has_ready());
    let (second, connection) = fixture.turn();
    assert_ne!(first, second);
    fixture.reactor.check_in(second, connection, Next::Wait);
    assert_eq!(fixture.turn().0, first);
}

/// Receives one request of [`CALL`] and writes a reply with so many bytes of text, but does not send it.
fn answer(connection: &mut Connection, length: usize) {
    let request = connection.next_request().expect("what came is sound").expect("a request was received");
    let failure = ApplicationException::new(ApplicationExceptionKind::UNKNOWN, "x".repeat(length));
    connection.rpc.reply_exception(request.id, &failure).expect("the request is open");
}

fn has_come(client: &TcpStream) -> bool {
    client.set_nonblocking(true).expect("a socket can do without waiting");
    let came = client.peek(&mut [0]).is_ok();
    client.set_nonblocking(false).expect("a socket can wait");
    came
}

#[test]
fn replies_are_sent_when_all_that_were_ready_together_are_served() {
    let mut fixture = Fixture::new(10, None);
    let mut clients = [fixture.connect(), fixture.connect()];
    clients.iter_mut().for_each(|client| client.write_all(CALL).unwrap());
    // The time that replies may be held back is short, so a machine that is busy may need several attempts.
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(1));
        let mut turns = 0;
        let mut were_held_back = true;
        while let Some((index, mut connection)) = fixture.turn_within(Duration::from_millis(20)) {
            were_held_back &= !clients.iter().any(has_come);
            answer(&mut connection, 10);
            fixture.reactor.hold_back(index, connection, false);
            turns += 1;
        }
        assert!(clients.iter_mut().all(|client| client.read(&mut [0; 100]).expect("the reply came") > 10));
        if turns == 2 && were_held_back {
            return;
        }
        clients.iter_mut().for_each(|client| client.write_all(CALL).unwrap());
    }
    panic!("no reply was ever held back");
}

#[test]
fn a_long_reply_is_sent_at_once() {
    let mut fixture = Fixture::new(10, None);
    let mut client = fixture.connect();
    client.write_all(CALL).unwrap();
    let (index, mut connection) = fixture.turn();
    answer(&mut connection, 20 << 10);
    fixture.reactor.hold_back(index, connection, false);
    assert!(client.read(&mut [0; 100]).expect("the reply came") > 10);
}

#[test]
fn the_waker_ends_a_wait_from_any_thread() {
    let Fixture { mut reactor, waker, .. } = Fixture::new(10, None);
    assert_eq!(reactor.patience(), None);
    std::thread::scope(|scope| {
        scope.spawn(|| waker.wake().unwrap());
        assert!(reactor.poll(Some(PATIENCE)));
    });
    // A wake between two waits ends the second.
    waker.wake().unwrap();
    assert!(reactor.poll(Some(PATIENCE)));
}

#[test]
fn more_connections_than_allowed_are_accepted_when_one_closes() {
    let mut fixture = Fixture::new(1, None);
    let (mut first, mut second) = (fixture.connect(), fixture.connect());
    first.write_all(CALL).unwrap();
    let (index, connection) = fixture.turn();
    second.write_all(CALL).unwrap();
    assert!(fixture.turn_within(Duration::from_millis(100)).is_none());
    fixture.reactor.check_in(index, connection, Next::Close);
    assert!(is_closed(&mut first));
    let (_, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 1);
}

#[test]
fn the_time_that_a_thread_has_a_connection_is_not_its_peers_silence() {
    let idle = Duration::from_millis(300);
    let mut fixture = Fixture::new(10, Some(idle));
    let mut client = fixture.connect();
    client.write_all(CALL).unwrap();
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 1);
    // A handler that is slow while no other thread is free to poll.
    std::thread::sleep(idle * 2);
    fixture.reactor.check_in(index, connection, Next::Wait);
    assert!(fixture.turn_within(idle / 3).is_none());
    client.write_all(CALL).unwrap();
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 1);
    fixture.reactor.check_in(index, connection, Next::Wait);
    assert!(fixture.turn_within(idle * 3).is_none());
    assert!(is_closed(&mut client));
}

#[test]
fn draining_waits_for_what_a_thread_has_and_closes_what_is_quiet() {
    let mut fixture = Fixture::new(10, None);
    let (mut busy, mut quiet) = (fixture.connect(), fixture.connect());
    busy.write_all(CALL).unwrap();
    let (index, mut connection) = fixture.turn();
    fixture.reactor.start_draining(Draining { end: None, calm: Duration::ZERO }, None);
    let (other, mut idle) = fixture.turn();
    assert_eq!(receive(&mut idle), 0);
    fixture.reactor.check_in(other, idle, Next::Wait);
    assert!(is_closed(&mut quiet));
    assert!(!fixture.reactor.is_done());
    assert_eq!(receive(&mut connection), 1);
    fixture.reactor.check_in(index, connection, Next::Wait);
    // What came while the thread had it counts as sent before the end.
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 0);
    fixture.reactor.check_in(index, connection, Next::Wait);
    assert!(fixture.reactor.is_done());
    assert!(is_closed(&mut busy));
}

#[test]
fn draining_ends_at_its_deadline_whatever_is_in_flight() {
    let mut fixture = Fixture::new(10, None);
    let mut client = fixture.connect();
    client.write_all(&CALL[..9]).unwrap();
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 0);
    fixture.reactor.check_in(index, connection, Next::Wait);
    let end = Some(Instant::now() + Duration::from_millis(50));
    fixture.reactor.start_draining(Draining { end, calm: Duration::ZERO }, None);
    while !fixture.reactor.is_done() {
        if let Some((index, mut connection)) = fixture.turn_within(Duration::from_millis(10)) {
            assert_eq!(receive(&mut connection), 0);
            fixture.reactor.check_in(index, connection, Next::Wait);
        }
    }
    drop(fixture);
    assert!(is_closed(&mut client));
}

#[test]
fn when_draining_calmly_a_busy_connection_ends_with_its_reply_and_a_quiet_one_after_a_while() {
    let mut fixture = Fixture::new(10, None);
    let (mut busy, mut quiet) = (fixture.connect(), fixture.connect());
    for client in [&mut busy, &mut quiet] {
        client.write_all(CALL).unwrap();
        let (index, mut connection) = fixture.turn();
        assert_eq!(receive(&mut connection), 1);
        fixture.reactor.check_in(index, connection, Next::Wait);
    }
    let start = Instant::now();
    fixture.reactor.start_draining(Draining { end: None, calm: Duration::from_millis(300) }, None);
    for _ in 0..2 {
        let (index, mut connection) = fixture.turn();
        assert_eq!(receive(&mut connection), 0);
        fixture.reactor.check_in(index, connection, Next::Wait);
    }
    assert!(!fixture.reactor.is_done());
    busy.write_all(CALL).unwrap();
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 1);
    fixture.reactor.check_in(index, connection, Next::Wait);
    assert!(is_closed(&mut busy));
    assert!(start.elapsed() < Duration::from_millis(300), "it was closed with its reply");
    while !fixture.reactor.is_done() {
        if let Some((index, mut connection)) = fixture.turn_within(Duration::from_millis(20)) {
            assert_eq!(receive(&mut connection), 0);
            fixture.reactor.check_in(index, connection, Next::Wait);
        }
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(is_closed(&mut quiet));
    assert!(start.elapsed() >= Duration::from_millis(290));
}

#[test]
fn draining_gives_a_connection_to_the_heir_between_two_calls_and_its_client_notices_nothing() {
    let (mut before, mut after) = (Fixture::new(10, None), Fixture::new(10, None));
    let mut client = before.connect();
    // The second call is half there when the server is to stop.
    client.write_all(&[CALL, &CALL[..9]].concat()).unwrap();
    let (index, mut connection) = before.turn();
    assert_eq!(receive(&mut connection), 1);
    before.reactor.check_in(index, connection, Next::Wait);
    let (ours, legacy) = UnixStream::pair().unwrap();
    let heir = Heir::new(ours.into()).unwrap();
    before.reactor.start_draining(Draining { end: None, calm: PATIENCE }, Some(heir));
    let (index, mut connection) = before.turn();
    assert_eq!(receive(&mut connection), 0);
    before.reactor.check_in(index, connection, Next::Wait);
    assert!(!before.reactor.is_done(), "it is in the middle of a call");
    client.write_all(&CALL[9..]).unwrap();
    let (index, mut connection) = before.turn();
    assert_eq!(receive(&mut connection), 1);
    client.write_all(CALL).unwrap();
    before.reactor.check_in(index, connection, Next::Wait);
    while !before.reactor.is_done() {
        let (index, mut connection) = before.turn();
        receive(&mut connection);
        before.reactor.check_in(index, connection, Next::Wait);
    }
    let (place, descriptor) = inherit(&legacy);
    drop(before);
    assert_eq!(place, 0);
    let endpoint = Endpoint::parse("tcp://127.0.0.1:0").unwrap();
    let stream = Stream::adopted(&endpoint, descriptor).unwrap();
    after.reactor.enter(Connection::new(stream, 0, ServerConfig::default(), Instant::now()));
    client.write_all(CALL).unwrap();
    let (index, mut connection) = after.turn();
    assert!(receive(&mut connection) > 0);
    after.reactor.check_in(index, connection, Next::Close);
    assert!(is_closed(&mut client));
}

#[test]
fn draining_closes_connections_that_the_heir_does_not_take() {
    let mut fixture = Fixture::new(10, None);
    let mut client = fixture.connect();
    client.write_all(CALL).unwrap();
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 1);
    fixture.reactor.check_in(index, connection, Next::Wait);
    let (ours, legacy) = UnixStream::pair().unwrap();
    drop(legacy);
    let heir = Heir::new(ours.into()).unwrap();
    fixture.reactor.start_draining(Draining { end: None, calm: Duration::ZERO }, Some(heir));
    let (index, mut connection) = fixture.turn();
    assert_eq!(receive(&mut connection), 0);
    fixture.reactor.check_in(index, connection, Next::Wait);
    assert!(fixture.reactor.is_done());
    assert!(is_closed(&mut client));
}
