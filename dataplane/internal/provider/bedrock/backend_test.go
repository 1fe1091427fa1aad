package bedrock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bedrock"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const answer = `{"output":{"message":{"role":"assistant","content":[{"text":"Hello"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1}}`

// doer sends everything to one server and remembers where it was to go.
type doer struct {
	client *upstream.Client
	server *httptest.Server
	to     []string
}

func newDoer(t *testing.T, handle http.HandlerFunc) *doer {
	t.Helper()
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return &doer{client: client, server: server}
}

func (d *doer) Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error) {
	d.to = append(d.to, req.Target.String())
	target, err := upstream.ParseTarget(d.server.URL + "/" + strings.SplitN(req.Target.String(), "/", 4)[3])
	if err != nil {
		return nil, err
	}
	own := *req
	own.Target = target
	return d.client.Do(ctx, &own)
}

func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen-Authorization", r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, body)
	}
}

func TestBackend_goes_where_and_proves_itself_as_it_is_told(t *testing.T) {
	t.Parallel()
	const haiku, path = "anthropic.claude-3-haiku-20240307-v1:0", "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse"
	keys := map[string]string{"aws_access_key_id": "AKOWN", "aws_secret_access_key": "s"}
	env := map[string]string{"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-north-1"}
	bearer := map[string]string{"AWS_BEARER_TOKEN_BEDROCK": "of the environment"}
	for name, c := range map[string]struct {
		cfg   provider.Config
		env   map[string]string
		to    string
		proof string
	}{
		"keys":        {provider.Config{Model: haiku, Secrets: keys}, bearer, "https://bedrock-runtime.us-west-2.amazonaws.com" + path, "AWS4-HMAC-SHA256 Credential=AKOWN/"},
		"environment": {provider.Config{Model: haiku}, env, "https://bedrock-runtime.eu-north-1.amazonaws.com" + path, "AWS4-HMAC-SHA256 Credential=AKENV/"},
		"api key":     {provider.Config{Model: haiku, APIKey: "given"}, env, "https://bedrock-runtime.eu-north-1.amazonaws.com" + path, "Bearer given"},
		"bearer":      {provider.Config{Model: haiku}, bearer, "https://bedrock-runtime.us-west-2.amazonaws.com" + path, "Bearer of the environment"},
		"region in the name": {
			provider.Config{Model: "us-gov-west-1/" + haiku, Secrets: keys}, env, "https://bedrock-runtime.us-gov-west-1.amazonaws.com" + path, "AWS4-HMAC-SHA256 Credential=AKOWN/",
		},
		"region in the ARN": {
			provider.Config{Model: "arn:aws-cn:bedrock:cn-north-1::foundation-model/" + haiku, Secrets: keys},
			env,
			"https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/arn%3Aaws-cn%3Abedrock%3Acn-north-1%3A%3Afoundation-model%2Fanthropic.claude-3-haiku-20240307-v1%3A0/converse", "AWS4-HMAC-SHA256 Credential=AKOWN/",
		},
		"endpoint":                    {provider.Config{Model: haiku, APIBase: "https://vpce.example/x/", Secrets: keys}, env, "https://vpce.example/x" + path, "AWS4-HMAC-SHA256 Credential=AKOWN/"},
		"endpoint of the environment": {provider.Config{Model: haiku, Secrets: keys}, map[string]string{"AWS_BEDROCK_RUNTIME_ENDPOINT": "https://vpce.example"}, "https://vpce.example" + path, "AWS4-HMAC-SHA256 Credential=AKOWN/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoer(t, say(answer))
			cfg := c.cfg
			cfg.Provider, cfg.Getenv = "bedrock", func(name string) string { return c.env[name] }
			b, err := bedrock.New(cfg, d, nil)
			require.NoError(t, err)
			got, err := b.Chat(t.Context(), &provider.Call{}, decode(t, `{"messages":[{"role":"user","content":"x"}]}`))
			require.NoError(t, err)
			require.NoError(t, got.Close())
			require.Equal(t, []string{c.to}, d.to)
			require.Contains(t, got.Header("X-Seen-Authorization"), c.proof)
		})
	}
}

func TestBackend_reranks_at_the_host_of_the_agents(t *testing.T) {
	t.Parallel()
	d := newDoer(t, say(`{"results":[]}`))
	b, err := bedrock.New(provider.Config{Model: "amazon.rerank-v1:0", Secrets: map[string]string{"aws_access_key_id": "a", "aws_secret_access_key": "s", "aws_region_name": "us-west-2"}}, d, nil)
	require.NoError(t, err)
	reply, err := b.Do(t.Context(), call(t, provider.Rerank, `{"query":"q","documents":["a"]}`))
	require.NoError(t, err)
	require.NoError(t, reply.Close())
	require.Equal(t, []string{"https://bedrock-agent-runtime.us-west-2.amazonaws.com/rerank"}, d.to)
	_, err = b.Chat(t.Context(), &provider.Call{}, &chat.Request{})
	require.ErrorIs(t, err, provider.ErrUnsupported)
}

