//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // a cluster, which natsembed is not

	"github.com/tianjillm/tianjillm/shared/natsembed"
)

const (
	natsUser     = "lab"
	natsPassword = "lab" // of servers on loopback that live for minutes
)

// node is a NATS server: alone, or one of a cluster.
type node struct {
	name, dir    string
	port         int
	cluster      int    // port for the others, 0 for one that is alone
	routes       string // of all, comma-separated
	readyTimeout time.Duration
}

func runNode(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	n := node{readyTimeout: 10 * time.Second}
	set := flag.NewFlagSet(natsCommand, flag.ContinueOnError)
	set.StringVar(&n.name, "name", "n1", "")
	set.StringVar(&n.dir, "dir", "", "")
	set.IntVar(&n.port, "port", 0, "")
	set.IntVar(&n.cluster, "cluster", 0, "")
	set.StringVar(&n.routes, "routes", "", "")
	if err := set.Parse(args); err != nil {
		return err
	}
	stop, err := n.start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := json.NewEncoder(stdout).Encode(event{Ready: true}); err != nil {
		return fmt.Errorf("say ready: %w", err)
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

func (n *node) start(ctx context.Context) (stop func(), err error) {
	if n.cluster != 0 {
		return n.join()
	}
	s, err := natsembed.Start(ctx, natsembed.Options{
		StoreDir: n.dir, Port: n.port, ServerName: n.name, Users: []natsembed.User{{Name: natsUser, Password: natsPassword}},
	})
	if err != nil {
		return nil, err
	}
	return s.Stop, nil
}

// join starts a server of a cluster, with the settings of natsembed.
func (n *node) join() (stop func(), err error) {
	o := &server.Options{
		ServerName: n.name, Host: "127.0.0.1", Port: n.port, NoSigs: true, MaxPayload: 2 << 20,
		PingInterval: 5 * time.Second, MaxPingsOut: 2, WriteDeadline: 2 * time.Second,
		JetStream: true, StoreDir: n.dir, DisableJetStreamBanner: true,
		Cluster: server.ClusterOpts{Name: "lab", Host: "127.0.0.1", Port: n.cluster},
		Users:   []*server.User{{Username: natsUser, Password: natsPassword}},
	}
	for r := range strings.SplitSeq(n.routes, ",") {
		u, err := url.Parse(r)
		if err != nil {
			return nil, fmt.Errorf("route: %w", err)
		}
		o.Routes = append(o.Routes, u)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	s.ConfigureLogger()
	s.Start()
	if !s.ReadyForConnections(n.readyTimeout) {
		s.Shutdown()
		return nil, errors.New("nats server: not ready for connections")
	}
	return func() {
		s.Shutdown()
		s.WaitForShutdown()
	}, nil
}
