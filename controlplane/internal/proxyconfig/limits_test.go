package proxyconfig_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
)

// parseError parses text that must be refused.
func parseError(t *testing.T, text string) string {
	t.Helper()
	cfg, _, err := proxyconfig.Parse("config.yaml", []byte(text), noEnvironment)
	require.Error(t, err)
	require.Nil(t, cfg)
	return err.Error()
}

// lines formats a line with the numbers (1, 0) to (n, n-1).
func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i+1, i)
	}
	return b.String()
}

// allocated returns the bytes that f allocates in all, which bounds what it
// holds at any time.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBombs feeds small files that stand for enormous ones. It must not run
// beside other tests, whose memory it would count.
func TestBombs(t *testing.T) { //nolint:paralleltest // measures the memory of the process
	const tooLarge = "this value is too large once its aliases are written out"
	wide := "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 1000) + "]\n"
	for name, bomb := range map[string]struct{ text, want string }{
		"lists of aliases":    {"a0: &a0 [lol]\n" + lines(40, "a%[1]d: &a%[1]d [*a%[2]d, *a%[2]d]\n"), tooLarge},
		"long text":           {wide, tooLarge},
		"mappings of aliases": {"a0: &a0 {k: v}\n" + lines(40, "a%[1]d: &a%[1]d {x: *a%[2]d, y: *a%[2]d}\n"), tooLarge},
		"chain of aliases":    {"a0: &a0 []\n" + lines(3000, "a%[1]d: &a%[1]d [*a%[2]d]\n"), tooLarge},
		"merge keys":          {"a: &a\n" + lines(4000, "  k%[1]d: v%[2]d\n") + lines(100, "m%[1]d: {<<: *a, n: %[2]d}\n"), "merge keys copy too many entries"},
	} {
		var message string
		spent := allocated(func() { message = parseError(t, bomb.text) })
		require.Contains(t, message, bomb.want, name)
		t.Logf("%s: %d bytes of text, %d MiB allocated", name, len(bomb.text), spent>>20)
		require.Less(t, spent, uint64(256<<20), name)
	}
}

func TestSizeBound(t *testing.T) {
	t.Parallel()
	const limit = 8 << 20
	comment := append([]byte("#"), bytes.Repeat([]byte("x"), limit-1)...)
	_, _, err := proxyconfig.Parse("config.yaml", comment, noEnvironment)
	require.NoError(t, err)
	_, _, err = proxyconfig.Parse("config.yaml", append(comment, 'x'), noEnvironment)
	require.EqualError(t, err, "config.yaml: a configuration has at most 8 MiB, includes counted")

	dir := t.TempDir()
	write(t, dir, "config.yaml", "include: [half.yaml, other.yaml]\n")
	write(t, dir, "half.yaml", string(comment[:limit/2]))
	write(t, dir, "other.yaml", string(comment[:limit/2]))
	_, _, err = proxyconfig.Load(filepath.Join(dir, "config.yaml"), noEnvironment)
	require.ErrorContains(t, err, "include[1]: read "+filepath.Join(dir, "other.yaml")+": a configuration has at most 8 MiB")

	write(t, dir, "large.yaml", string(comment)+"x")
	_, _, err = proxyconfig.Load(filepath.Join(dir, "large.yaml"), noEnvironment)
	require.EqualError(t, err, "read configuration: a configuration has at most 8 MiB, includes counted")
}

func TestNestingBound(t *testing.T) {
	t.Parallel()
	for _, n := range []int{65, 1000, 1 << 17} {
		for name, text := range map[string]string{
			"brackets": strings.Repeat("[", n), "braces": strings.Repeat("{a: ", n),
			"dashes": strings.Repeat("- ", n), "questions": strings.Repeat("? ", n), "colons": strings.Repeat("a: ", n),
		} {
			require.Contains(t, parseError(t, text), "values are nested too deeply", name)
		}
		require.Contains(t, parseError(t, "a: "+strings.Repeat("!!str ", n)+"x"), "too many tags", n)
		require.Contains(t, parseError(t, "a: "+strings.Repeat("&a ", n)+"x"), "too many tags and anchors", n)
	}
	require.Contains(t, parseError(t, "a:\n"+strings.Repeat("  k: v\n", 5000)), "too many keys in one mapping")
	require.Contains(t, parseError(t, "{"+strings.Repeat("k: v, ", 5000)+"}"), "too many keys in one mapping")
}

// TestReasonableShapes has what must not count as nesting.
func TestReasonableShapes(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("model_list:\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "- model_name: m%d\n  litellm_params: {model: openai/m, tags: [a, b]}\n  model_info:\n    id: i%d\n", i, i)
	}
	b.WriteString("general_settings:\n")
	for i := range 300 { // keys of all lengths, quoted and not, with anchors and comments
		fmt.Fprintf(&b, "  %q: &a%d x # [[[\n  %s: '{{{'\n", strings.Repeat("q", i+1), i, strings.Repeat("p", i+1))
	}
	cfg, _, err := proxyconfig.Parse("config.yaml", []byte(b.String()), noEnvironment)
	require.NoError(t, err)
	require.Len(t, cfg.Models, 5000)
	require.Len(t, cfg.General.Raw, 600)
}

// TestReportBound has more mistakes than anybody reads.
func TestReportBound(t *testing.T) {
	t.Parallel()
	text := "general_settings:\n" + lines(1500, "  zzz%[1]d: %[2]d\n") + "model_list:\n" + strings.Repeat("- 5\n", 1500)
	_, warnings, err := proxyconfig.Parse("config.yaml", []byte(text), noEnvironment)
	require.Len(t, warnings, 101)
	require.Equal(t, "config.yaml: 1400 more warnings are not shown", warnings[100].String())
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 101)
	require.Equal(t, "config.yaml: 1400 more errors are not shown", lines[100])

	require.Equal(t, "config.yaml:1: a key has at most 512 bytes", parseError(t, strings.Repeat("k", 513)+": 1"))
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}
