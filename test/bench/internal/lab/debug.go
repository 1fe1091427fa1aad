package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// maxProfile keeps a profile within the client's patience.
	maxProfile = 20 * time.Second
	maxDebug   = 64 << 20
)

// Profiles that a target can be asked for.
const (
	CPUProfile    = "profile"
	AllocsProfile = "allocs"
)

// SaveProfile takes a profile of a target and writes it to file.
func (l *Lab) SaveProfile(ctx context.Context, t *Target, profile string, d time.Duration, file string) error {
	b, err := l.debug(ctx, t, profile+"?seconds="+strconv.Itoa(max(1, int(min(d, maxProfile).Seconds()))))
	if err != nil {
		return fmt.Errorf("take profile: %w", err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return fmt.Errorf("save profile: %w", err)
	}
	return nil
}

// Allocated is what a Go program allocated on its heap so far.
type Allocated struct{ Objects, Bytes float64 }

// Since returns what was allocated after before.
func (a Allocated) Since(before Allocated) Allocated {
	return Allocated{a.Objects - before.Objects, a.Bytes - before.Bytes}
}

// Allocated asks a target what it allocated.
func (l *Lab) Allocated(ctx context.Context, t *Target) (Allocated, error) {
	b, err := l.debug(ctx, t, AllocsProfile+"?debug=1")
	if err != nil {
		return Allocated{}, fmt.Errorf("ask for allocations: %w", err)
	}
	return parseAllocated(string(b))
}

// parseAllocated reads the end of a profile in text, which is runtime.MemStats.
func parseAllocated(text string) (a Allocated, err error) {
	for name, to := range map[string]*float64{"\n# Mallocs = ": &a.Objects, "\n# TotalAlloc = ": &a.Bytes} {
		_, after, _ := strings.Cut(text, name)
		line, _, _ := strings.Cut(after, "\n")
		if *to, err = strconv.ParseFloat(line, 64); err != nil {
			return a, fmt.Errorf("profile of allocations: %s: %w", strings.TrimSpace(name), err)
		}
	}
	return a, nil
}

// debug reads from a target's pprof.
func (l *Lab) debug(ctx context.Context, t *Target, what string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.Debug+"/debug/pprof/"+what, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", t.Name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDebug))
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", t.Name, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", t.Name, resp.StatusCode)
	}
	return b, nil
}
