package upstream_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const vendorCommand = "serve-vendor"

// serveVendor answers on loopback until its standard input ends. It prints its
// URL and, for https, its certificate.
func serveVendor(scheme string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fatal(err)
	}
	fmt.Fprintln(os.Stdout, scheme+"://"+ln.Addr().String())
	if scheme == "https" {
		cert, block := vendorCertificate()
		fmt.Fprint(os.Stdout, string(block))
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	}
	fmt.Fprintln(os.Stdout)
	go func() { fatal(http.Serve(ln, vendor())) }()
	io.Copy(io.Discard, os.Stdin)
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func vendorCertificate() (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func vendor() http.Handler {
	answer := []byte(`{"id":"chatcmpl-1","object":"chat.completion","choices":[{"message":{"content":"` + strings.Repeat("x", 900) + `"}}],"usage":{"total_tokens":10}}`)
	event := []byte("data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"}}]}\n\n")
	mux := http.NewServeMux()
	mux.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		for i := range 12 { // vendors send about as many
			h.Set(fmt.Sprintf("X-Ratelimit-Field-%d", i), "30000")
		}
		w.Write(answer)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for range 50 {
			w.Write(event)
			rc.Flush()
		}
		io.WriteString(w, "data: [DONE]\n\n")
	})
	return mux
}

// startVendor runs serveVendor in a child process.
func startVendor(b *testing.B, scheme string) (base string, roots *x509.CertPool) {
	b.Helper()
	cmd := exec.Command(os.Args[0], vendorCommand, scheme)
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	cmd.Stderr = os.Stderr
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	var text []byte
	for buf := make([]byte, 4096); !bytes.HasSuffix(text, []byte("\n\n")); {
		n, err := out.Read(buf)
		require.NoError(b, err)
		text = append(text, buf[:n]...)
	}
	base, rest, _ := strings.Cut(string(text), "\n")
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(rest))
	return base, roots
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs op in 32 goroutines and reports the CPU time of this process.
func measure(b *testing.B, op func(ctx context.Context, buf []byte) error) {
	b.Helper()
	for range 64 {
		require.NoError(b, op(b.Context(), make([]byte, 32<<10)))
	}
	b.ReportAllocs()
	b.SetParallelism(32 / runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	var failed error
	runtime.GC()
	before := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		buf := make([]byte, 32<<10)
		for pb.Next() {
			ctx, cancel := context.WithCancel(b.Context())
			err := op(ctx, buf)
			cancel()
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
	require.NoError(b, failed)
}

func readAll(r io.Reader, buf []byte) error {
	for {
		_, err := r.Read(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

type exchangeFunc func(ctx context.Context, buf []byte) error

func upstreamExchange(b *testing.B, rawurl string, body []byte, roots *x509.CertPool) exchangeFunc {
	b.Helper()
	c, err := upstream.New(upstream.Options{TLS: &tls.Config{RootCAs: roots}})
	require.NoError(b, err)
	b.Cleanup(c.Close)
	target, err := upstream.ParseTarget(rawurl)
	require.NoError(b, err)
	head, err := upstream.NewHead(
		upstream.Field{Name: "Authorization", Value: "Bearer sk-0123456789"},
		upstream.Field{Name: "Content-Type", Value: "application/json"},
	)
	require.NoError(b, err)
	cut := len(body) / 3
	req := &upstream.Request{
		Method: "POST", Target: target, Head: head, Body: [][]byte{body[:cut], body[cut : cut+10], body[cut+10:]},
		HeaderTimeout: time.Minute, IdleTimeout: time.Minute,
	}
	return func(ctx context.Context, buf []byte) error {
		resp, err := c.Do(ctx, req)
		if err != nil {
			return err
		}
		defer resp.Close()
		return readAll(resp, buf)
	}
}

func transportExchange(b *testing.B, rawurl string, body []byte, roots *x509.CertPool) exchangeFunc {
	b.Helper()
	tr := &http.Transport{
		MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: time.Minute,
		DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	b.Cleanup(tr.CloseIdleConnections)
	u, err := url.Parse(rawurl)
	require.NoError(b, err)
	header := http.Header{"Authorization": {"Bearer sk-0123456789"}, "Content-Type": {"application/json"}}
	return func(ctx context.Context, buf []byte) error {
		req := (&http.Request{
			Method: http.MethodPost, URL: u, Header: header, ContentLength: int64(len(body)),
			Body: io.NopCloser(bytes.NewReader(body)),
		}).WithContext(ctx)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return readAll(resp.Body, buf)
	}
}

func BenchmarkExchange(b *testing.B) {
	clients := []struct {
		name string
		make func(*testing.B, string, []byte, *x509.CertPool) exchangeFunc
	}{{"upstream", upstreamExchange}, {"transport", transportExchange}}
	cases := []struct {
		name, path string
		size       int
	}{{"json", "/json", 1 << 10}, {"prompt100k", "/json", 100 << 10}, {"stream50", "/stream", 1 << 10}}
	for _, scheme := range []string{"http", "https"} {
		for _, cs := range cases {
			for _, cl := range clients {
				b.Run(scheme+"/"+cs.name+"/"+cl.name, func(b *testing.B) {
					base, roots := startVendor(b, scheme)
					measure(b, cl.make(b, base+cs.path, bytes.Repeat([]byte("a"), cs.size), roots))
				})
			}
		}
	}
}
