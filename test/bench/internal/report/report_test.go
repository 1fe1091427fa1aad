package report_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/measure"
	"github.com/tianjillm/tianjillm/test/bench/internal/parts"
	"github.com/tianjillm/tianjillm/test/bench/internal/report"
)

func options() *measure.Options {
	return &measure.Options{Rounds: 3, Duration: 5 * time.Second, Warmup: time.Second, Rate: 200, StreamRate: 50, Streams: 1000}
}

func results() *measure.Results {
	return &measure.Results{
		Pinned: true, Calls: 1234567, Booked: 1234567,
		Costs: []measure.Cost{
			{Load: measure.Load{Title: "JSON", Goal: 0.85}, Series: []measure.Series{
				{Target: lab.ReverseProxyName, CPU: []float64{50, 100, 60}, Rate: []float64{20000}, P50: []float64{1500}, P99: []float64{3000}, Objects: []float64{90}, Bytes: []float64{36000}},
				{Target: lab.DataPlaneName, CPU: []float64{40, 50, 54}, Rate: []float64{25000}, P50: []float64{1200}, P99: []float64{2500}, Objects: []float64{20, 24}, Bytes: []float64{5000, 6000}},
			}},
			{Load: measure.Load{Title: "stream", Goal: 1.1}, Series: []measure.Series{
				{Target: lab.NginxName, CPU: []float64{100}, Rate: []float64{900}},
				{Target: lab.ReverseProxyName, CPU: []float64{100}, Rate: []float64{800}},
				{Target: lab.DataPlaneName, CPU: []float64{120}, Rate: []float64{700}},
			}},
		},
		Parts: []parts.Result{
			{Title: "route: simple", Nanos: 120, Goal: 2 * time.Microsecond},
			{Title: "route: slow", Nanos: 2500, Objects: 3, Bytes: 1500, Goal: 2 * time.Microsecond},
			{Title: "decode", Nanos: 12345},
		},
		Latencies: []measure.Latency{
			{Target: "direct", P50: []float64{90}, P99: []float64{200}, FirstP50: []float64{50}, FirstP99: []float64{80}},
			{Target: lab.DataPlaneName, P50: []float64{290}, P99: []float64{700}, FirstP50: []float64{150}, FirstP99: []float64{300}},
		},
		Block: &measure.Block{
			Replicas: 3, FromCall: []time.Duration{5 * time.Millisecond, 150 * time.Millisecond}, FromReply: []time.Duration{0, time.Millisecond},
		},
		Memory: []measure.Memory{{Target: lab.DataPlaneName, Idle: 15e6, Streams: 120e6}},
	}
}

