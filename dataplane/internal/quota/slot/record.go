package slot

import (
	"encoding/json"
	"errors"
	"fmt"
)

const (
	maxRecord  = 64 << 10
	maxHolders = 1024
	maxSlots   = 1 << 40
)

// holders say how many slots each holder has; none has zero. They are not
// changed once made.
type holders map[string]int64

func (h holders) sum() int64 {
	total := int64(0)
	for _, n := range h {
		total += n
	}
	return total
}

func (h holders) add(id string, n int64) {
	if n += h[id]; n > 0 {
		h[id] = n
	} else {
		delete(h, id)
	}
}

func (h holders) check() error {
	if len(h) > maxHolders {
		return fmt.Errorf("%d holders: want at most %d", len(h), maxHolders)
	}
	for id, n := range h {
		if id == "" || n <= 0 || n > maxSlots {
			return fmt.Errorf("a holder has %d slots: want 1 to %d, and a name", n, int64(maxSlots))
		}
	}
	return nil
}

// record is the value of a key of the bucket.
type record struct {
	Holders holders `json:"h"`
}

// parseRecord reads a record. None at all, or a marker of one that expired, is
// one without holders.
func parseRecord(data []byte) (holders, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) > maxRecord {
		return nil, errors.New("slot record is too large")
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("decode slot record: %w", err)
	}
	if err := r.Holders.check(); err != nil {
		return nil, fmt.Errorf("slot record: %w", err)
	}
	return r.Holders, nil
}

func (h holders) encode() ([]byte, error) {
	data, err := json.Marshal(record{Holders: h})
	if err != nil {
		return nil, fmt.Errorf("encode slot record: %w", err)
	}
	return data, nil
}
