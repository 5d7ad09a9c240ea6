// Serves with Apache's C++ library, and prints where.

#include <csignal>
#include <iostream>
#include <mutex>
#include <set>

#include <thrift/processor/TMultiplexedProcessor.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/THttpServer.h>
#include <thrift/transport/TSSLServerSocket.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TZlibTransport.h>

#include "Conformance.h"
#include "peer.hpp"

using namespace apache::thrift;
using namespace conformance;

namespace {

class Handler : public ConformanceIf {
 public:
  void nothing() override {}
  bool echoBool(const bool value) override { return value; }
  int8_t echoI8(const int8_t value) override { return value; }
  int16_t echoI16(const int16_t value) override { return value; }
  int32_t echoI32(const int32_t value) override { return value; }
  int64_t echoI64(const int64_t value) override { return value; }
  double echoDouble(const double value) override { return value; }
  void echoString(std::string& result, const std::string& value) override { result = value; }
  void echoBinary(std::string& result, const std::string& value) override { result = value; }
  Colour::type echoColour(const Colour::type value) override { return value; }
  void echoList(std::vector<int32_t>& result, const std::vector<int32_t>& value) override { result = value; }
  void echoSet(std::set<std::string>& result, const std::set<std::string>& value) override { result = value; }
  void echoMap(std::map<std::string, int64_t>& result, const std::map<std::string, int64_t>& value) override {
    result = value;
  }
  void echoFlags(std::vector<bool>& result, const std::vector<bool>& value) override { result = value; }
  void echoLists(std::map<std::string, std::vector<int32_t>>& result,
                 const std::map<std::string, std::vector<int32_t>>& value) override {
    result = value;
  }
  void echoInner(Inner& result, const Inner& value) override { result = value; }
  void echoChoice(Choice& result, const Choice& value) override { result = value; }
  void echoEverything(Everything& result, const Everything& value) override { result = value; }
  void echoTree(Tree& result, const Tree& value) override { result = value; }
  void defaults(Defaults& result) override { result = Defaults(); }
  int32_t several(const int32_t a, const int32_t b, const int32_t c) override { return a - b * c; }

  int32_t check(const int32_t code) override {
    if (code > 100) {
      TooLate late;
      late.since = code;
      throw late;
    }
    checkNothing(code);
    return code;
  }

  void checkNothing(const int32_t code) override {
    if (code < 0) {
      Refused refused;
      refused.reason = "below zero";
      refused.code = code;
      throw refused;
    }
  }

  void crash() override { throw std::runtime_error("what only the server may know"); }

  void note(const std::string& text) override {
    const std::lock_guard<std::mutex> held(lock_);
    notes_.insert(text);
  }

  bool wasNoted(const std::string& text) override {
    const std::lock_guard<std::mutex> held(lock_);
    return notes_.count(text) > 0;
  }

 private:
  std::mutex lock_;
  std::set<std::string> notes_;
};

// Says where the server listens once it does.
class Announcer : public server::TServerEventHandler {
 public:
  Announcer(const peer::Url& url, std::shared_ptr<transport::TServerSocket> socket)
      : url_(url), socket_(std::move(socket)) {}

  void preServe() override {
    std::cout << "listening " << url_.scheme << "://";
    if (url_.scheme != "unix") std::cout << url_.host << ":" << socket_->getPort();
    std::cout << url_.path << std::endl;
  }

 private:
  peer::Url url_;
  std::shared_ptr<transport::TServerSocket> socket_;
};

std::shared_ptr<transport::TServerSocket> server_socket(const peer::Url& url, const peer::Arguments& asked) {
  if (url.scheme == "unix") return std::make_shared<transport::TServerSocket>(url.path);
  if (!url.is_tls()) return std::make_shared<transport::TServerSocket>(url.host, url.port);
  auto factory = std::make_shared<transport::TSSLSocketFactory>();
  factory->server(true);
  factory->loadCertificate(asked["cert"].c_str());
  factory->loadPrivateKey(asked["key"].c_str());
  return std::make_shared<transport::TSSLServerSocket>(url.host, url.port, factory);
}

std::shared_ptr<transport::TTransportFactory> transport_factory(const peer::Url& url, const peer::Arguments& asked) {
  if (url.is_http()) return std::make_shared<transport::THttpServerTransportFactory>();
  if (asked["transport"] == "framed") return std::make_shared<transport::TFramedTransportFactory>();
  if (asked["transport"] == "zlib") return std::make_shared<transport::TZlibTransportFactory>();
  if (asked["transport"] == "header") return std::make_shared<transport::TTransportFactory>();
  return std::make_shared<transport::TBufferedTransportFactory>();
}

}  // namespace

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);
  GlobalOutput.setOutputFunction([](const char*) {});
  const peer::Arguments asked(count, values);
  const peer::Url url(asked["url"]);
  const auto service = std::make_shared<ConformanceProcessor>(std::make_shared<Handler>());
  const auto processor = std::make_shared<TMultiplexedProcessor>();
  processor->registerProcessor(peer::MULTIPLEXED_NAME, service);
  processor->registerDefault(service);
  const auto socket = server_socket(url, asked);
  server::TThreadedServer server(processor, socket, transport_factory(url, asked), peer::protocol_factory(asked));
  server.setServerEventHandler(std::make_shared<Announcer>(url, socket));
  server.serve();
}
