// Calls a server with Apache's C++ library, and checks every reply. The checks are those of common/checks.py.

#include <chrono>
#include <cmath>
#include <csignal>
#include <functional>
#include <iostream>
#include <limits>
#include <sstream>
#include <thread>

#include <thrift/TApplicationException.h>
#include <thrift/protocol/TMultiplexedProtocol.h>
#include <thrift/transport/THttpClient.h>
#include <thrift/transport/TZlibTransport.h>

#include "Conformance.h"
#include "Later.h"
#include "peer.hpp"

using namespace apache::thrift;
using namespace conformance;

namespace {

struct Mismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, const std::string& what) {
  if (!holds) throw Mismatch(what);
}

template <typename Value>
void equal(const Value& came, const Value& expected) {
  if (came == expected) return;
  std::ostringstream text;
  text << "came " << came << ", expected " << expected;
  throw Mismatch(text.str());
}

template <typename Error, typename Call>
Error raises(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  throw Mismatch("an exception did not come");
}

std::shared_ptr<transport::TTransport> open_socket(const peer::Url& url, const peer::Arguments& asked) {
  if (url.scheme == "unix") return std::make_shared<transport::TSocket>(url.path);
  std::shared_ptr<transport::TSocket> socket;
  if (url.is_tls()) {
    static const auto factory = [&asked] {
      auto made = std::make_shared<transport::TSSLSocketFactory>();
      made->authenticate(true);
      made->loadTrustedCertificates(asked["ca"].c_str());
      return made;
    }();
    socket = factory->createSocket(url.host, url.port);
  } else {
    socket = std::make_shared<transport::TSocket>(url.host, url.port);
  }
  socket->setRecvTimeout(20000);
  return socket;
}

std::shared_ptr<transport::TTransport> wrap(
    std::shared_ptr<transport::TTransport> raw, const peer::Url& url, const peer::Arguments& asked) {
  if (url.is_http()) return std::make_shared<transport::THttpClient>(raw, url.host, url.path);
  if (asked["transport"] == "framed") return std::make_shared<transport::TFramedTransport>(raw);
  if (asked["transport"] == "zlib") return std::make_shared<transport::TZlibTransport>(raw);
  if (asked["transport"] == "header") return raw;
  return std::make_shared<transport::TBufferedTransport>(raw);
}

// One connection, closed when it goes.
struct Connection {
  std::shared_ptr<transport::TTransport> transport;
  std::shared_ptr<protocol::TProtocol> protocol;

  explicit Connection(const peer::Arguments& asked) {
    const peer::Url url(asked["url"]);
    transport = wrap(open_socket(url, asked), url, asked);
    protocol = peer::protocol_factory(asked)->getProtocol(transport);
    transport->open();
  }
  ~Connection() { transport->close(); }
};

// Calls a function that returns through its first argument.
template <typename Value, typename Client, typename Function>
void echoes(Client& client, Function function, const std::vector<Value>& values) {
  for (const auto& value : values) {
    Value came;
    (client.*function)(came, value);
    require(came == value, "a value came back changed");
  }
}

template <typename Value, typename Client, typename Function>
void echoes_plain(Client& client, Function function, const std::vector<Value>& values) {
  for (const Value value : values) equal(static_cast<Value>((client.*function)(value)), value);
}

Inner inner(const std::string& text, int32_t number) {
  Inner made;
  made.__set_text(text);
  made.__set_number(number);
  return made;
}

std::string all_bytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

std::string repeated(const std::string& text, size_t times) {
  std::string made;
  while (times-- > 0) made += text;
  return made;
}

Everything everything() {
  const Inner in = inner("größe", -1);
  Everything made;
  made.yes = true;
  made.no = false;
  made.tiny = -128;
  made.small = std::numeric_limits<int16_t>::min();
  made.medium = std::numeric_limits<int32_t>::max();
  made.large = std::numeric_limits<int64_t>::min();
  made.real = 0.1;
  made.text = "text \U0001f409";
  made.raw = all_bytes();
  made.colour = Colour::GREEN;
  made.inner = in;
  made.choice.__set_number(5);
  made.numbers = {1, -1, std::numeric_limits<int32_t>::max()};
  made.inners = {in, inner("", 0)};
  made.marks = {1, -1, std::numeric_limits<int32_t>::max()};
  made.names = {"a", "größe", ""};
  made.counts = {{"a", 1}, {"", std::numeric_limits<int64_t>::min()}};
  made.places = {{-1, in}, {std::numeric_limits<int32_t>::max(), inner("x", 9)}};
  made.lists = {{"one", {1}}, {"some", {1, 2, 3}}};
  made.rows = {{"a", "b"}, {}, {"c"}};
  made.far = true;
  made.__set_here(-7);
  return made;
}

