// The client calls a server with Apache's Go library, and checks every reply.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"fastthrift.example/conformance/gen/conformance"
	"fastthrift.example/conformance/peer"
	"github.com/apache/thrift/lib/go/thrift"
)

// raw returns the transport that carries the bytes, not yet open.
func raw(asked peer.Arguments) (thrift.TTransport, error) {
	configuration := asked.Configuration()
	switch asked.URL.Scheme {
	case "http":
		return thrift.NewTHttpClient(asked.URL.String())
	case "https":
		client := &http.Client{
			Timeout:   20 * time.Second,
			Transport: &http.Transport{TLSClientConfig: asked.Trust()},
		}
		return thrift.NewTHttpClientWithOptions(asked.URL.String(), thrift.THttpClientOptions{Client: client})
	case "tls":
		return thrift.NewTSSLSocketConf(asked.URL.Host, configuration), nil
	case "unix":
		return thrift.NewTSocketFromAddrConf(&net.UnixAddr{Name: asked.URL.Path, Net: "unix"}, configuration), nil
	default:
		return thrift.NewTSocketConf(asked.URL.Host, configuration), nil
	}
}

// connection is one connection, and the two services over it.
type connection struct {
	protocol thrift.TProtocol
	service  *conformance.ConformanceClient
	later    *conformance.LaterClient
	close    func() error
}

func connect(asked peer.Arguments) (*connection, error) {
	socket, err := raw(asked)
	if err != nil {
		return nil, err
	}
	transport, err := asked.TransportFactory().GetTransport(socket)
	if err != nil {
		return nil, err
	}
	protocol := asked.ProtocolFactory().GetProtocol(transport)
	if err := protocol.Transport().Open(); err != nil {
		return nil, err
	}
	client := thrift.NewTStandardClient(protocol, protocol)
	return &connection{
		protocol: protocol,
		service:  conformance.NewConformanceClient(client),
		later:    conformance.NewLaterClient(client),
		close:    transport.Close,
	}, nil
}

// attempt makes one check over a connection of its own.
func attempt(asked peer.Arguments, check func(*connection) error) error {
	made, err := connect(asked)
	if err != nil {
		return err
	}
	defer made.close()
	return check(made)
}

func main() {
	asked := peer.Parse()
	code := 0
	for _, check := range checks {
		if asked.Only != "" && asked.Only != check.name {
			continue
		}
		if err := attempt(asked, check.make); err != nil {
			code = 1
			fmt.Printf("FAIL %s: %q\n", check.name, err.Error())
		} else {
			fmt.Println("ok", check.name)
		}
	}
	os.Exit(code)
}
