// Calls a server with Apache's Node library, and checks every reply. The checks are those of common/checks.py.
"use strict";

const assert = require("assert").strict;
const fs = require("fs");
const thrift = require("thrift");
const Conformance = require("./gen/Conformance");
const Later = require("./gen/Later");
const types = require("./gen/conformance_types");
const peer = require("./peer");

const CHECK_TIMEOUT_MS = 15_000;
const COMPACT_IN_HEADER = 2;
const asked = peer.parseArguments();

function openConnection() {
  const options = peer.options(asked);
  const ca = asked.ca && fs.readFileSync(asked.ca);
  switch (asked.scheme) {
    case "http":
      return thrift.createHttpConnection(asked.host, asked.port, { ...options, path: asked.path });
    case "https":
      return thrift.createHttpConnection(asked.host, asked.port, {
        ...options,
        path: asked.path,
        https: true,
        nodeOptions: { ca },
      });
    case "tls":
      return thrift.createSSLConnection(asked.host, asked.port, { ...options, ca, secureProtocol: "TLS_method" });
    case "unix":
      return thrift.createUDSConnection(asked.path, options);
    default:
      return thrift.createConnection(asked.host, asked.port, options);
  }
}

/** Makes a check over a connection of its own, and gives up when that breaks or takes too long. */
async function attempt({ service = Conformance, multiplexed = false, check }) {
  const connection = openConnection();
  let timer;
  const broken = new Promise((_, reject) => {
    connection.on("error", reject);
    connection.on("close", () => reject(new Error("the connection was closed")));
    timer = setTimeout(() => reject(new Error("no reply in time")), CHECK_TIMEOUT_MS);
  });
  const client = multiplexed
    ? new thrift.Multiplexer().createClient(peer.MULTIPLEXED_NAME, service, connection)
    : thrift.createClient(service, connection);
  if (asked.transport === "header" && asked.protocol === "compact") client.output.setProtocolId(COMPACT_IN_HEADER);
  try {
    await Promise.race([check(client), broken]);
  } finally {
    clearTimeout(timer);
    broken.catch(() => {});
    if (connection.end) connection.end();
  }
}

