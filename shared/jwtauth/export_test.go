package jwtauth

import "encoding/json"

// ParseSet reads a key set and returns how many of its keys are used.
func ParseSet(data []byte) int {
	var d document
	if json.Unmarshal(data, &d) != nil {
		return 0
	}
	return len(parseKeys(d.Keys))
}
