//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	replicaCount = 3
	answerTime   = 15 * time.Second
)

// installation is NATS and replicas, all in processes of their own.
type installation struct {
	dir      string
	names    contract.Names
	servers  []address
	nodes    []*child // nil where one was killed
	replicas []*child
	memory   *memory
	path     string // of the memory
	conn     *nats.Conn
	js       jetstream.JetStream
	observer *observer
}

// address is where a NATS server listens.
type address struct {
	name          string
	port, cluster int
}

// install starts a NATS of some servers, and the replicas.
func install(ctx context.Context, dir string, servers int) (in *installation, err error) {
	in = &installation{dir: dir, nodes: make([]*child, servers), replicas: make([]*child, replicaCount), path: filepath.Join(dir, "memory")}
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return in, fmt.Errorf("directory of the installation: %w", err)
	}
	if in.names, err = contract.NewNames(contract.DefaultPrefix); err != nil {
		return in, err
	}
	if in.memory, err = createMemory(in.path); err != nil {
		return in, err
	}
	if err := in.startNodes(ctx, servers); err != nil {
		return in, err
	}
	if in.conn, err = nats.Connect(in.urls(), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond)); err != nil {
		return in, fmt.Errorf("connect: %w", err)
	}
	if in.js, err = jetstream.New(in.conn); err != nil {
		return in, fmt.Errorf("jetstream: %w", err)
	}
	if err := in.provision(ctx); err != nil {
		return in, err
	}
	if in.observer, err = observe(in.conn, in.names); err != nil {
		return in, err
	}
	for i := range in.replicas {
		if err := in.startReplica(ctx, i); err != nil {
			return in, err
		}
	}
	return in, nil
}

func (in *installation) startNodes(ctx context.Context, n int) error {
	for i := range n {
		s := address{name: "n" + strconv.Itoa(i+1)}
		var err error
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if n > 1 {
			if s.cluster, err = freePort(ctx); err != nil {
				return err
			}
		}
		in.servers = append(in.servers, s)
	}
	for i := range in.servers {
		if err := in.startNode(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (in *installation) startNode(ctx context.Context, i int) error {
	s := in.servers[i]
	args := []string{natsCommand, "-name", s.name, "-dir", filepath.Join(in.dir, s.name), "-port", strconv.Itoa(s.port)}
	if s.cluster != 0 {
		var routes []string
		for _, other := range in.servers {
			routes = append(routes, "nats://127.0.0.1:"+strconv.Itoa(other.cluster))
		}
		args = append(args, "-cluster", strconv.Itoa(s.cluster), "-routes", strings.Join(routes, ","))
	}
	c, err := spawn(ctx, in.dir, s.name, args...)
	if err != nil {
		return err
	}
	in.nodes[i] = c
	return nil
}

// freePort is one that nobody listens on. Another may take it before we do.
func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = ln.Close() }()
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("find a free port: no TCP address")
	}
	return addr.Port, nil
}

