package contract

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// PrefixPrices starts the config keys of the parts of the price overlay.
const PrefixPrices = "prices.overlay."

// PriceOverlayKey is the config key of a part.
func PriceOverlayKey(part int) string { return PrefixPrices + strconv.Itoa(part) }

// PriceOverlay is a part of what users lay over the price table: one file of
// models in LiteLLM's format, compressed with gzip and cut to fit into
// messages of the bus.
type PriceOverlay struct {
	Head

	// Sum is the SHA-256 of the whole compressed file in hex: parts with
	// another one belong to another file.
	Sum   string `json:"sum"`
	Part  int    `json:"part"`
	Parts int    `json:"parts"`
	Data  []byte `json:"data"`
}

const (
	// pricePart bounds a part in bytes: with base64 it stays well below the
	// megabyte that NATS takes by default.
	pricePart = 512 << 10
	// MaxPriceParts bounds the parts of one file.
	MaxPriceParts = 16
	maxPriceFile  = 16 << 20
)

// ErrPriceParts means that parts do not make up a file (yet).
var ErrPriceParts = errors.New("parts of the price overlay are missing")

// SplitPrices compresses a price file and cuts it into records. The same file
// makes the same records.
func SplitPrices(file []byte) ([]*PriceOverlay, error) {
	if len(file) > maxPriceFile {
		return nil, fmt.Errorf("price overlay: %d bytes are more than the %d that are possible", len(file), maxPriceFile)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(file)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress price overlay: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	count := (b.Len() + pricePart - 1) / pricePart
	if count > MaxPriceParts {
		return nil, fmt.Errorf("price overlay: %d compressed bytes are more than %d parts hold", b.Len(), MaxPriceParts)
	}
	parts := make([]*PriceOverlay, count)
	for i := range parts {
		parts[i] = &PriceOverlay{Sum: hex.EncodeToString(sum[:]), Part: i, Parts: count, Data: b.Next(pricePart)}
	}
	return parts, nil
}

// JoinPrices puts the parts of a file together again, in whatever order they
// come. Parts of other files among them are an ErrPriceParts: they come and go
// while a file is being replaced.
func JoinPrices(parts []*PriceOverlay) ([]byte, error) {
	if len(parts) == 0 {
		return nil, ErrPriceParts
	}
	first := parts[0]
	if first.Parts != len(parts) || first.Parts > MaxPriceParts {
		return nil, ErrPriceParts
	}
	ordered := make([][]byte, first.Parts)
	for _, p := range parts {
		if p.Sum != first.Sum || p.Parts != first.Parts || p.Part < 0 || p.Part >= len(ordered) || ordered[p.Part] != nil {
			return nil, ErrPriceParts
		}
		ordered[p.Part] = p.Data
	}
	compressed := bytes.Join(ordered, nil)
	if sum := sha256.Sum256(compressed); hex.EncodeToString(sum[:]) != first.Sum {
		return nil, errors.New("price overlay: the check sum does not fit")
	}
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("decompress price overlay: %w", err)
	}
	file, err := io.ReadAll(io.LimitReader(r, maxPriceFile+1))
	if err != nil {
		return nil, fmt.Errorf("decompress price overlay: %w", err)
	}
	if len(file) > maxPriceFile {
		return nil, errors.New("price overlay: it is too large once it is decompressed")
	}
	return file, nil
}
