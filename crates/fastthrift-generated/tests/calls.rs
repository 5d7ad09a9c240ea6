//! Generated clients call generated servers.

mod handler;

use std::collections::BTreeMap;

use fastthrift::{CallErrorKind, Channel, Server, VecSet, blocking};
use fastthrift_generated::cases::calls::{
    AddError, BlockingCalculatorClient, CalculatorClient, CalculatorServer, CheckError, Level, Number, Point, Refused,
    Ticket,
};
use handler::Handler;

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