const golden = `Measured on 2026-11-22: a CPU, 2 cores, an OS, go1.26.8.
3 rounds of 5s a turn after 1s of warm-up. 1,234,567 calls with the measured key were answered; 1,234,567 are on its bill.

CPU a call in µs, medians of the rounds; the ratio is the median of the ratios within a round, with the lowest and highest:

| calls  | nginx         | ReverseProxy | TianjiLLM | times ReverseProxy  | goal         | met |
| ------ | -------------:| ------------:| ---------:| -------------------:| ------------:| ---:|
| JSON   | not installed | 60.0         | 50.0      | 0.80 (0.50 to 0.90) | at most 0.85 | yes |
| stream | 100.0         | 100.0        | 120.0     | 1.20 (1.20 to 1.20) | at most 1.10 | no  |

Objects allocated on the heap a call, and their size in KB:

| calls | ReverseProxy | TianjiLLM |
| ----- | ------------:| ---------:|
| JSON  | 90 (36.0)    | 22 (5.5)  |

Calls a second in the same turns, and their latency under that load in ms (p50, p99):

| calls  | nginx          | ReverseProxy      | TianjiLLM         |
| ------ | --------------:| -----------------:| -----------------:|
| JSON   | not installed  | 20,000 (1.5, 3.0) | 25,000 (1.2, 2.5) |
| stream | 900 (0.0, 0.0) | 800 (0.0, 0.0)    | 700 (0.0, 0.0)    |

Single parts, by the benchmarks in their source, on one core:

| part          | µs    | objects | KB  | goal    | met |
| ------------- | -----:| -------:| ---:| -------:| ---:|
| route: simple | 0.12  | 0       | 0.0 | under 2 | yes |
| route: slow   | 2.50  | 3       | 1.5 | under 2 | no  |
| decode        | 12.35 | 0       | 0.0 |         |     |

Latency at 200 plain calls and 50 streams a second in ms; added is the difference to a call of the upstream itself:

| through   | call p50 | call p99 | added p50 | first event p50 | first event p99 | added p50 | goal    | met |
| --------- | --------:| --------:| ---------:| ---------------:| ---------------:| ---------:| -------:| ---:|
| direct    | 0.09     | 0.20     |           | 0.05            | 0.08            |           |         |     |
| TianjiLLM | 0.29     | 0.70     | 0.20      | 0.15            | 0.30            | 0.10      | under 1 | yes |

From /key/block to the refusal by the slowest of 3 replicas that were all serving the key, 2 keys, in ms:

| counted from | p50 | p99   | max   | goal p99  | met |
| ------------ | ---:| -----:| -----:| ---------:| ---:|
| the call     | 5.0 | 150.0 | 150.0 | under 100 | no  |
| its answer   | 0.0 | 1.0   | 1.0   | under 100 | yes |

No replica served a key again after it had refused it.

Resident memory of a fresh process in MB:

| process   | idle | goal     | met | 1,000 open streams | goal      | met |
| --------- | ----:| --------:| ---:| ------------------:| ---------:| ---:|
| TianjiLLM | 15   | under 40 | yes | 120                | under 100 | no  |
`

func TestMarkdown(t *testing.T) {
	t.Parallel()
	machine := report.Machine{Date: "2026-11-22", CPU: "a CPU", Cores: 2, System: "an OS", Go: "go1.26.8"}
	require.Equal(t, golden, report.Markdown(results(), options(), machine))
}

func TestMarkdown_says_what_is_wrong(t *testing.T) {
	t.Parallel()
	r := results()
	r.Pinned, r.Block.Relapses, r.Booked = false, 2, 1234000
	text := report.Markdown(r, options(), report.Machine{})
	require.Contains(t, text, "take these numbers as rough")
	o := options()
	o.Targets = []string{"tianji"}
	require.Contains(t, report.Markdown(r, o, report.Machine{}), "not measured")
	require.Contains(t, text, "2 times a replica served a key after it had refused it")
	require.Contains(t, text, "1,234,567 calls with the measured key were answered; 1,234,000 are on its bill")
}

func TestMarkdown_leaves_out_what_was_not_measured(t *testing.T) {
	t.Parallel()
	require.NotContains(t, report.Markdown(&measure.Results{Pinned: true}, options(), report.Machine{}), "|")
}

func TestReplace(t *testing.T) {
	t.Parallel()
	const document = "# Title\n<!-- bench:begin -->\nold\n<!-- bench:end -->\n## After\n"
	text, err := report.Replace(document, "new\n")
	require.NoError(t, err)
	require.Equal(t, "# Title\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\n## After\n", text)
	again, err := report.Replace(text, "new\n")
	require.NoError(t, err)
	require.Equal(t, text, again)
	for _, bad := range []string{"", "<!-- bench:begin -->", "<!-- bench:end --><!-- bench:begin -->", document + document} {
		_, err := report.Replace(bad, "new")
		require.ErrorIs(t, err, report.ErrMarks, bad)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "doc.md")
	require.ErrorIs(t, report.Update(path, "x"), os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("a <!-- bench:begin --><!-- bench:end --> b"), 0o600))
	require.NoError(t, report.Update(path, "x\n"))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "a <!-- bench:begin -->\nx\n<!-- bench:end --> b", string(b))
}
