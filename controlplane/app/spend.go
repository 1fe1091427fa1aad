package app

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/ledger"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/period"
)

// spendRetention says how long single calls are kept. The sums of days are kept
// for good.
func spendRetention(cfg *proxyconfig.Config, st *store.Store, log *slog.Logger) (*ledger.Retention, error) {
	r := &ledger.Retention{Store: st, Logger: log}
	if cfg.General.SpendRetention == "" {
		return r, nil
	}
	p, err := period.Parse(cfg.General.SpendRetention)
	if err != nil {
		return nil, fmt.Errorf("general_settings.maximum_spend_logs_retention_period: %w", err)
	}
	epoch := time.Unix(0, 0)
	r.Age = p.After(epoch).Sub(epoch)
	return r, nil
}
