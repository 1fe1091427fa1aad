package app

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
)

// keys makes the service of virtual keys, and what gives them new texts by
// themselves.
func (a *App) keys(cfg *proxyconfig.Config) (*key.Service, error) {
	rules, err := key.NewRules(cfg)
	if err != nil {
		return nil, err
	}
	grace := a.rotationSetting(cfg, "GRACE_PERIOD")
	if err := rules.SetGrace(grace); err != nil {
		return nil, fmt.Errorf("TIANJI_KEY_ROTATION_GRACE_PERIOD: %w", err)
	}
	keys := key.NewWithRules(a.store, rules)
	o := key.RotatorOptions{Grace: grace, Logger: a.log}
	if text := a.rotationSetting(cfg, "ENABLED"); text != "" {
		if o.Enabled, err = strconv.ParseBool(text); err != nil {
			return nil, fmt.Errorf("TIANJI_KEY_ROTATION_ENABLED: %w", err)
		}
	}
	if text := a.rotationSetting(cfg, "CHECK_INTERVAL_SECONDS"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil || seconds == 0 {
			return nil, fmt.Errorf("TIANJI_KEY_ROTATION_CHECK_INTERVAL_SECONDS: want a number of seconds, not %q", text)
		}
		o.Every = time.Duration(seconds) * time.Second
	}
	a.rotator, err = key.NewRotator(keys, o)
	return keys, err
}

// rotationSetting is one of LiteLLM's environment variables about the rotation of
// keys, or our twin of it.
func (a *App) rotationSetting(cfg *proxyconfig.Config, name string) string {
	return cmp.Or(a.variable(cfg, "TIANJI_KEY_ROTATION_"+name).Reveal(), a.variable(cfg, "LITELLM_KEY_ROTATION_"+name).Reveal())
}
