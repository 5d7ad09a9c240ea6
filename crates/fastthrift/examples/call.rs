//! Calls any function of any server: `call IDL URL SERVICE.FUNCTION [ARGUMENTS [PROTOCOL]]`, the arguments as JSON. Prints the result
//! as JSON, or the exception, with exit code 1. Without a function it prints those that the service has.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use fastthrift::Limits;
use fastthrift::blocking::Channel;
use fastthrift::dynamic::{BlockingClient, Error as Failure, Exception, Idl, JsonStyle};

const STYLE: JsonStyle = JsonStyle { indent: Some(2), ..JsonStyle::READABLE };

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [idl, url, called, rest @ ..] = arguments.as_slice() else {
        return Err("usage: call IDL URL SERVICE[.FUNCTION] [ARGUMENTS [PROTOCOL]]".into());
    };
    let idl = Idl::load(idl)?;
    let Some((service, function)) = called.rsplit_once('.') else {
        for function in idl.service(called)?.functions() {
            println!("{function}");
        }
        return Ok(());
    };
    let service = idl.service(service)?;
    let function = service.function(function)?;
    let values = function.arguments_from_json(rest.first().map_or("{}", String::as_str), Limits::DEFAULT)?;
    let mut channel = Channel::builder(url).timeout(Duration::from_secs(10));
    if let Some(protocol) = rest.get(1) {
        channel = channel.protocol(protocol.parse()?);
    }
    let client = BlockingClient::new(channel.connect()?, service.clone());
    match client.call_function(function, &values) {
        Ok(value) => println!("{}", function.result_to_json(&value, STYLE)?),
        Err(Failure::Exception(exception)) => return Err(as_json(&exception)?.into()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The name of an exception, and its fields.
fn as_json(exception: &Exception) -> Result<String, Box<dyn Error>> {
    let ty = exception.value().ty().ok_or("an exception that was received has a type")?;
    Ok(format!("{} {}", exception.name(), ty.to_json(exception.value(), STYLE)?))
}