Everything with_empty_containers() {
  Everything made = everything();
  made.numbers = {};
  made.inners = {};
  made.rows = {{}};
  made.marks = {};
  made.names = {};
  made.counts = {};
  made.places = {};
  made.lists = {};
  return made;
}

using Client = ConformanceClient;

void check_void(Client& client) {
  for (int time = 0; time < 3; ++time) client.nothing();
}

void check_numbers(Client& client) {
  echoes_plain<bool>(client, &Client::echoBool, {true, false});
  echoes_plain<int8_t>(client, &Client::echoI8, {0, 1, -1, 127, -128});
  echoes_plain<int16_t>(client, &Client::echoI16, {0, 1, -1, 32767, -32768});
  echoes_plain<int32_t>(client, &Client::echoI32, {0, 1, -1, 2147483647, std::numeric_limits<int32_t>::min()});
  echoes_plain<int64_t>(client, &Client::echoI64,
                        {0, 1, -1, (int64_t{1} << 53) + 1, -(int64_t{1} << 53) - 1,
                         std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()});
}

void check_doubles(Client& client) {
  echoes_plain<double>(client, &Client::echoDouble,
                       {0.0, 1.0, -2.5, 0.1, 1.0 / 3, 1e300, -1e-300, 5e-324, std::numeric_limits<double>::max()});
}

void check_special_doubles(Client& client) {
  const double infinity = std::numeric_limits<double>::infinity();
  echoes_plain<double>(client, &Client::echoDouble, {infinity, -infinity});
  require(std::isnan(client.echoDouble(std::nan(""))), "expected nan");
}

void check_negative_zero(Client& client) {
  const double came = client.echoDouble(-0.0);
  require(came == 0 && std::signbit(came), "expected -0.0");
}

void check_strings(Client& client) {
  echoes<std::string>(client, &Client::echoString,
                      {"", "plain", "größe \u20ac \U0001f409", "quote \" slash / back \\ \b\f\n\r\t",
                       repeated("é", 50000)});
}

void check_control_characters(Client& client) {
  echoes<std::string>(client, &Client::echoString, {"\x01\x1f\x7f", "\u2028\ufeff"});
}

void check_nul(Client& client) { echoes<std::string>(client, &Client::echoString, {std::string("a\0b", 3)}); }

void check_binary(Client& client) {
  echoes<std::string>(client, &Client::echoBinary,
                      {"", std::string(1, '\0'), "\xff\xfe", "abc", all_bytes(),
                       repeated(all_bytes().substr(0, 250), 800)});
}

void check_enum(Client& client) {
  echoes_plain<Colour::type>(client, &Client::echoColour, {Colour::RED, Colour::BLUE});
}

void check_containers(Client& client) {
  std::vector<int32_t> long_list;
  for (int32_t number = -1000; number < 1000; ++number) long_list.push_back(number);
  std::set<std::string> names;
  std::map<std::string, int64_t> counts;
  for (int number = 0; number < 100; ++number) {
    names.insert("name " + std::to_string(number));
    counts["name " + std::to_string(number)] = -number;
  }
  echoes<std::vector<int32_t>>(client, &Client::echoList,
                               {{}, {1}, std::vector<int32_t>(14, -1), std::vector<int32_t>(15, 7), long_list});
  echoes<std::set<std::string>>(client, &Client::echoSet, {{}, {""}, names});
  echoes<std::map<std::string, int64_t>>(client, &Client::echoMap, {{}, {{"", 0}}, counts});
}

void check_flags(Client& client) {
  echoes<std::vector<bool>>(client, &Client::echoFlags,
                            {{}, {true}, {true, false, true}, std::vector<bool>(20, false)});
}

void check_lists(Client& client) {
  using Lists = std::map<std::string, std::vector<int32_t>>;
  echoes<Lists>(client, &Client::echoLists,
                {Lists{{"some", {1, 2, 3}}}, Lists{{"none", {}}},
                 Lists{{"none", {}}, {"some", {1}}, {"more", {2, 3}}}});
}

void check_struct(Client& client) {
  echoes<Everything>(client, &Client::echoEverything, {everything(), with_empty_containers()});
}

void check_union(Client& client) {
  std::vector<Choice> choices(4);
  choices[0].__set_text("chosen");
  choices[1].__set_number(-(int64_t{1} << 40));
  choices[2].__set_inner(inner("in", 1));
  choices[3].__set_numbers({1, 2});
  echoes(client, &Client::echoChoice, choices);
}

void check_recursion(Client& client) {
  Tree tree;
  for (int32_t value = 1; value < 25; ++value) {
    Tree leaf, next;
    leaf.value = -value;
    next.value = value;
    next.children = {tree, leaf};
    tree = next;
  }
  echoes<Tree>(client, &Client::echoTree, {tree});
}

