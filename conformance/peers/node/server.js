// Serves with Apache's Node library, and prints where.
"use strict";

const fs = require("fs");
const thrift = require("thrift");
const Conformance = require("./gen/Conformance");
const types = require("./gen/conformance_types");
const peer = require("./peer");

const notes = new Set();
const echo = (value) => value;

const handler = {
  nothing: () => {},
  defaults: () => new types.Defaults(),
  several: (a, b, c) => a - b * c,
  check(code) {
    if (code > 100) throw new types.TooLate({ since: code });
    handler.checkNothing(code);
    return code;
  },
  checkNothing(code) {
    if (code < 0) throw new types.Refused({ reason: "below zero", code });
  },
  crash() {
    throw new Error("what only the server may know");
  },
  note: (text) => void notes.add(text),
  wasNoted: (text) => notes.has(text),
};
for (const what of ["Bool", "I8", "I16", "I32", "I64", "Double", "String", "Binary", "Colour", "List", "Set", "Map"]) {
  handler[`echo${what}`] = echo;
}
for (const what of ["Flags", "Lists", "Inner", "Choice", "Everything", "Tree"]) handler[`echo${what}`] = echo;

// The generated code calls the handler outside of any promise: what it throws there would end the connection.
const answering = Object.fromEntries(
  Object.entries(handler).map(([name, method]) => {
    const promised = async (...values) => method(...values);
    return [name, Object.defineProperty(promised, "length", { value: method.length })];
  }),
);

const plain = new Conformance.Processor(answering);
const multiplexed = new thrift.MultiplexedProcessor();
multiplexed.registerProcessor(peer.MULTIPLEXED_NAME, plain);

// The library's multiplexing processor serves nobody who names no service.
const either = {
  process(input, output) {
    const { fname } = input.readMessageBegin();
    input.trans.rollbackPosition();
    if (input.trans instanceof thrift.TFramedTransport) input.trans.readPos = 0;
    return (fname.includes(":") ? multiplexed : plain).process(input, output);
  },
};

const asked = peer.parseArguments();
const isTls = asked.scheme === "tls" || asked.scheme === "https";
const isHttp = asked.scheme === "http" || asked.scheme === "https";
const files = isTls ? { cert: fs.readFileSync(asked.cert), key: fs.readFileSync(asked.key) } : undefined;
const server = isHttp
  ? thrift.createWebServer({
      tls: files,
      services: { [asked.path]: { ...peer.options(asked), processor: either } },
    })
  : thrift.createMultiplexServer(either, {
      ...peer.options(asked),
      tls: files && { ...files, secureProtocol: "TLS_method" },
    });
server.on("error", () => {});
if (asked.scheme === "unix") {
  server.listen(asked.path, () => console.log(`listening ${asked.url}`));
} else {
  server.listen(asked.port, asked.host, () => {
    const { port } = server.address();
    console.log(`listening ${asked.scheme}://${asked.host}:${port}${isHttp ? asked.path : ""}`);
  });
}
