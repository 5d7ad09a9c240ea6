package peer;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TCompactProtocol;
import org.apache.thrift.protocol.TJSONProtocol;
import org.apache.thrift.protocol.TProtocolFactory;

/** The arguments of the two programs, and the protocols they name. */
final class Peer {
  static final String MULTIPLEXED_NAME = "conformance";
  static final String USERNAME = "conformance";
  static final String PASSWORD = "pass w\u00f6rd";

  private final Map<String, String> named = new HashMap<>();
  final URI url;
  final String transport;

  Peer(String[] arguments) {
    for (int at = 0; at + 1 < arguments.length; at += 2) {
      named.put(arguments[at].substring(2), arguments[at + 1]);
    }
    url = URI.create(named.get("url"));
    transport = named.get("transport");
  }

  String argument(String name) {
    return named.get(name);
  }

  boolean isHttp() {
    return url.getScheme().startsWith("http");
  }

  boolean isTls() {
    return url.getScheme().equals("tls") || url.getScheme().equals("https");
  }

  TProtocolFactory protocols() {
    switch (named.get("protocol")) {
      case "compact":
        return new TCompactProtocol.Factory();
      case "json":
        return new TJSONProtocol.Factory();
      default:
        return new TBinaryProtocol.Factory();
    }
  }
}
