package pricebook

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Sources say where the price files are. The one at Path is laid over the one
// at URL. Neither is needed.
type Sources struct {
	URL  string
	Path string
	// MinModels and MaxShrink guard against a file at URL that was cut off or
	// replaced: it must have so many models, and so large a part of those that
	// the last one had.
	MinModels int
	MaxShrink float64
}

// LiteLLM's values.
const (
	defaultMinModels = 50
	defaultMaxShrink = 0.5
)

// FromConfig reads the sources from the config file and from LiteLLM's
// environment variables, of which the config file wins. Prices are never
// fetched unless somebody asked for it.
func FromConfig(cfg *proxyconfig.Config, lookup config.Lookup) (Sources, error) {
	s := Sources{URL: cfg.General.ModelCostMapURL, Path: cfg.General.ModelCostMapPath, MinModels: defaultMinModels, MaxShrink: defaultMaxShrink}
	if s.URL == "" {
		s.URL = cfg.Settings.ModelCostMapURL
	}
	if s.URL == "" {
		s.URL, _ = lookup("LITELLM_MODEL_COST_MAP_URL")
	}
	if local, _ := lookup("LITELLM_LOCAL_MODEL_COST_MAP"); local != "" {
		only, err := strconv.ParseBool(local)
		if err != nil {
			return s, fmt.Errorf("LITELLM_LOCAL_MODEL_COST_MAP: want True or False: %w", err)
		}
		if only {
			s.URL = ""
		}
	}
	if s.URL != "" {
		if err := checkURL(s.URL); err != nil {
			return s, fmt.Errorf("model_cost_map_url: %w", err)
		}
	}
	if text, ok := lookup("MODEL_COST_MAP_MIN_MODEL_COUNT"); ok && text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return s, errors.New("MODEL_COST_MAP_MIN_MODEL_COUNT: want a whole number that is not negative")
		}
		s.MinModels = n
	}
	if text, ok := lookup("MODEL_COST_MAP_MAX_SHRINK_RATIO"); ok && text != "" {
		ratio, err := strconv.ParseFloat(text, 64)
		if err != nil || ratio < 0 || ratio > 1 {
			return s, errors.New("MODEL_COST_MAP_MAX_SHRINK_RATIO: want a number from 0 to 1")
		}
		s.MaxShrink = ratio
	}
	return s, nil
}

// checkURL allows https, and http on this machine.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("want an address such as https://example.com/prices.json")
	}
	return checkParsed(u)
}

func checkParsed(u *url.URL) error {
	host := u.Hostname()
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && local {
		return nil
	}
	return fmt.Errorf("prices are fetched over https only, not from %s://%s", u.Scheme, u.Host)
}

// Options configure a Keeper.
type Options struct {
	Sources  Sources
	JS       jetstream.JetStream
	Names    contract.Names
	Logger   *slog.Logger
	Registry prometheus.Registerer
	// Transport fetches files; nil is one that follows the proxy variables.
	Transport http.RoundTripper
}
