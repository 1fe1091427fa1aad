package measure

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/load"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

const (
	serveTimeout = 20 * time.Second
	servePoll    = 10 * time.Millisecond
)

// startInstallation starts NATS, Postgres and the control plane, and makes the
// key that all measured calls carry.
func (r *runner) startInstallation(ctx context.Context) error {
	if !r.measures("tianji") && !r.wants(BlockName) {
		r.key = "sk-none"
		return nil
	}
	r.say("starting an installation")
	var err error
	if r.install, err = r.lab.Install(ctx); err != nil {
		return err
	}
	r.key, err = r.install.GenerateKey(ctx)
	return err
}

// startTargets starts the targets that most scenarios share.
func (r *runner) startTargets(ctx context.Context) error {
	if !r.wantsTargets() {
		return nil
	}
	var err error
	r.targets, err = r.fresh(ctx)
	return err
}

// fresh starts new targets and calls each until it answers.
func (r *runner) fresh(ctx context.Context) ([]*lab.Target, error) {
	var all []*lab.Target
	for _, kind := range []struct {
		name  string
		start func(context.Context) (*lab.Target, error)
	}{
		{"nginx", r.lab.Nginx},
		{"reverseproxy", r.lab.ReverseProxy},
		{"tianji", func(ctx context.Context) (*lab.Target, error) { return r.lab.DataPlane(ctx, false) }},
	} {
		if !r.measures(kind.name) {
			continue
		}
		t, err := kind.start(ctx)
		if err != nil {
			return all, err
		}
		if t == nil {
			continue
		}
		calls, err := r.serves(ctx, t, r.key)
		if err != nil {
			return all, err
		}
		r.count(t, calls)
		all = append(all, t)
	}
	return all, nil
}

// serves calls t until it answers, and returns the number of its answers.
func (r *runner) serves(ctx context.Context, t *lab.Target, key string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	conn, err := load.Dial(ctx, t.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	request := payload.Kind{PromptBytes: smallBody}.Request(t.Addr, key)
	for {
		a, err := conn.Do(request)
		if err == nil && a.Status == http.StatusOK {
			return 1, nil
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", t.Name, err)
		}
		if !lifecycle.Sleep(ctx, servePoll) {
			return 0, fmt.Errorf("%s answers with status %d: %w", t.Name, a.Status, context.Cause(ctx))
		}
	}
}

// count adds calls to those that the bill must hold.
func (r *runner) count(t *lab.Target, calls int) {
	if t.Name == lab.DataPlaneName {
		r.results.Calls += calls
	}
}