void check_defaults(Client& client) {
  Defaults came;
  came.number = 0;
  came.text = "";
  came.numbers = {};
  came.flag = false;
  client.defaults(came);
  require(came.number == 42 && came.text == "preset" && came.flag, "a default is not what the IDL says");
  require(came.numbers == std::vector<int32_t>{1, 2, 3}, "the default list is not what the IDL says");
  require(!came.__isset.nothing, "an optional field without a default came");
}

void check_arguments(Client& client) { equal(client.several(2, 3, 4), -10); }

void check_exceptions(Client& client) {
  equal(client.check(7), 7);
  const auto refused = raises<Refused>([&] { client.check(-5); });
  equal(refused.reason, std::string("below zero"));
  equal(refused.code, -5);
  equal(raises<TooLate>([&] { client.check(101); }).since, int64_t{101});
  equal(raises<Refused>([&] { client.checkNothing(-1); }).code, -1);
  client.checkNothing(0);
}

void check_crash(Client& client) {
  raises<TApplicationException>([&] { client.crash(); });
  equal(client.echoI32(1), 1);
}

void check_unknown_function(LaterClient& client) {
  for (int time = 0; time < 2; ++time) {
    const auto error = raises<TApplicationException>([&] { client.notYet(); });
    require(error.getType() == TApplicationException::UNKNOWN_METHOD, "the exception is of another type");
  }
}

void check_later_version(LaterClient& client) {
  const Inner in = inner("inner", 3);
  LaterInner later, came;
  later.text = "known";
  later.number = -9;
  later.flag = true;
  later.places = {{"place", {in, in}}, {"none", {}}};
  later.reals = {0.5, -1e300};
  later.raw = all_bytes();
  later.choice.__set_inner(in);
  later.flags = {true, false, true};
  later.tiny = -128;
  later.large = std::numeric_limits<int64_t>::min();
  client.echoInner(came, later, {{1, later}, {2, later}});
  require(came.text == "known" && came.number == -9, "a known field changed");
  require(!came.__isset.flag && !came.__isset.places && !came.__isset.large, "an unknown field came back");
}

void check_oneway(Client& client) {
  const auto now = std::chrono::steady_clock::now;
  const auto start = now();
  const std::string text = "note of c++ " + std::to_string(start.time_since_epoch().count());
  client.note(text);
  equal(client.echoI32(5), 5);
  while (!client.wasNoted(text)) {
    require(now() - start < std::chrono::seconds(5), "the server never got the note");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void check_many(Client& client) {
  for (int32_t number = 0; number < 200; ++number) equal(client.echoI32(number), number);
}

void check_multiplexed(Client& client) {
  equal(client.echoI32(-3), -3);
  equal(raises<Refused>([&] { client.check(-5); }).code, -5);
}

using Check = std::function<void(const peer::Arguments&)>;

template <typename Service>
Check connected(void (*check)(Service&)) {
  return [check](const peer::Arguments& asked) {
    Connection connection(asked);
    Service client(connection.protocol);
    check(client);
  };
}

void multiplexed(const peer::Arguments& asked) {
  Connection connection(asked);
  Client client(std::make_shared<protocol::TMultiplexedProtocol>(connection.protocol, peer::MULTIPLEXED_NAME));
  check_multiplexed(client);
}

const std::vector<std::pair<std::string, Check>> CHECKS = {
    {"void", connected(check_void)},
    {"numbers", connected(check_numbers)},
    {"doubles", connected(check_doubles)},
    {"special-doubles", connected(check_special_doubles)},
    {"negative-zero", connected(check_negative_zero)},
    {"strings", connected(check_strings)},
    {"control-characters", connected(check_control_characters)},
    {"nul", connected(check_nul)},
    {"binary", connected(check_binary)},
    {"enum", connected(check_enum)},
    {"containers", connected(check_containers)},
    {"flags", connected(check_flags)},
    {"lists", connected(check_lists)},
    {"struct", connected(check_struct)},
    {"union", connected(check_union)},
    {"recursion", connected(check_recursion)},
    {"defaults", connected(check_defaults)},
    {"arguments", connected(check_arguments)},
    {"exceptions", connected(check_exceptions)},
    {"crash", connected(check_crash)},
    {"unknown-function", connected(check_unknown_function)},
    {"later-version", connected(check_later_version)},
    {"oneway", connected(check_oneway)},
    {"many", connected(check_many)},
    {"multiplexed", multiplexed},
};

}  // namespace

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);
  GlobalOutput.setOutputFunction([](const char*) {});
  const peer::Arguments asked(count, values);
  int code = 0;
  for (const auto& check : CHECKS) {
    if (!asked["only"].empty() && asked["only"] != check.first) continue;
    try {
      check.second(asked);
      std::cout << "ok " << check.first << std::endl;
    } catch (const std::exception& error) {
      code = 1;
      std::cout << "FAIL " << check.first << ": " << error.what() << std::endl;
    }
  }
  return code;
}
