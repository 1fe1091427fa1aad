package seat

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const maxBeat = 4 << 10 // bytes

// beat says that a replica is there, or goes.
type beat struct {
	seat

	V int `json:"v"`
	// Horizon is how far the sender knows the plan, 0 if not at all.
	Horizon int64 `json:"horizon,omitempty"`
	Gone    bool  `json:"gone,omitempty"`
}

func parseBeat(data []byte) (beat, error) {
	if len(data) > maxBeat {
		return beat{}, errors.New("beat is too large")
	}
	var b beat
	if err := json.Unmarshal(data, &b); err != nil {
		return beat{}, fmt.Errorf("decode beat: %w", err)
	}
	if !b.valid() || b.V < 1 || b.Horizon < 0 {
		return beat{}, errors.New("beat: a member is missing or out of range")
	}
	return b, nil
}

func (b beat) encode() ([]byte, error) {
	b.V = contract.SchemaVersion
	data, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode beat: %w", err)
	}
	return data, nil
}
