package stack

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Metric adds up the samples of a metric whose labels include those given, as
// name="value".
func (s *Stack) Metric(tb testing.TB, url, name string, labels ...string) float64 {
	tb.Helper()
	r := s.Client("").At(url).Get(tb, "/metrics")
	require.Equal(tb, 200, r.Status)
	var sum float64
	lines := bufio.NewScanner(bytes.NewReader(r.Body))
	for lines.Scan() {
		sample, value, ok := cutSample(lines.Text())
		if !ok || !matches(sample, name, labels) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		require.NoError(tb, err, sample)
		sum += n
	}
	return sum
}

// cutSample splits a line of the text format into what is measured and its value:
// https://prometheus.io/docs/instrumenting/exposition_formats/
func cutSample(line string) (sample, value string, ok bool) {
	at := strings.LastIndexByte(line, ' ')
	if at < 0 || strings.HasPrefix(line, "#") {
		return "", "", false
	}
	return line[:at], line[at+1:], true
}

func matches(sample, name string, labels []string) bool {
	own, rest, _ := strings.Cut(sample, "{")
	if own != name {
		return false
	}
	for _, l := range labels {
		if !strings.Contains(rest, l) {
			return false
		}
	}
	return true
}
