// Package peer holds what both programs of Apache's Go library need: their arguments, and the transports and protocols
// that these name.
package peer

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net/url"
	"os"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
)

// MultiplexedName is what the servers call the service for clients that multiplex.
const MultiplexedName = "conformance"

// Arguments are those of both programs.
type Arguments struct {
	URL                                      *url.URL
	Transport, Protocol, CA, Cert, Key, Only string
}

// Parse reads the command line.
func Parse() Arguments {
	var asked Arguments
	address := flag.String("url", "", "where the server is")
	flag.StringVar(&asked.Transport, "transport", "", "framed, buffered, header or zlib")
	flag.StringVar(&asked.Protocol, "protocol", "", "binary, compact or json")
	flag.StringVar(&asked.CA, "ca", "", "the certificate that vouches for the server")
	flag.StringVar(&asked.Cert, "cert", "", "the server's certificate")
	flag.StringVar(&asked.Key, "key", "", "the server's key")
	flag.StringVar(&asked.Only, "only", "", "the only check to make")
	flag.Parse()
	parsed, err := url.Parse(*address)
	if err != nil {
		log.Fatal(err)
	}
	asked.URL = parsed
	return asked
}

// IsHTTP says whether messages are carried by HTTP.
func (asked Arguments) IsHTTP() bool {
	return asked.URL.Scheme == "http" || asked.URL.Scheme == "https"
}

// Trust returns a TLS configuration that trusts only the given authority, or nil if none was given.
func (asked Arguments) Trust() *tls.Config {
	if asked.CA == "" {
		return nil
	}
	text, err := os.ReadFile(asked.CA)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool}
}

// Configuration is that of the library. Each layer hands its own to the one below, so all get the same.
func (asked Arguments) Configuration() *thrift.TConfiguration {
	id := thrift.THeaderProtocolBinary
	if asked.Protocol == "compact" {
		id = thrift.THeaderProtocolCompact
	}
	return &thrift.TConfiguration{
		ConnectTimeout:    20 * time.Second,
		SocketTimeout:     20 * time.Second,
		TLSConfig:         asked.Trust(),
		THeaderProtocolID: thrift.THeaderProtocolIDPtrMust(id),
	}
}

// ProtocolFactory makes the protocol asked for.
func (asked Arguments) ProtocolFactory() thrift.TProtocolFactory {
	configuration := asked.Configuration()
	switch {
	case asked.Transport == "header":
		return thrift.NewTHeaderProtocolFactoryConf(configuration)
	case asked.Protocol == "compact":
		return thrift.NewTCompactProtocolFactoryConf(configuration)
	case asked.Protocol == "json":
		return thrift.NewTJSONProtocolFactory()
	default:
		return thrift.NewTBinaryProtocolFactoryConf(configuration)
	}
}

// TransportFactory makes what lies between a socket and the protocol asked for.
func (asked Arguments) TransportFactory() thrift.TTransportFactory {
	switch {
	case asked.Transport == "framed":
		return thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), asked.Configuration())
	case asked.Transport == "zlib":
		return thrift.NewTZlibTransportFactoryConf(6, thrift.NewTTransportFactory(), asked.Configuration())
	case asked.Transport == "header" || asked.IsHTTP():
		return thrift.NewTTransportFactory()
	default:
		return thrift.NewTBufferedTransportFactory(8192)
	}
}
