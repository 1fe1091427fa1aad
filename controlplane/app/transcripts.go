package app

import (
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/transcript"
	"github.com/tianjillm/tianjillm/shared/period"
)

// keepTranscripts prepares what stores the texts of requests, and says how long
// they are kept: as long as spend logs, or shorter. It is there although they may
// not be asked for: some may still be on their way, or old.
func (a *App) keepTranscripts(cfg *proxyconfig.Config) error {
	a.transcripts = transcript.New(a.store, a.js, a.names, a.log, a.registry)
	a.transcriptAge = &transcript.Retention{Store: a.store, Logger: a.log, Age: a.spendLogs.Age}
	if cfg.General.PromptRetention == "" {
		return nil
	}
	p, err := period.Parse(cfg.General.PromptRetention)
	if err != nil {
		return fmt.Errorf("general_settings.maximum_stored_prompts_retention_period: %w", err)
	}
	epoch := time.Unix(0, 0)
	if age := p.After(epoch).Sub(epoch); a.spendLogs.Age == 0 || age < a.spendLogs.Age {
		a.transcriptAge.Age = age
	}
	return nil
}
