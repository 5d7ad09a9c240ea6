package peer;

import java.nio.charset.StandardCharsets;
import java.security.Provider;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.sasl.SaslException;
import javax.security.sasl.SaslServer;
import javax.security.sasl.SaslServerFactory;

/** The server's side of PLAIN (RFC 4616), which Java has only for clients. */
final class PlainServer implements SaslServer {
  static final String MECHANISM = "PLAIN";

  /** Where Java's SASL finds the mechanism. */
  static final class Source extends Provider {
    Source() {
      super("Conformance", "1", "PLAIN for servers");
      put("SaslServerFactory." + MECHANISM, Factory.class.getName());
    }
  }

  /** Makes one for each connection. */
  public static final class Factory implements SaslServerFactory {
    @Override
    public SaslServer createSaslServer(
        String mechanism, String protocol, String host, Map<String, ?> properties, CallbackHandler judge) {
      return MECHANISM.equals(mechanism) ? new PlainServer(judge) : null;
    }

    @Override
    public String[] getMechanismNames(Map<String, ?> properties) {
      return new String[] {MECHANISM};
    }
  }

  /** Knows one user: takes the password away that is not the right one. */
  static final class Judge implements CallbackHandler {
    @Override
    public void handle(Callback[] callbacks) {
      NameCallback name = (NameCallback) callbacks[0];
      PasswordCallback password = (PasswordCallback) callbacks[1];
      String given = new String(password.getPassword());
      if (!Peer.USERNAME.equals(name.getDefaultName()) || !Peer.PASSWORD.equals(given)) {
        password.clearPassword();
        password.setPassword(null);
      }
    }
  }

  private final CallbackHandler judge;
  private String user;

  private PlainServer(CallbackHandler judge) {
    this.judge = judge;
  }

  @Override
  public String getMechanismName() {
    return MECHANISM;
  }

  @Override
  public byte[] evaluateResponse(byte[] response) throws SaslException {
    String[] parts = new String(response, StandardCharsets.UTF_8).split("\0", -1);
    if (parts.length != 3) {
      throw new SaslException("PLAIN has three parts");
    }
    NameCallback name = new NameCallback("name", parts[1]);
    PasswordCallback password = new PasswordCallback("password", false);
    password.setPassword(parts[2].toCharArray());
    try {
      judge.handle(new Callback[] {name, password});
    } catch (Exception error) {
      throw new SaslException("the password cannot be checked", error);
    }
    if (password.getPassword() == null) {
      throw new SaslException("the password is wrong");
    }
    user = parts[1];
    return null;
  }

  @Override
  public boolean isComplete() {
    return user != null;
  }

  @Override
  public String getAuthorizationID() {
    return user;
  }

  @Override
  public byte[] unwrap(byte[] incoming, int offset, int length) {
    throw new IllegalStateException("PLAIN protects no messages");
  }

  @Override
  public byte[] wrap(byte[] outgoing, int offset, int length) {
    throw new IllegalStateException("PLAIN protects no messages");
  }

  @Override
  public Object getNegotiatedProperty(String name) {
    return null;
  }

  @Override
  public void dispose() {}
}
