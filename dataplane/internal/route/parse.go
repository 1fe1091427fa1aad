package route

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// parseFallbacks reads what LiteLLM takes as fallbacks in a request: a list of
// names, or of objects that change the request ({"model": "b", "temperature":
// 0}), for every group and error; or the form of the settings, [{"a": ["b"]}].
func parseFallbacks(raw json.RawMessage) (list []target, mapped *chains, err error) {
	if len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil, nil, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, nil, errFallbacks
	}
	if len(items) > maxTargets {
		return nil, nil, fmt.Errorf("%d fallbacks: want at most %d", len(items), maxTargets)
	}
	var written []contract.Fallback
	for _, item := range items {
		t, f, err := parseItem(item)
		switch {
		case err != nil:
			return nil, nil, err
		case f != nil:
			written = append(written, f...)
		default:
			list = append(list, t)
		}
	}
	if list != nil && written != nil || len(written) > maxTargets {
		return nil, nil, errFallbacks
	}
	if written != nil {
		c := newChains(written)
		return nil, &c, nil
	}
	return list, nil, nil
}

func parseItem(item json.RawMessage) (t target, mapped []contract.Fallback, err error) {
	if json.Unmarshal(item, &t.model) == nil && t.model != "" {
		return t, nil, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(item, &members) != nil || len(members) == 0 {
		return t, nil, errFallbacks
	}
	for group, value := range members {
		to := contract.Fallback{Model: group}
		var models []string
		if json.Unmarshal(value, &models) != nil || len(models) == 0 || len(models) > maxTargets {
			mapped = nil
			break
		}
		for _, m := range models {
			to.To = append(to.To, contract.FallbackTarget{Model: m})
		}
		mapped = append(mapped, to)
	}
	if mapped != nil {
		return t, mapped, nil
	}
	if model, ok := members["model"]; ok && json.Unmarshal(model, &t.model) != nil {
		return t, nil, errFallbacks
	}
	t.merge = item
	return t, nil, nil
}
