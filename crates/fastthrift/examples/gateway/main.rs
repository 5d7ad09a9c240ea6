//! A gateway from JSON over HTTP to Thrift: `gateway IDL SERVICE URL [ADDRESS]`. `POST /function` with the arguments as a JSON object
//! is answered by the result as JSON. Prints its address, and ends when standard input does.

mod http;

use std::error::Error;
use std::io;
use std::time::Duration;

use fastthrift::dynamic::{Client, Error as Failure, Exception, Idl, JsonStyle, Struct, fields};
use fastthrift::{Channel, Limits};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// How long a request may take to come, and its answer to go.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [idl, service, url, rest @ ..] = arguments.as_slice() else {
        return Err("usage: gateway IDL SERVICE URL [ADDRESS]".into());
    };
    let service = Idl::load(idl)?.service(service)?;
    let channel = Channel::builder(url).timeout(Duration::from_secs(10)).lazy()?;
    let problems: Idl = "struct Problem { 1: string error }".parse()?;
    let gateway = Gateway { client: Client::new(channel, service), problem: problems.structure("Problem")? };
    let listener = TcpListener::bind(rest.first().map_or("127.0.0.1:8080", String::as_str)).await?;
    println!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // There may be too many connections: some of them end.
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let gateway = gateway.clone();
            tokio::spawn(async move { timeout(PATIENCE, gateway.serve(stream)).await });
        }
    });
    spawn_blocking(|| io::read_to_string(io::stdin())).await??;
    Ok(())
}

#[derive(Clone)]
struct Gateway {
    client: Client,
    problem: Struct,
}

impl Gateway {
    /// Answers the one request of a connection.
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let (status, body) = match http::read(&mut stream).await? {
            Ok(request) => self.answer(request.path.trim_start_matches('/'), &request.body).await,
            Err(problem) => (400, self.error(problem)),
        };
        http::write(&mut stream, status, &body).await
    }

    /// The status and the JSON text that answer a call.
    async fn answer(&self, function: &str, arguments: &str) -> (u16, String) {
        let function = match self.client.service().function(function) {
            Ok(function) => function,
            Err(unknown) => return (404, self.error(unknown)),
        };
        let arguments = match function.arguments_from_json(arguments, Limits::DEFAULT) {
            Ok(arguments) => arguments,
            Err(wrong) => return (400, self.error(wrong)),
        };
        match self.client.call_function(function, &arguments).await {
            Ok(value) => match function.result_to_json(&value, JsonStyle::READABLE) {
                Ok(json) => (200, json),
                Err(wrong) => (502, self.error(wrong)),
            },
            Err(Failure::Exception(exception)) => (422, declared(&exception)),
            Err(wrong @ Failure::Arguments { .. }) => (400, self.error(wrong)),
            Err(failure) => (502, self.error(failure)),
        }
    }

    /// What went wrong, as JSON.
    fn error(&self, problem: impl std::fmt::Display) -> String {
        let fields = fields! { error: problem.to_string() };
        self.problem.to_json(&fields, JsonStyle::READABLE).unwrap_or_default()
    }
}

/// An exception by its name, as JSON.
fn declared(exception: &Exception) -> String {
    let ty = exception.value().ty();
    let json = ty.and_then(|ty| ty.to_json(exception.value(), JsonStyle::READABLE).ok());
    format!(r#"{{"{}":{}}}"#, exception.name(), json.unwrap_or_else(|| "null".to_owned()))
}
