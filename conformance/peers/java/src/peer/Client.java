package peer;

import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import org.apache.thrift.transport.THttpClient;
import org.apache.thrift.transport.TSSLTransportFactory;
import org.apache.thrift.transport.TSaslClientTransport;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TZlibTransport;
import org.apache.thrift.transport.layered.TFramedTransport;

/** Calls a server with Apache's Java library, and checks every reply. */
public final class Client {
  private static final int TIMEOUT_MS = 20_000;

  private Client() {}

  public static void main(String[] arguments) throws Exception {
    Peer asked = new Peer(arguments);
    if (asked.url.getScheme().equals("https")) {
      HttpsURLConnection.setDefaultSSLSocketFactory(trusting(asked).getSocketFactory());
    }
    int code = 0;
    for (Map.Entry<String, Checks.Check> check : Checks.all().entrySet()) {
      String only = asked.argument("only");
      if (only != null && !only.equals(check.getKey())) {
        continue;
      }
      try (TTransport transport = transport(asked)) {
        if (!transport.isOpen()) {
          transport.open();
        }
        check.getValue().make(asked.protocols().getProtocol(transport));
        System.out.println("ok " + check.getKey());
      } catch (Exception | AssertionError error) {
        code = 1;
        String text = error.toString().replaceAll("\\s+", " ");
        System.out.println("FAIL " + check.getKey() + ": " + text.substring(0, Math.min(300, text.length())));
      }
    }
    System.exit(code);
  }

  private static TTransport transport(Peer asked) throws Exception {
    if (asked.isHttp()) {
      THttpClient http = new THttpClient(asked.url.toString());
      http.setReadTimeout(TIMEOUT_MS);
      return http;
    }
    TTransport socket = socket(asked);
    switch (asked.transport) {
      case "framed":
        return new TFramedTransport(socket);
      case "zlib":
        return new TZlibTransport(socket);
      case "sasl":
        return new TSaslClientTransport(
            "PLAIN", null, "conformance", asked.url.getHost(), Map.of(), Client::introduce, socket);
      default:
        return socket;
    }
  }

  /** Tells the mechanism who this is. */
  private static void introduce(Callback[] callbacks) {
    for (Callback callback : callbacks) {
      if (callback instanceof NameCallback) {
        ((NameCallback) callback).setName(Peer.USERNAME);
      } else if (callback instanceof PasswordCallback) {
        ((PasswordCallback) callback).setPassword(Peer.PASSWORD.toCharArray());
      }
    }
  }

  private static TTransport socket(Peer asked) throws Exception {
    if (!asked.isTls()) {
      return new TSocket(asked.url.getHost(), asked.url.getPort(), TIMEOUT_MS);
    }
    TSSLTransportFactory.TSSLTransportParameters tls = new TSSLTransportFactory.TSSLTransportParameters();
    tls.setTrustStore(
        Stores.stream(Stores.trusting(asked.argument("ca"))), Stores.PASSWORD, "PKIX", Stores.TYPE);
    return TSSLTransportFactory.getClientSocket(asked.url.getHost(), asked.url.getPort(), TIMEOUT_MS, tls);
  }

  private static SSLContext trusting(Peer asked) throws Exception {
    TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
    managers.init(Stores.trusting(asked.argument("ca")));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context;
  }
}
