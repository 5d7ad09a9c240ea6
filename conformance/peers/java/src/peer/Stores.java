package peer;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/** Certificates and keys in PEM, as the stores that Java's TLS takes. */
final class Stores {
  static final String PASSWORD = "conformance";
  static final String TYPE = "PKCS12";

  private Stores() {}

  static KeyStore trusting(String authority) throws Exception {
    KeyStore store = KeyStore.getInstance(TYPE);
    store.load(null, null);
    store.setCertificateEntry("authority", certificate(authority));
    return store;
  }

  static KeyStore keeping(String certificate, String key) throws Exception {
    String text = Files.readString(Path.of(key)).replaceAll("-----[A-Z ]+-----|\\s", "");
    PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
    KeyStore store = KeyStore.getInstance(TYPE);
    store.load(null, null);
    store.setKeyEntry(
        "server",
        KeyFactory.getInstance("EC").generatePrivate(encoded),
        PASSWORD.toCharArray(),
        new Certificate[] {certificate(certificate)});
    return store;
  }

  /** Writes a store as the bytes that Apache's factory reads. */
  static InputStream stream(KeyStore store) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    store.store(bytes, PASSWORD.toCharArray());
    return new ByteArrayInputStream(bytes.toByteArray());
  }

  private static Certificate certificate(String file) throws Exception {
    try (InputStream text = new FileInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificate(text);
    }
  }
}
