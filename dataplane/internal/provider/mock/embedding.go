package mock

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

const (
	defaultDimensions = 8
	maxDimensions     = 4096
	maxInputs         = 2048 // OpenAI's
	maxNumbers        = 1 << 20
)

// embeddings answers with one vector for each input:
// https://platform.openai.com/docs/api-reference/embeddings/object
func (b *backend) embeddings(ctx context.Context, req *request) *reply {
	e, bad := readEmbedding(req)
	if bad != nil {
		return b.fail(ctx, req, badRequest(bad))
	}
	r := b.reply(ctx, req)
	dst := r.buf.b
	dst = append(dst, `{"object":"list","data":[`...)
	size := 0
	for i := range e.count {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `{"object":"embedding","index":`...), int64(i), 10)
		dst = append(dst, `,"embedding":`...)
		var n int
		dst, n = e.appendNext(dst)
		size += n
		dst = append(dst, '}')
	}
	dst = append(append(dst, `],"model":`...), b.model...)
	dst = append(dst, `,"usage":`...)
	if req.usage != nil {
		dst = append(dst, req.usage...)
	} else {
		dst = strconv.AppendInt(append(dst, `{"prompt_tokens":`...), int64(size), 10)
		dst = strconv.AppendInt(append(dst, `,"total_tokens":`...), int64(size), 10)
		dst = append(dst, '}')
	}
	r.write(append(dst, '}'))
	return r
}

// embedding goes through the inputs of a request.
type embedding struct {
	single []byte // the only input, unless there is a list of them
	list   walker
	count  int
	base64 bool
	vector []float32
	bytes  []byte
}

func readEmbedding(req *request) (*embedding, *optionError) {
	e := &embedding{count: 1}
	dimensions := defaultDimensions
	if v := req.dimensions; v != nil && string(v) != "null" {
		if err := setInt(&dimensions, []byte("dimensions"), v, 1, maxDimensions); err != nil {
			return nil, &optionError{"dimensions", fmt.Sprintf("a whole number from 1 to %d", maxDimensions)}
		}
	}
	switch string(req.encodingFormat) {
	case "", "null", `"float"`:
	case `"base64"`:
		e.base64, e.bytes = true, make([]byte, 0, 4*dimensions)
	default:
		return nil, &optionError{"encoding_format", "float or base64"}
	}
	switch {
	case len(req.input) > 0 && req.input[0] == '"', countNumbers(req.input) > 0:
		e.single = req.input
	case len(req.input) > 0 && req.input[0] == '[':
		e.count = 0
		for w := walk(req.input); w.next(); {
			e.count++
		}
		e.list = walk(req.input)
	default:
		return nil, &optionError{"input", "a string or a list"}
	}
	if e.count == 0 || e.count > min(maxInputs, maxNumbers/dimensions) {
		return nil, &optionError{"input", fmt.Sprintf("a list of 1 to %d inputs", min(maxInputs, maxNumbers/dimensions))}
	}
	e.vector = make([]float32, dimensions)
	return e, nil
}

// appendNext renders the vector of the next input and returns its tokens.
func (e *embedding) appendNext(dst []byte) (out []byte, size int) {
	input := e.single
	if input == nil && e.list.next() {
		input = e.list.value
	}
	seed := uint64(fnvOffset)
	if size = countNumbers(input); size > 0 {
		for w := walk(input); w.next(); {
			seed = fnv(fnv(seed, w.value), []byte{','})
		}
	} else {
		text := unquote(input)
		seed, size = fnv(seed, []byte(text)), tokens(len(text))
	}
	fillUnit(e.vector, seed)
	if e.base64 {
		return e.appendBase64(dst), size
	}
	dst = append(dst, '[')
	for i, f := range e.vector {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, float64(f), 'g', -1, 32)
	}
	return append(dst, ']'), size
}

// appendBase64 writes the numbers as OpenAI does: float32, little-endian.
func (e *embedding) appendBase64(dst []byte) []byte {
	e.bytes = e.bytes[:0]
	for _, f := range e.vector {
		e.bytes = binary.LittleEndian.AppendUint32(e.bytes, math.Float32bits(f))
	}
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), e.bytes), '"')
}

// FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
const (
	fnvOffset = 0xcbf29ce484222325
	fnvPrime  = 0x100000001b3
)

func fnv(h uint64, data []byte) uint64 {
	for _, c := range data {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}

// fillUnit makes a vector of length one out of a seed, with the numbers of
// SplitMix64: https://prng.di.unimi.it/splitmix64.c
func fillUnit(vector []float32, seed uint64) {
	sum := 0.0
	for i := range vector {
		seed += 0x9e3779b97f4a7c15
		z := (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		f := float64((z^z>>31)>>11)/(1<<52) - 1
		vector[i] = float32(f)
		sum += f * f
	}
	if sum == 0 {
		vector[0] = 1
		return
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range vector {
		vector[i] *= scale
	}
}
