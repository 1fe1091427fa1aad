// Package access holds the rule that both planes must apply alike to models:
// which ones a list allows. Who may do what else is package policy's.
package access

import "strings"

// Names in a list of models that mean more than one.
const (
	allProxyModels = "all-proxy-models"
	allTeamModels  = "all-team-models"
	noDefault      = "no-default-models"
)

// Model reports whether a list of models allows one. An empty list allows all;
// an item may end in '*'.
func Model(list []string, model string) bool {
	if len(list) == 0 {
		return true
	}
	for _, item := range list {
		switch item {
		case allProxyModels, allTeamModels: // a team's own list is checked beside its keys'
			return true
		case noDefault:
			continue
		}
		if item == model {
			return true
		}
		if prefix, ok := strings.CutSuffix(item, "*"); ok && strings.HasPrefix(model, prefix) {
			return true
		}
	}
	return false
}
