// The server serves with Apache's Go library, and prints where.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"

	"fastthrift.example/conformance/gen/conformance"
	"fastthrift.example/conformance/peer"
	"github.com/apache/thrift/lib/go/thrift"
)

// handler does what conformance.thrift says.
type handler struct{ notes sync.Map }

func (*handler) Nothing(context.Context) error { return nil }

func (*handler) EchoBool(_ context.Context, value bool) (bool, error)         { return value, nil }
func (*handler) EchoI8(_ context.Context, value int8) (int8, error)           { return value, nil }
func (*handler) EchoI16(_ context.Context, value int16) (int16, error)        { return value, nil }
func (*handler) EchoI32(_ context.Context, value int32) (int32, error)        { return value, nil }
func (*handler) EchoI64(_ context.Context, value int64) (int64, error)        { return value, nil }
func (*handler) EchoDouble(_ context.Context, value float64) (float64, error) { return value, nil }
func (*handler) EchoString(_ context.Context, value string) (string, error)   { return value, nil }
func (*handler) EchoBinary(_ context.Context, value []byte) ([]byte, error)   { return value, nil }
func (*handler) EchoList(_ context.Context, value []int32) ([]int32, error)   { return value, nil }
func (*handler) EchoSet(_ context.Context, value []string) ([]string, error)  { return value, nil }

func (*handler) EchoColour(_ context.Context, value conformance.Colour) (conformance.Colour, error) {
	return value, nil
}

func (*handler) EchoMap(_ context.Context, value map[string]int64) (map[string]int64, error) {
	return value, nil
}

func (*handler) EchoFlags(_ context.Context, value []bool) ([]bool, error) { return value, nil }

func (*handler) EchoLists(_ context.Context, value map[string][]int32) (map[string][]int32, error) {
	return value, nil
}

func (*handler) EchoInner(_ context.Context, value *conformance.Inner) (*conformance.Inner, error) {
	return value, nil
}

func (*handler) EchoChoice(_ context.Context, value *conformance.Choice) (*conformance.Choice, error) {
	return value, nil
}

func (*handler) EchoEverything(
	_ context.Context, value *conformance.Everything,
) (*conformance.Everything, error) {
	return value, nil
}

func (*handler) EchoTree(_ context.Context, value *conformance.Tree) (*conformance.Tree, error) {
	return value, nil
}

func (*handler) Defaults(context.Context) (*conformance.Defaults, error) {
	return conformance.NewDefaults(), nil
}

func (*handler) Several(_ context.Context, a, b, c int32) (int32, error) { return a - b*c, nil }

func (h *handler) Check(ctx context.Context, code int32) (int32, error) {
	if code > 100 {
		return 0, &conformance.TooLate{Since: int64(code)}
	}
	return code, h.CheckNothing(ctx, code)
}

func (*handler) CheckNothing(_ context.Context, code int32) error {
	if code < 0 {
		return &conformance.Refused{Reason: "below zero", Code: code}
	}
	return nil
}

func (*handler) Crash(context.Context) error { return errors.New("what only the server may know") }

func (h *handler) Note(_ context.Context, text string) error {
	h.notes.Store(text, true)
	return nil
}

func (h *handler) WasNoted(_ context.Context, text string) (bool, error) {
	_, was := h.notes.Load(text)
	return was, nil
}

// listen opens the socket of the URL and prints where it is.
func listen(asked peer.Arguments) (net.Listener, error) {
	network, address := "tcp", asked.URL.Host
	if asked.URL.Scheme == "unix" {
		network, address = "unix", asked.URL.Path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	if asked.URL.Scheme == "tls" || asked.URL.Scheme == "https" {
		certificate, err := tls.LoadX509KeyPair(asked.Cert, asked.Key)
		if err != nil {
			return nil, err
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	if network == "unix" {
		fmt.Println("listening", asked.URL)
	} else {
		fmt.Printf("listening %s://%s%s\n", asked.URL.Scheme, listener.Addr(), asked.URL.Path)
	}
	return listener, nil
}

func main() {
	asked := peer.Parse()
	processor := thrift.NewTMultiplexedProcessor()
	service := conformance.NewConformanceProcessor(&handler{})
	processor.RegisterProcessor(peer.MultiplexedName, service)
	processor.RegisterDefault(service)
	listener, err := listen(asked)
	if err != nil {
		log.Fatal(err)
	}
	protocols := asked.ProtocolFactory()
	if asked.IsHTTP() {
		log.Fatal(http.Serve(listener, http.HandlerFunc(thrift.NewThriftHandlerFunc(processor, protocols, protocols))))
	}
	socket := thrift.NewTServerSocketFromFactoryTimeout(
		func(net.Addr) (net.Listener, error) { return listener, nil }, listener.Addr(), 0)
	server := thrift.NewTSimpleServer4(processor, socket, asked.TransportFactory(), protocols)
	server.SetLogger(func(string) {})
	log.Fatal(server.Serve())
}
