//! Generated clients call generated servers.

use std::collections::BTreeMap;

use fastthrift::{CallError, CallErrorKind, Channel, Server, VecSet, blocking};
use fastthrift_generated::cases::calls::{
    AddError, Base, BlockingCalculatorClient, Calculator, CalculatorClient, CalculatorServer, CheckError, Level,
    Number, Overflow, Point, Refused, Ticket,
};

struct Handler;

fn overflow(message: &str) -> Overflow {
    Overflow { message: message.to_owned(), limit: 1 }
}

impl Base for Handler {
    async fn ping(&self) -> Result<(), CallError> {
        Ok(())
    }
}

impl Calculator for Handler {
    async fn add(&self, a: i32, b: i32) -> Result<i32, AddError> {
        a.checked_add(b).ok_or_else(|| overflow("too large").into())
    }

    async fn greet(&self, name: String) -> Result<String, CallError> {
        if name.is_empty() { Err(CallError::internal("nobody")) } else { Ok(format!("Hello, {name}!")) }
    }

    async fn check(&self, point: Point, number: Number, strict: bool) -> Result<(), CheckError> {
        match (point.x, number) {
            (0, _) => Err(overflow("first").into()),
            (1, Number::Whole(code)) => Err(Refused { code }.into()),
            (2, Number::Real(_)) => Err(CheckError::Third(overflow("third"))),
            _ if strict => Err(CallError::internal("strict").into()),
            _ => Ok(()),
        }
    }

    async fn log(&self, _: String, _: Level) -> Result<(), CallError> {
        Ok(())
    }

    async fn points(
        &self,
        mut points: Vec<Point>,
        named: BTreeMap<String, Point>,
        ids: VecSet<i32>,
        data: Vec<u8>,
        ticket: Ticket,
        id: [u8; 16],
    ) -> Result<Vec<Point>, CallError> {
        points.extend(named.into_values());
        let sizes = [ids.len(), data.len(), usize::from(id[15])].map(|size| i32::try_from(size).unwrap());
        points.push(Point { x: sizes.iter().sum(), y: i32::try_from(ticket.0).unwrap() });
        Ok(points)
    }

    async fn self_(&self, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> Result<Number, CallError> {
        Ok(Number::Whole([a, b, c, d, e, f].iter().fold(0, |all, one| all * 10 + one)))
    }

    async fn sum(
        &self,
        a: i64,
        b: i64,
        c: i64,
        d: i64,
        e: i64,
        f: i64,
        g: i64,
        h: i64,
        i: i64,
        j: i64,
        k: i64,
        l: i64,
        m: i64,
        n: i64,
    ) -> Result<i64, CallError> {
        Ok([a, b, c, d, e, f, g, h, i, j, k, l, m, n].iter().zip(1..).map(|(value, weight)| value * weight).sum())
    }
}

/// A client of a server that lives as long as the runtime.
async fn client() -> CalculatorClient {
    let server = Server::builder(CalculatorServer::new(Handler)).bind("tcp://127.0.0.1:0").await.unwrap();
    let url = server.url();
    tokio::spawn(server.serve());
    CalculatorClient::new(Channel::connect(&url).await.unwrap())
}

#[tokio::test]
async fn values_and_declared_exceptions_come_back() {
    let client = client().await;
    client.ping().await.unwrap();
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    let error = client.add(i32::MAX, 1).await.unwrap_err();
    assert!(matches!(&error, AddError::Overflow(overflow) if overflow.message == "too large"), "{error}");
    assert_eq!(client.greet("Ada").await.unwrap(), "Hello, Ada!");
    let error = client.greet("").await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Application(_)), "{error}");
}

#[tokio::test]
async fn each_declared_exception_is_told_apart() {
    let client = client().await;
    let check = async |x: i32, number: Number, strict: bool| client.check(&Point { x, y: 0 }, &number, strict).await;
    assert!(matches!(check(0, Number::Whole(1), false).await, Err(CheckError::Overflow(_))));
    assert!(matches!(check(1, Number::Whole(7), false).await, Err(CheckError::Refused(Refused { code: 7 }))));
    assert!(matches!(check(2, Number::Real(0.5), false).await, Err(CheckError::Third(_))));
    assert!(matches!(check(3, Number::Real(0.5), true).await, Err(CheckError::Call(_))));
    assert!(check(3, Number::Real(0.5), false).await.is_ok());
}

#[tokio::test]
async fn a_client_that_blocks_calls_as_one_that_is_awaited_does() {
    let server = Server::builder(CalculatorServer::new(Handler)).bind("tcp://127.0.0.1:0").await.unwrap();
    let url = server.url();
    tokio::spawn(server.serve());
    let called = tokio::task::spawn_blocking(move || {
        let client = BlockingCalculatorClient::new(blocking::Channel::connect(&url).unwrap());
        client.ping().unwrap();
        assert_eq!(client.add(2, 3).unwrap(), 5);
        let error = client.add(i32::MAX, 1).unwrap_err();
        assert!(matches!(&error, AddError::Overflow(overflow) if overflow.message == "too large"), "{error}");
        let point = Point { x: 2, y: 0 };
        assert!(matches!(client.check(&point, &Number::Real(0.5), false), Err(CheckError::Third(_))));
        let error = client.greet("").unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Application(_)), "{error}");
        client.log("a line", Level::HIGH).unwrap();
        assert_eq!(client.self_(1, 2, 3, 4, 5, 6).unwrap(), Number::Whole(123_456));
        assert_eq!(client.sum(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1).unwrap(), 1 + 12 + 13 + 14);
    });
    called.await.unwrap();
}

#[tokio::test]
async fn arguments_of_every_kind_arrive() {
    let client = client().await;
    client.log("a line", Level::HIGH).await.unwrap();
    let point = Point { x: 1, y: 2 };
    let named = BTreeMap::from([("a".to_owned(), Point { x: 3, y: 4 })]);
    let ids = VecSet(vec![1, 2]);
    let points = client.points(&[point], &named, &ids, b"123", Ticket(9), [4; 16]).await.unwrap();
    assert_eq!(points, [Point { x: 1, y: 2 }, Point { x: 3, y: 4 }, Point { x: 9, y: 9 }]);
    assert_eq!(client.self_(1, 2, 3, 4, 5, 6).await.unwrap(), Number::Whole(123_456));
    assert_eq!(client.sum(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1).await.unwrap(), 1 + 12 + 13 + 14);
}
