// Package vector finds the nearest of some thousand vectors by comparing with
// all of them, which is exact, needs no building, and takes less time than the
// embedding call before it.
//
// Vectors stand on shelves: only those on the same shelf are compared. All of
// it is bounded in bytes; the shelf that was not used for longest goes first. It
// owns no goroutine.
package vector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// MaxDimensions bounds the length of a vector.
const MaxDimensions = 8192

// Normalise scales v to length 1, so that the dot product of two is the cosine
// of their angle. It reports false for what has no direction.
func Normalise(v []float32) bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsNaN(sum) || math.IsInf(sum, 0) {
		return false
	}
	scale := 1 / math.Sqrt(sum) // of tiny numbers it is too large for a float32
	for i := range v {
		v[i] = float32(float64(v[i]) * scale)
	}
	return true
}

// dot is the dot product of two vectors of equal length. Four sums keep the
// processor's units busy where one would wait for itself.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 8 && len(b) >= 8 {
		s0 += a[0]*b[0] + a[4]*b[4]
		s1 += a[1]*b[1] + a[5]*b[5]
		s2 += a[2]*b[2] + a[6]*b[6]
		s3 += a[3]*b[3] + a[7]*b[7]
		a, b = a[8:], b[8:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// version is the first byte of an encoded vector.
const (
	version  = 1
	headSize = 1 + 8
)

// ErrFormat is wrapped by the errors of Decode.
var ErrFormat = errors.New("not a vector")

// Encode writes a vector and when it expires, in Unix milliseconds.
func Encode(v []float32, expires int64) []byte {
	b := make([]byte, headSize, headSize+4*len(v))
	b[0] = version
	binary.LittleEndian.PutUint64(b[1:], uint64(expires)) //nolint:gosec // the bits are what is meant
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// Decode reads what Encode wrote. The vector is normalised again: what came
// over the bus is not trusted to be.
func Decode(b []byte) (v []float32, expires int64, err error) {
	if len(b) <= headSize || b[0] != version || (len(b)-headSize)%4 != 0 || (len(b)-headSize)/4 > MaxDimensions {
		return nil, 0, fmt.Errorf("%w: %d bytes", ErrFormat, len(b))
	}
	expires = int64(binary.LittleEndian.Uint64(b[1:])) //nolint:gosec // the bits are what is meant
	v = make([]float32, (len(b)-headSize)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[headSize+4*i:]))
	}
	if !Normalise(v) {
		return nil, 0, fmt.Errorf("%w: it has no direction", ErrFormat)
	}
	return v, expires, nil
}
