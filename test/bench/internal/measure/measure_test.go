package measure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/measure"
)

func probes(begin time.Time, statuses ...int) []measure.Probe {
	var all []measure.Probe
	for i, status := range statuses {
		all = append(all, measure.Probe{Answered: begin.Add(time.Duration(i) * time.Millisecond), Status: status})
	}
	return all
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	begin := time.Unix(1_793_534_400, 0)
	for _, test := range []struct {
		name     string
		statuses []int
		at       time.Duration
		relapse  bool
	}{
		{"clean", []int{200, 200, 401, 401}, 2 * time.Millisecond, false},
		{"forbidden counts", []int{200, 403}, time.Millisecond, false},
		{"relapse", []int{200, 401, 200, 401}, time.Millisecond, true},
		{"at once", []int{401}, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at, relapse, err := measure.Refusal(probes(begin, test.statuses...))
			require.NoError(t, err)
			require.Equal(t, begin.Add(test.at), at)
			require.Equal(t, test.relapse, relapse)
		})
	}
}

func TestRefusal_fails(t *testing.T) {
	t.Parallel()
	_, _, err := measure.Refusal(probes(time.Now(), http.StatusOK, http.StatusOK))
	require.ErrorContains(t, err, "never refused")
	_, _, err = measure.Refusal(probes(time.Now(), http.StatusOK, http.StatusBadGateway, http.StatusUnauthorized))
	require.ErrorContains(t, err, "status 502")
}

func TestCost_finds_its_series(t *testing.T) {
	t.Parallel()
	c := measure.Cost{Series: []measure.Series{{Target: "a"}, {Target: "b", CPU: []float64{1}}}}
	require.Equal(t, []float64{1}, c.Of("b").CPU)
	require.Nil(t, c.Of("c"))
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"json", "100k", "stream", "paced", "crowd", "cached", "to-anthropic", "to-anthropic-stream", "to-openai", "to-openai-stream",
		"limits", "parts", "latency", "block", "memory",
	}, measure.Names())
}
