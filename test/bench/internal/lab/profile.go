package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// maxProfile keeps a profile within the client's patience.
const maxProfile = 20 * time.Second

// SaveProfile takes a CPU profile of a data plane and writes it to file.
func (l *Lab) SaveProfile(ctx context.Context, t *Target, d time.Duration, file string) error {
	seconds := max(1, int(min(d, maxProfile).Seconds()))
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", t.Debug, seconds)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return fmt.Errorf("take profile: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("take profile: status %d", resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("take profile: %w", err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return fmt.Errorf("save profile: %w", err)
	}
	return nil
}
