package peer;

import conformance.Conformance;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.Security;
import java.util.Map;
import org.apache.thrift.TMultiplexedProcessor;
import org.apache.thrift.TProcessor;
import org.apache.thrift.server.TServlet;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.transport.TSSLTransportFactory;
import org.apache.thrift.transport.TSaslServerTransport;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TTransportFactory;
import org.apache.thrift.transport.TZlibTransport;
import org.apache.thrift.transport.layered.TFramedTransport;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Serves with Apache's Java library, and prints where. */
public final class Server {
  private Server() {}

  public static void main(String[] arguments) throws Exception {
    Peer asked = new Peer(arguments);
    TProcessor service = new Conformance.Processor<>(new Handler());
    TMultiplexedProcessor processor = new TMultiplexedProcessor();
    processor.registerProcessor(Peer.MULTIPLEXED_NAME, service);
    processor.registerDefault(service);
    if (asked.isHttp()) {
      serveHttp(asked, processor);
    } else {
      serve(asked, processor);
    }
  }

  private static void serve(Peer asked, TProcessor processor) throws Exception {
    TServerSocket socket = socket(asked);
    announce(asked, socket.getServerSocket().getLocalPort());
    new TThreadPoolServer(
            new TThreadPoolServer.Args(socket)
                .processor(processor)
                .transportFactory(transports(asked))
                .protocolFactory(asked.protocols()))
        .serve();
  }

  private static TServerSocket socket(Peer asked) throws Exception {
    InetAddress address = InetAddress.getByName(asked.url.getHost());
    if (!asked.isTls()) {
      return new TServerSocket(new InetSocketAddress(address, asked.url.getPort()));
    }
    TSSLTransportFactory.TSSLTransportParameters tls = new TSSLTransportFactory.TSSLTransportParameters();
    tls.setKeyStore(
        Stores.stream(Stores.keeping(asked.argument("cert"), asked.argument("key"))),
        Stores.PASSWORD,
        "SunX509",
        Stores.TYPE);
    return TSSLTransportFactory.getServerSocket(asked.url.getPort(), 0, address, tls);
  }

  private static TTransportFactory transports(Peer asked) {
    switch (asked.transport) {
      case "framed":
        return new TFramedTransport.Factory();
      case "zlib":
        return new TZlibTransport.Factory();
      case "sasl":
        Security.addProvider(new PlainServer.Source());
        return new TSaslServerTransport.Factory(
            PlainServer.MECHANISM, "conformance", asked.url.getHost(), Map.of(), new PlainServer.Judge());
      default:
        return new TTransportFactory();
    }
  }

  private static void serveHttp(Peer asked, TProcessor processor) throws Exception {
    org.eclipse.jetty.server.Server jetty = new org.eclipse.jetty.server.Server();
    ServerConnector connector;
    if (asked.isTls()) {
      SslContextFactory.Server tls = new SslContextFactory.Server();
      tls.setKeyStore(Stores.keeping(asked.argument("cert"), asked.argument("key")));
      tls.setKeyStorePassword(Stores.PASSWORD);
      connector = new ServerConnector(jetty, tls);
    } else {
      connector = new ServerConnector(jetty);
    }
    connector.setHost(asked.url.getHost());
    connector.setPort(asked.url.getPort());
    jetty.addConnector(connector);
    ServletContextHandler context = new ServletContextHandler();
    context.addServlet(new ServletHolder(new TServlet(processor, asked.protocols())), asked.url.getPath());
    jetty.setHandler(context);
    jetty.start();
    announce(asked, connector.getLocalPort());
    jetty.join();
  }

  private static void announce(Peer asked, int port) {
    System.out.printf(
        "listening %s://%s:%d%s%n", asked.url.getScheme(), asked.url.getHost(), port, asked.url.getPath());
    System.out.flush();
  }
}