func (in *installation) urls() string {
	var all []string
	for _, s := range in.servers {
		all = append(all, fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", natsUser, natsPassword, s.port))
	}
	return strings.Join(all, ",")
}

// provision makes streams and buckets as the control plane does: on disk where
// there is one server, in the memory of all where there are several.
func (in *installation) provision(ctx context.Context) error {
	storage := jetstream.FileStorage
	if len(in.servers) > 1 {
		storage = jetstream.MemoryStorage
	}
	streams := []jetstream.StreamConfig{}
	for class, age := range map[limits.Class]time.Duration{limits.ClassMinute: 3 * time.Minute, limits.ClassHour: 3 * time.Hour} {
		streams = append(streams, jetstream.StreamConfig{
			Name: in.names.LimitStream(string(class)), Subjects: []string{in.names.LimitWildcard(string(class))}, Storage: storage, Replicas: len(in.servers),
			AllowMsgCounter: true, AllowDirect: true, MaxMsgsPerSubject: 1, MaxAge: age,
		})
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, s := range streams {
		if err := again(ctx, func(ctx context.Context) error { _, err := in.js.CreateOrUpdateStream(ctx, s); return err }); err != nil {
			return fmt.Errorf("make stream %s: %w", s.Name, err)
		}
	}
	for _, bucket := range []string{in.names.SlotsBucket(), in.names.SeatsBucket()} {
		b := jetstream.KeyValueConfig{Bucket: bucket, Storage: jetstream.MemoryStorage, Replicas: len(in.servers), History: 1}
		if bucket == in.names.SlotsBucket() {
			b.LimitMarkerTTL = time.Minute
		}
		if err := again(ctx, func(ctx context.Context) error { _, err := in.js.CreateOrUpdateKeyValue(ctx, b); return err }); err != nil {
			return fmt.Errorf("make bucket %s: %w", bucket, err)
		}
	}
	return nil
}

// again tries until it works: a new cluster has no leader at first, and answers
// nobody.
func again(ctx context.Context, do func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := do(once)
		cancel()
		if err == nil || !lifecycle.Sleep(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

func (in *installation) startReplica(ctx context.Context, i int) error {
	c, err := spawn(ctx, in.dir, "replica-"+strconv.Itoa(i), replicaCommand, "-index", strconv.Itoa(i), "-nats", in.urls(), "-memory", in.path)
	if err != nil {
		return err
	}
	in.replicas[i] = c
	return nil
}

// seated waits until every replica has a seat, and returns from when on.
func (in *installation) seated(ctx context.Context) (from time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = again(ctx, func(ctx context.Context) error {
		kv, err := in.js.KeyValue(ctx, in.names.SeatsBucket())
		if err != nil {
			return fmt.Errorf("seating plan: %w", err)
		}
		e, err := kv.Get(ctx, "plan")
		if err != nil {
			return fmt.Errorf("seating plan: %w", err)
		}
		var plan struct {
			Epochs []struct {
				From  int64             `json:"from"`
				Seats []json.RawMessage `json:"seats"`
			} `json:"epochs"`
		}
		if err := json.Unmarshal(e.Value(), &plan); err != nil {
			return fmt.Errorf("seating plan: %w", err)
		}
		if n := len(plan.Epochs); n == 0 || len(plan.Epochs[n-1].Seats) != len(in.replicas) {
			return errors.New("seating plan: not all replicas have seats")
		}
		from = time.UnixMilli(plan.Epochs[len(plan.Epochs)-1].From)
		return nil
	})
	return from, err
}

// each asks all replicas that live, and hands over their answers.
func (in *installation) each(ctx context.Context, o *order, patience time.Duration, wanted func(*event) bool, take func(replica int, e *event)) error {
	for _, r := range in.replicas {
		if r != nil {
			if err := r.tell(*o); err != nil {
				return err
			}
		}
	}
	return in.gather(ctx, patience, wanted, take)
}

// gather waits for an answer of every replica that lives.
func (in *installation) gather(ctx context.Context, patience time.Duration, wanted func(*event) bool, take func(replica int, e *event)) error {
	for i, r := range in.replicas {
		if r == nil {
			continue
		}
		e, err := r.await(ctx, patience, wanted)
		if err != nil {
			return err
		}
		take(i, e)
	}
	return nil
}

// reports is what each replica that lives has done.
func (in *installation) reports(ctx context.Context) (all map[int]report, err error) {
	all = map[int]report{}
	err = in.each(ctx, &order{Report: true}, answerTime, func(e *event) bool { return e.Report != nil }, func(i int, e *event) {
		all[i] = *e.Report
	})
	return all, err
}

// killReplica ends one as kill -9 does.
func (in *installation) killReplica(i int) {
	in.replicas[i].kill()
	in.replicas[i] = nil
	in.memory.bury(i)
}

// restartNode stops a server in good order and starts it again after a while.
// One that is alone has then lost what it had in memory, which the control plane
// makes anew.
func (in *installation) restartNode(ctx context.Context, i int, away time.Duration) error {
	in.nodes[i].stop()
	in.nodes[i] = nil
	lifecycle.Sleep(ctx, away)
	if err := in.startNode(ctx, i); err != nil {
		return err
	}
	return in.provision(ctx)
}

// killLeader ends the server that leads the counters of minutes.
func (in *installation) killLeader(ctx context.Context) (name string, err error) {
	s, err := in.js.Stream(ctx, in.names.LimitStream(string(limits.ClassMinute)))
	if err != nil {
		return "", fmt.Errorf("find leader: %w", err)
	}
	leader := s.CachedInfo().Cluster.Leader
	for i, one := range in.servers {
		if one.name == leader && in.nodes[i] != nil {
			in.nodes[i].kill()
			in.nodes[i] = nil
			return leader, nil
		}
	}
	return "", fmt.Errorf("find leader: %q is none of our servers", leader)
}

func (in *installation) close() {
	for _, r := range in.replicas {
		if r != nil {
			r.stop()
		}
	}
	if in.conn != nil {
		in.conn.Close()
	}
	for _, n := range in.nodes {
		if n != nil {
			n.stop()
		}
	}
	if in.memory != nil {
		in.memory.close()
	}
}

// tail copies the logs of all processes, for when something went wrong.
func (in *installation) tail(out io.Writer) {
	logs, _ := filepath.Glob(filepath.Join(in.dir, "*.log"))
	for _, log := range logs {
		if b, err := os.ReadFile(log); err == nil && len(b) > 0 { //nolint:gosec // ours
			_, _ = fmt.Fprintf(out, "--- %s\n%s", filepath.Base(log), b[max(0, len(b)-2000):])
		}
	}
}
