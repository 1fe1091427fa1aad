package app

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// Natives returns the constructors of providers that are more than a row.
func Natives() map[string]func(provider.Config, native.Doer, native.Fetcher) (provider.Backend, error) {
	all := map[string]func(provider.Config, native.Doer, native.Fetcher) (provider.Backend, error){}
	for slug, build := range natives() {
		all[slug] = build
	}
	return all
}
