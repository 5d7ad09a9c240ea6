//! Serves with Apache's Rust crate, and prints where.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use conformance_rust::conformance::{
    Choice, Colour, ConformanceSyncHandler, ConformanceSyncProcessor, Defaults, Everything, Inner, Refused, TooLate,
    Tree,
};
use conformance_rust::{Arguments, MULTIPLEXED_NAME, Outcome};
use thrift::OrderedFloat;
use thrift::protocol::{
    TBinaryInputProtocolFactory, TBinaryOutputProtocolFactory, TCompactInputProtocolFactory,
    TCompactOutputProtocolFactory, TInputProtocolFactory, TOutputProtocolFactory,
};
use thrift::server::{TMultiplexedProcessor, TServer};
use thrift::transport::{
    TBufferedReadTransportFactory, TBufferedWriteTransportFactory, TFramedReadTransportFactory,
    TFramedWriteTransportFactory, TReadTransportFactory, TWriteTransportFactory,
};

/// How many connections are served at once.
const WORKERS: usize = 16;

#[derive(Default)]
struct Handler {
    notes: Mutex<BTreeSet<String>>,
}

/// Functions that return what they are given.
macro_rules! echoes {
    ($($name:ident: $type:ty,)*) => {
        $(fn $name(&self, value: $type) -> thrift::Result<$type> {
            Ok(value)
        })*
    };
}

impl ConformanceSyncHandler for Handler {
    echoes! {
        handle_echo_bool: bool,
        handle_echo_i8: i8,
        handle_echo_i16: i16,
        handle_echo_i32: i32,
        handle_echo_i64: i64,
        handle_echo_double: OrderedFloat<f64>,
        handle_echo_string: String,
        handle_echo_binary: Vec<u8>,
        handle_echo_colour: Colour,
        handle_echo_list: Vec<i32>,
        handle_echo_set: BTreeSet<String>,
        handle_echo_map: BTreeMap<String, i64>,
        handle_echo_flags: Vec<bool>,
        handle_echo_lists: BTreeMap<String, Vec<i32>>,
        handle_echo_inner: Inner,
        handle_echo_choice: Choice,
        handle_echo_everything: Everything,
        handle_echo_tree: Tree,
    }

    fn handle_nothing(&self) -> thrift::Result<()> {
        Ok(())
    }

    fn handle_defaults(&self) -> thrift::Result<Defaults> {
        Ok(Defaults::default())
    }

    fn handle_several(&self, a: i32, b: i32, c: i32) -> thrift::Result<i32> {
        Ok(a - b * c)
    }

    fn handle_check(&self, code: i32) -> thrift::Result<i32> {
        if code > 100 {
            return Err(TooLate::new(i64::from(code)).into());
        }
        self.handle_check_nothing(code)?;
        Ok(code)
    }

    fn handle_check_nothing(&self, code: i32) -> thrift::Result<()> {
        if code < 0 { Err(Refused::new("below zero".to_owned(), code).into()) } else { Ok(()) }
    }

    fn handle_crash(&self) -> thrift::Result<()> {
        Err("what only the server may know".into())
    }

    fn handle_note(&self, text: String) -> thrift::Result<()> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(text);
        Ok(())
    }

    fn handle_was_noted(&self, text: String) -> thrift::Result<bool> {
        Ok(self.notes.lock().unwrap_or_else(PoisonError::into_inner).contains(&text))
    }
}

/// Announces a server once it listens: the crate neither says when it does nor which port it was given.
fn announce(url: String, listens: impl Fn() -> bool + Send + 'static) {
    thread::spawn(move || {
        while !listens() {
            thread::sleep(Duration::from_millis(2));
        }
        println!("listening {url}");
    });
}

fn serve<R, I, W, O>(asked: &Arguments, reads: R, input: I, writes: W, output: O) -> Outcome
where
    R: TReadTransportFactory + 'static,
    I: TInputProtocolFactory + 'static,
    W: TWriteTransportFactory + 'static,
    O: TOutputProtocolFactory + 'static,
{
    let mut processor = TMultiplexedProcessor::new();
    let service = || Box::new(ConformanceSyncProcessor::new(Handler::default()));
    processor.register(MULTIPLEXED_NAME, service(), true)?;
    let mut server = TServer::new(reads, input, writes, output, processor, WORKERS);
    let (scheme, address) = asked.endpoint()?;
    if scheme == "unix" {
        let path = address.to_owned();
        announce(asked.get("url")?.to_owned(), move || Path::new(&path).exists());
        return Ok(server.listen_uds(address)?);
    }
    let address = TcpListener::bind(address)?.local_addr()?;
    announce(format!("{scheme}://{address}"), move || TcpStream::connect(address).is_ok());
    Ok(match scheme {
        "tls" => server.listen_tls(address, asked.identity()?)?,
        _ => server.listen(address)?,
    })
}

fn main() -> Outcome {
    let asked = Arguments::parse()?;
    let binary = || (TBinaryInputProtocolFactory::new(), TBinaryOutputProtocolFactory::new());
    let compact = || (TCompactInputProtocolFactory::new(), TCompactOutputProtocolFactory::new());
    let framed = || (TFramedReadTransportFactory::new(), TFramedWriteTransportFactory::new());
    let buffered = || (TBufferedReadTransportFactory::new(), TBufferedWriteTransportFactory::new());
    macro_rules! serve {
        ($transports:expr, $protocols:expr) => {{
            let ((reads, writes), (input, output)) = ($transports, $protocols);
            serve(&asked, reads, input, writes, output)
        }};
    }
    match (asked.is_framed(), asked.is_compact()) {
        (true, true) => serve!(framed(), compact()),
        (true, false) => serve!(framed(), binary()),
        (false, true) => serve!(buffered(), compact()),
        (false, false) => serve!(buffered(), binary()),
    }
}
