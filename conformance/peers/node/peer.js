// Apache's Node library: the arguments of the two programs, and the transports and protocols they name.
"use strict";

const thrift = require("thrift");

const MULTIPLEXED_NAME = "conformance";

function parseArguments() {
  const asked = {};
  for (let at = 2; at + 1 < process.argv.length; at += 2) {
    asked[process.argv[at].replace(/^--/, "")] = process.argv[at + 1];
  }
  // Only the schemes of the web have a host for the parser of URLs.
  const [, scheme, rest] = /^(\w+):\/\/(.*)$/.exec(asked.url);
  const { hostname, port, pathname } = scheme === "unix" ? {} : new URL(`http://${rest}`);
  return { ...asked, scheme, host: hostname, port: Number(port || 0), path: scheme === "unix" ? rest : pathname };
}

const PROTOCOLS = {
  binary: thrift.TBinaryProtocol,
  compact: thrift.TCompactProtocol,
  json: thrift.TJSONProtocol,
};

/** What the library's clients and servers are made with. */
function options(asked) {
  return {
    transport: asked.transport === "framed" ? thrift.TFramedTransport : thrift.TBufferedTransport,
    protocol: asked.transport === "header" ? thrift.THeaderProtocol : PROTOCOLS[asked.protocol],
  };
}

module.exports = { MULTIPLEXED_NAME, parseArguments, options };