/** What a value is, whatever object the library keeps it in. */
function plain(value) {
  if (value instanceof thrift.Int64) return thrift.toBigInt(value);
  if (typeof value === "number" && Number.isInteger(value) && !Object.is(value, -0)) return BigInt(value);
  if (Buffer.isBuffer(value)) return `bytes ${value.toString("hex")}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]).sort());
}

const same = (came, expected) => assert.deepEqual(plain(came), plain(expected));

async function echoes(client, name, values) {
  for (const value of values) same(await client[name](value), value);
}

async function raised(call, Kind) {
  try {
    await call;
  } catch (error) {
    assert(error instanceof Kind, `came ${error}`);
    return error;
  }
  throw new Error("an exception did not come");
}

const i64 = (value) => thrift.fromBigInt(value);
const MIN_I64 = i64(-(2n ** 63n));
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const inner = (text, number) => new types.Inner({ text, number });

function everything() {
  const one = inner("größe", -1);
  return new types.Everything({
    yes: true,
    no: false,
    tiny: -128,
    small: -(2 ** 15),
    medium: 2 ** 31 - 1,
    large: MIN_I64,
    real: 0.1,
    text: "text \u{1f409}",
    raw: ALL_BYTES,
    colour: types.Colour.GREEN,
    inner: one,
    choice: new types.Choice({ number: i64(5n) }),
    numbers: [1, -1, 2 ** 31 - 1],
    inners: [one, inner("", 0)],
    marks: [1, -1, 2 ** 31 - 1],
    names: ["a", "größe", ""],
    counts: { a: i64(1n), "": MIN_I64 },
    places: { [-1]: one, [2 ** 31 - 1]: inner("x", 9) },
    lists: { one: [1], some: [1, 2, 3] },
    rows: [["a", "b"], [], ["c"]],
    far: true,
    here: -7,
  });
}

function withEmptyContainers() {
  const value = everything();
  Object.assign(value, { numbers: [], inners: [], rows: [[]], marks: [], names: [] });
  return Object.assign(value, { counts: {}, places: {}, lists: {} });
}

/** The library keeps sets as arrays, in the order in which they came. */
function withSortedSets(value) {
  return { ...value, marks: [...value.marks].sort(), names: [...value.names].sort() };
}

const CHECKS = {
  void: async (client) => {
    for (let time = 0; time < 3; ++time) same(await client.nothing(), undefined);
  },
  numbers: async (client) => {
    await echoes(client, "echoBool", [true, false]);
    await echoes(client, "echoI8", [0, 1, -1, 127, -128]);
    await echoes(client, "echoI16", [0, 1, -1, 2 ** 15 - 1, -(2 ** 15)]);
    await echoes(client, "echoI32", [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]);
    const large = [0n, 1n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)];
    await echoes(client, "echoI64", large.map(i64));
  },
  doubles: (client) =>
    echoes(client, "echoDouble", [0, 1, -2.5, 0.1, 1 / 3, 1e300, -1e-300, 5e-324, Number.MAX_VALUE]),
  "special-doubles": (client) => echoes(client, "echoDouble", [Infinity, -Infinity, NaN]),
  "negative-zero": async (client) => assert.equal(await client.echoDouble(-0), -0),
  strings: (client) =>
    echoes(client, "echoString", [
      "",
      "plain",
      "größe \u20ac \u{1f409}",
      'quote " slash / back \\ \b\f\n\r\t',
      "é".repeat(50_000),
    ]),
  "control-characters": (client) => echoes(client, "echoString", ["\x01\x1f\x7f", "\u2028\ufeff"]),
  nul: (client) => echoes(client, "echoString", ["a\0b"]),
  binary: (client) =>
    echoes(
      client,
      "echoBinary",
      [[], [0], [0xff, 0xfe], "abc", ALL_BYTES, Buffer.alloc(200_000, ALL_BYTES.subarray(0, 250))].map(Buffer.from),
    ),
  enum: (client) => echoes(client, "echoColour", [types.Colour.RED, types.Colour.BLUE]),
  containers: async (client) => {
    const long = Array.from({ length: 2000 }, (_, at) => at - 1000);
    const names = Array.from({ length: 100 }, (_, at) => `name ${at}`);
    await echoes(client, "echoList", [[], [1], Array(14).fill(-1), Array(15).fill(7), long]);
    for (const value of [[], [""], names]) same([...(await client.echoSet(value))].sort(), [...value].sort());
    const counts = Object.fromEntries(names.map((name, at) => [name, i64(BigInt(-at))]));
    await echoes(client, "echoMap", [{}, { "": i64(0n) }, counts]);
  },
  flags: (client) => echoes(client, "echoFlags", [[], [true], [true, false, true], Array(20).fill(false)]),
  lists: (client) =>
    echoes(client, "echoLists", [{ some: [1, 2, 3] }, { none: [] }, { none: [], some: [1], more: [2, 3] }]),
  struct: async (client) => {
    for (const value of [everything(), withEmptyContainers()]) {
      same(withSortedSets(await client.echoEverything(value)), withSortedSets(value));
    }
  },
  union: (client) =>
    echoes(
      client,
      "echoChoice",
      [{ text: "chosen" }, { number: i64(-(2n ** 40n)) }, { inner: inner("in", 1) }, { numbers: [1, 2] }].map(
        (arm) => new types.Choice(arm),
      ),
    ),
  recursion: async (client) => {
    const leaf = (value) => new types.Tree({ value, children: [] });
    let tree = leaf(0);
    for (let value = 1; value < 25; ++value) tree = new types.Tree({ value, children: [tree, leaf(-value)] });
    await echoes(client, "echoTree", [tree]);
  },
  defaults: async (client) =>
    same(await client.defaults(), { number: 42, text: "preset", numbers: [1, 2, 3], flag: true }),
  arguments: async (client) => same(await client.several(2, 3, 4), -10),
  exceptions: async (client) => {
    same(await client.check(7), 7);
    const { reason, code } = await raised(client.check(-5), types.Refused);
    same({ reason, code }, { reason: "below zero", code: -5 });
    same((await raised(client.check(101), types.TooLate)).since, 101);
    same((await raised(client.checkNothing(-1), types.Refused)).code, -1);
    same(await client.checkNothing(0), undefined);
  },
  crash: async (client) => {
    await raised(client.crash(), thrift.Thrift.TApplicationException);
    same(await client.echoI32(1), 1);
  },
  "unknown-function": {
    service: Later,
    check: async (client) => {
      for (let time = 0; time < 2; ++time) {
        const { type } = await raised(client.notYet(), thrift.Thrift.TApplicationException);
        same(type, thrift.Thrift.TApplicationExceptionType.UNKNOWN_METHOD);
      }
    },
  },
  "later-version": {
    service: Later,
    check: async (client) => {
      const one = inner("inner", 3);
      const later = new types.LaterInner({
        text: "known",
        number: -9,
        flag: true,
        places: { place: [one, one], none: [] },
        reals: [0.5, -1e300],
        raw: ALL_BYTES,
        choice: new types.Choice({ inner: one }),
        flags: [true, false, true],
        tiny: -128,
        large: MIN_I64,
      });
      same(await client.echoInner(later, { 1: later, 2: later }), { text: "known", number: -9 });
    },
  },
  oneway: async (client) => {
    const text = `note of node ${process.hrtime.bigint()}`;
    // The library knows the end of such a call by what it wrote alone.
    client.note(text);
    same(await client.echoI32(5), 5);
    for (const start = Date.now(); !(await client.wasNoted(text)); ) {
      assert(Date.now() - start < 5000, "the server never got the note");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
  many: async (client) => {
    for (let number = 0; number < 200; ++number) same(await client.echoI32(number), number);
  },
  multiplexed: {
    multiplexed: true,
    check: async (client) => {
      same(await client.echoI32(-3), -3);
      same((await raised(client.check(-5), types.Refused)).code, -5);
    },
  },
};

async function main() {
  let code = 0;
  for (const [name, check] of Object.entries(CHECKS)) {
    if (asked.only && asked.only !== name) continue;
    try {
      await attempt(typeof check === "function" ? { check } : check);
      console.log(`ok ${name}`);
    } catch (error) {
      code = 1;
      console.log(`FAIL ${name}: ${JSON.stringify(String(error.message).slice(0, 300))}`);
    }
  }
  process.exit(code);
}

main();