func call(t *testing.T, s provider.Surface, body string) *provider.Call {
	t.Helper()
	members, err := jsonx.Members(nil, []byte(body))
	require.NoError(t, err)
	return &provider.Call{Surface: s, Body: []byte(body), Members: members}
}

func TestBackend_embeds_a_list_with_as_many_requests_as_it_takes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model           string
		texts, requests int
		batch           int
	}{{"amazon.titan-embed-text-v2:0", 5, 5, 1}, {"cohere.embed-multilingual-v3", 200, 3, 96}} {
		n := 0
		d := newDoer(t, func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				Texts []string `json:"texts"`
			}
			_ = json.NewDecoder(r.Body).Decode(&body)
			if body.Texts == nil {
				fmt.Fprintf(w, `{"embedding":[%d],"inputTextTokenCount":2}`, n)
				n++
				return
			}
			vectors := make([]string, len(body.Texts))
			for i := range vectors {
				vectors[i] = fmt.Sprintf("[%d]", n)
				n++
			}
			w.Header().Set("X-Amzn-Bedrock-Input-Token-Count", fmt.Sprint(2*len(vectors)))
			fmt.Fprintf(w, `{"embeddings":{"float":[%s]}}`, strings.Join(vectors, ","))
		})
		b, err := bedrock.New(provider.Config{Model: c.model, APIKey: "k"}, d, nil)
		require.NoError(t, err)
		texts, err := json.Marshal(strings.Split(strings.Repeat("a,", c.texts-1)+"a", ","))
		require.NoError(t, err)
		reply, err := b.Do(t.Context(), call(t, provider.Embeddings, fmt.Sprintf(`{"input":%s}`, texts)))
		require.NoError(t, err)
		var got struct {
			Data []struct {
				Index     int       `json:"index"`
				Embedding []float64 `json:"embedding"`
			} `json:"data"`
			Usage struct {
				Total int `json:"total_tokens"`
			} `json:"usage"`
		}
		require.NoError(t, json.NewDecoder(reply).Decode(&got))
		require.NoError(t, reply.Close())
		require.Len(t, d.to, c.requests)
		require.Len(t, got.Data, c.texts)
		for i, e := range got.Data {
			require.Equal(t, i, e.Index)
			require.Equal(t, []float64{float64(i)}, e.Embedding)
		}
		require.Equal(t, 2*c.texts, got.Usage.Total)
	}
}

func TestBackend_takes_the_betas_of_a_header(t *testing.T) {
	t.Parallel()
	var body []byte
	d := newDoer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, answer)
	})
	b, err := bedrock.New(provider.Config{Model: "anthropic.claude-sonnet-4-5-v1:0", APIKey: "k"}, d, nil)
	require.NoError(t, err)
	req := decode(t, `{"messages":[{"role":"user","content":"x"}]}`)
	got, err := b.Chat(t.Context(), &provider.Call{Header: map[string][]string{"Anthropic-Beta": {"claude-code-20250219, interleaved-thinking-2025-05-14", "advanced-tool-use-2025-11-20"}}}, req)
	require.NoError(t, err)
	require.NoError(t, got.Close())
	require.JSONEq(t, `{"messages":[{"role":"user","content":[{"text":"x"}]}],"additionalModelRequestFields":{"anthropic_beta":[
		"interleaved-thinking-2025-05-14","tool-examples-2025-10-29","tool-search-tool-2025-10-19"]}}`, string(body))
	require.Nil(t, req.Anthropic, "the request is the caller's")
}

func TestNew_says_what_is_wrong_and_keeps_secrets(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]provider.Config{
		"neither a route nor a region":   {Model: "nonsense/anthropic.claude-3-haiku", APIKey: "top-secret"},
		"bedrock/agent/ is not served":   {Model: "agent/A1/B2", APIKey: "top-secret"},
		"is not the name of a region":    {Model: "amazon.nova-lite-v1:0", APIKey: "top-secret", Secrets: map[string]string{"aws_region_name": "evil.example/#"}},
		"need each other":                {Model: "amazon.nova-lite-v1:0", Secrets: map[string]string{"aws_secret_access_key": "top-secret"}},
		"api_base":                       {Model: "amazon.nova-lite-v1:0", APIKey: "top-secret", APIBase: "ftp://x"},
		"control character in the value": {Model: "amazon.nova-lite-v1:0", APIKey: "top-secret\n"},
	} {
		_, err := bedrock.New(cfg, nil, nil)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "top-secret")
	}
}
