package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/test/bench/internal/child"
)

// Installation is NATS, Postgres and the control plane, with what other data
// planes need to join. Its own data plane gets no traffic.
type Installation struct {
	lab     *Lab
	process *child.Process
	admin   string
	env     []string
}

// Install starts an installation.
func (l *Lab) Install(ctx context.Context) (*Installation, error) {
	file := filepath.Join(l.dir, "config.yaml")
	if err := os.WriteFile(file, configuration(l.Direct().Addr), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	data := filepath.Join(l.dir, "installation")
	p, err := l.start(ctx, child.Spec{
		Name: "tianji", Path: l.opts.Tianji, Cores: l.others, Ready: "ready ", Grace: 45 * time.Second,
		Args: []string{
			"standalone", "--config", file, "--data-dir", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0",
		},
	})
	if err != nil {
		return nil, err
	}
	in := &Installation{lab: l, process: p}
	var ok bool
	if in.admin, ok = field(p.ReadyLine(), "admin"); !ok {
		return nil, fmt.Errorf("the ready line names no admin address: %q", p.ReadyLine())
	}
	env, err := os.ReadFile(filepath.Join(data, "dataplane.env")) //nolint:gosec // our own directory
	if err != nil {
		return nil, fmt.Errorf("read what a data plane needs to join: %w", err)
	}
	if in.env, err = parseEnv(string(env)); err != nil {
		return nil, err
	}
	l.installation = in
	return in, nil
}

// field reads name=value from a line.
func field(line, name string) (string, bool) {
	for f := range strings.FieldsSeq(line) {
		if v, ok := strings.CutPrefix(f, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// parseEnv reads lines of NAME='value' as a shell would, in which a quote
// closes the value, stands behind a backslash, and opens the value again.
func parseEnv(text string) ([]string, error) {
	var env []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || len(value) < 2 || value[0] != '\'' || value[len(value)-1] != '\'' {
			return nil, errors.New("dataplane.env: want lines of NAME='value'")
		}
		env = append(env, name+"="+strings.ReplaceAll(value[1:len(value)-1], `'\''`, "'"))
	}
	return env, nil
}

// GenerateKey makes a virtual key for the models and returns it.
func (in *Installation) GenerateKey(ctx context.Context) (string, error) {
	var reply struct {
		Key string `json:"key"`
	}
	if err := in.call(ctx, http.MethodPost, "/key/generate", map[string]any{"models": models()}, &reply); err != nil {
		return "", err
	}
	return reply.Key, nil
}

// GenerateOwnedKey makes a virtual key of a user in a team. A limited one is
// under eight limits that are never reached: of requests, tokens, money and
// calls under way of its own, and of requests and tokens of its team and of its
// user.
func (in *Installation) GenerateOwnedKey(ctx context.Context, limited bool) (string, error) {
	const plenty = 1 << 40
	owner, own := map[string]any{}, map[string]any{}
	if limited {
		owner = map[string]any{"rpm_limit": plenty, "tpm_limit": plenty}
		own = map[string]any{"rpm_limit": plenty, "tpm_limit": plenty, "max_budget": 1e6, "max_parallel_requests": 1 << 20}
	}
	var team struct {
		ID string `json:"team_id"`
	}
	if err := in.call(ctx, http.MethodPost, "/team/new", owner, &team); err != nil {
		return "", err
	}
	var user struct {
		ID string `json:"user_id"`
	}
	owner["auto_create_key"] = false
	if err := in.call(ctx, http.MethodPost, "/user/new", owner, &user); err != nil {
		return "", err
	}
	var reply struct {
		Key string `json:"key"`
	}
	own["models"], own["team_id"], own["user_id"] = models(), team.ID, user.ID
	err := in.call(ctx, http.MethodPost, "/key/generate", own, &reply)
	return reply.Key, err
}

// BlockKey blocks a key.
func (in *Installation) BlockKey(ctx context.Context, key string) error {
	return in.call(ctx, http.MethodPost, "/key/block", map[string]any{"key": key}, nil)
}

// Spend is what is booked for a key, in US dollars.
func (in *Installation) Spend(ctx context.Context, key string) (float64, error) {
	var reply struct {
		Info struct {
			Spend float64 `json:"spend"`
		} `json:"info"`
	}
	err := in.call(ctx, http.MethodGet, "/key/info?key="+url.QueryEscape(key), nil, &reply)
	return reply.Info.Spend, err
}

// CPU is the CPU time that NATS, Postgres and the control plane used so far.
func (in *Installation) CPU() (time.Duration, error) {
	return in.process.CPU()
}

func (in *Installation) call(ctx context.Context, method, path string, body, reply any) error {
	var send io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode call of %s: %w", path, err)
		}
		send = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, in.admin+path, send)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+masterKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := in.lab.client.Do(req)
	if err != nil {
		return fmt.Errorf("call control plane: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read answer of control plane: %w", err)
	}
	name, _, _ := strings.Cut(path, "?")
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", name, resp.StatusCode)
	}
	if reply == nil {
		return nil
	}
	if err := json.Unmarshal(b, reply); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
