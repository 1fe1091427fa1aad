package litellm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/litellm"
	"github.com/tianjillm/tianjillm/testkit/litellmtest"
)

// What PyNaCl and Python's cryptography make, which LiteLLM seals with.
const (
	pythonSalt    = "sk-salt-of-litellm-0123"
	pythonBoxed   = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYl5qp-BYFwtQDgyCO_AQx5djLMPndJ-GgvN4izr0THug="
	pythonEarly   = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYl5qp+BYFwtQDgyCO/AQx5djLMPndJ+GgvN4izr0THug="
	pythonEmpty   = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYaX0vciM3dnP_7c86rUu5ag=="
	pythonGCM     = "v2:gcm:yMnKy8zNzs_Q0dLTJ_zTaQI23P3tgty-bc4ILd4-Vn-yCu2VXCsj1QbWWXY="
	pythonDerived = "v3:gcm:yMnKy8zNzs_Q0dLTpi2r2ftYxb2zvIyK_95ejTfW4RZMwFsMzzYHBJgyPxg="
)

func TestOpener_opens_what_python_sealed(t *testing.T) {
	t.Parallel()
	o, err := litellm.NewOpener("", "not this one", pythonSalt)
	require.NoError(t, err)
	for sealed, want := range map[string]string{
		pythonBoxed: "sk-openai-from-a", pythonEarly: "sk-openai-from-a", pythonEmpty: "", pythonGCM: "sk-openai-from-b", pythonDerived: "sk-openai-from-c",
		"": "", "gpt-4o": "gpt-4o", "os.environ/OPENAI_API_KEY": "os.environ/OPENAI_API_KEY", "https://a.example.com/v1": "https://a.example.com/v1",
	} {
		got, err := o.Open(sealed)
		require.NoError(t, err, sealed)
		require.Equal(t, want, got)
	}
}

func TestOpener_needs_the_key(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"another"}} {
		o, err := litellm.NewOpener(keys...)
		require.NoError(t, err)
		for _, sealed := range []string{pythonBoxed, pythonEarly, pythonEmpty, pythonGCM, pythonDerived, "v2:gcm:", "v3:gcm:AAAA", "v2:gcm:?"} {
			_, err := o.Open(sealed)
			require.ErrorContains(t, err, "LITELLM_SALT_KEY", sealed)
		}
	}
}

func TestOpener_opens_what_the_kit_seals(t *testing.T) {
	t.Parallel()
	o, err := litellm.NewOpener("key")
	require.NoError(t, err)
	for _, seal := range []litellmtest.Seal{litellmtest.Boxed, litellmtest.BoxedEarly, litellmtest.GCM, litellmtest.Derived} {
		for _, plain := range []string{"", "x", strings.Repeat("long ", 1000)} {
			got, err := o.Open(seal(t, "key", plain))
			require.NoError(t, err)
			require.Equal(t, plain, got)
		}
	}
}

func FuzzOpener(f *testing.F) {
	for _, seed := range []string{pythonBoxed, pythonEarly, pythonGCM, pythonDerived, "v2:gcm:AA", "gpt-4o", ""} {
		f.Add(seed)
	}
	o, err := litellm.NewOpener(pythonSalt)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, value string) {
		text, err := o.Open(value)
		if err != nil && text != "" {
			t.Fatal("a value that is refused comes back")
		}
	})
}
