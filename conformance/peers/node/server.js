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

/** Answers through a callback, before it returns: a promise is answered after the library has read on. */
function answering(method) {
  const answer = (...values) => {
    const result = values.pop();
    let value;
    try {
      value = method(...values);
    } catch (error) {
      return result(error);
    }
    return result(null, value);
  };
  // By this number the generated code knows that there is a callback.
  return Object.defineProperty(answer, "length", { value: method.length + 1 });
}

const { note, ...calls } = handler;
const answers = Object.fromEntries(Object.entries(calls).map(([name, method]) => [name, answering(method)]));

const plain = new Conformance.Processor({ note, ...answers });
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
