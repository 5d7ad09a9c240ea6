// Apache's C++ library: the arguments of the two programs, and the transports and protocols they name.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/THeaderProtocol.h>
#include <thrift/protocol/TJSONProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSSLSocket.h>

namespace peer {

using apache::thrift::protocol::TProtocol;
using apache::thrift::protocol::TProtocolFactory;
using apache::thrift::transport::TTransport;

const char* const MULTIPLEXED_NAME = "conformance";

struct Url {
  std::string scheme, host, path;
  int port = 0;

  explicit Url(const std::string& text) {
    const auto colon = text.find("://");
    scheme = text.substr(0, colon);
    const auto rest = text.substr(colon + 3);
    const auto slash = rest.find('/');
    path = slash == std::string::npos ? "" : rest.substr(slash);
    const auto authority = rest.substr(0, slash);
    const auto before_port = authority.rfind(':');
    host = authority.substr(0, before_port);
    if (before_port != std::string::npos) port = std::stoi(authority.substr(before_port + 1));
  }

  bool is_http() const { return scheme == "http" || scheme == "https"; }
  bool is_tls() const { return scheme == "tls" || scheme == "https"; }
};

struct Arguments {
  std::map<std::string, std::string> named;

  Arguments(int count, char** values) {
    for (int at = 1; at + 1 < count; at += 2) named[std::string(values[at]).substr(2)] = values[at + 1];
  }

  std::string operator[](const std::string& name) const {
    const auto found = named.find(name);
    return found == named.end() ? "" : found->second;
  }
};

// Makes the header protocol with the payload's protocol that was asked for: Apache's own factory knows Binary only.
class HeaderProtocolFactory : public TProtocolFactory {
 public:
  explicit HeaderProtocolFactory(const std::string& name)
      : id_(name == "compact" ? apache::thrift::protocol::T_COMPACT_PROTOCOL
                              : apache::thrift::protocol::T_BINARY_PROTOCOL) {}

  std::shared_ptr<TProtocol> getProtocol(std::shared_ptr<TTransport> both) override { return getProtocol(both, both); }

  std::shared_ptr<TProtocol> getProtocol(std::shared_ptr<TTransport> in, std::shared_ptr<TTransport> out) override {
    return std::make_shared<apache::thrift::protocol::THeaderProtocol>(in, out, id_);
  }

 private:
  uint16_t id_;
};

inline std::shared_ptr<TProtocolFactory> protocol_factory(const Arguments& asked) {
  using namespace apache::thrift::protocol;
  if (asked["transport"] == "header") return std::make_shared<HeaderProtocolFactory>(asked["protocol"]);
  if (asked["protocol"] == "compact") return std::make_shared<TCompactProtocolFactory>();
  if (asked["protocol"] == "json") return std::make_shared<TJSONProtocolFactory>();
  return std::make_shared<TBinaryProtocolFactory>();
}

}  // namespace peer
