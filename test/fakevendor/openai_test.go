package fakevendor_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/sdk/suite"
)

func openAIModel(kind string) string {
	if kind == suite.Thinks {
		return "gpt-5-mini"
	}
	return "gpt-4o-" + kind
}

// TestOpenAI: the vendor is what the official SDK takes for OpenAI.
//
//nolint:tparallel,paralleltest // what was refused is looked at when all is done
func TestOpenAI(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	suite.Script(v, openAIModel)
	target := suite.Target{Base: v.Host(), Key: fakevendor.Key, Model: openAIModel, Abilities: suite.Abilities{Reasoning: true, Embeddings: true}}
	t.Run("chat", func(t *testing.T) { suite.OpenAI(t, target) })
	t.Run("responses", func(t *testing.T) { suite.Responses(t, target) })
	for _, c := range v.Refused() {
		if !strings.Contains(c.Refusal, "Incorrect API key") && !strings.Contains(c.Refusal, "not found.") {
			t.Errorf("%s %s: %s", c.Method, c.Path, c.Refusal)
		}
	}
}

func openAIClient(t *testing.T, v *fakevendor.Vendor) openai.Client {
	t.Helper()
	hc := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(hc.CloseIdleConnections)
	return openai.NewClient(option.WithBaseURL(v.URL()+"/"), option.WithAPIKey(fakevendor.Key), option.WithHTTPClient(hc), option.WithMaxRetries(0))
}

// TestOpenAI_media is the rest of what the SDK calls.
func TestOpenAI_media(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	c := openAIClient(t, v)
	pixel := func() io.Reader {
		return openai.File(bytes.NewReader(fakevendor.PixelBytes()), "pixel.png", "image/png")
	}

	images, err := c.Images.Generate(t.Context(), openai.ImageGenerateParams{Model: "gpt-image-1", Prompt: "A pixel."})
	require.NoError(t, err)
	require.Equal(t, fakevendor.Pixel, images.Data[0].B64JSON)
	images, err = c.Images.Edit(t.Context(), openai.ImageEditParams{Model: "gpt-image-1", Prompt: "Again.", Image: openai.ImageEditParamsImageUnion{OfFile: pixel()}})
	require.NoError(t, err)
	require.Len(t, images.Data, 1)

	heard, err := c.Audio.Transcriptions.New(t.Context(), openai.AudioTranscriptionNewParams{
		Model: "whisper-1", File: openai.File(strings.NewReader(fakevendor.Sound), "voice.mp3", "audio/mpeg"),
	})
	require.NoError(t, err)
	require.Equal(t, "I hear 20 bytes.", heard.Text)
	speech, err := c.Audio.Speech.New(t.Context(), openai.AudioSpeechNewParams{
		Model: "tts-1", Input: "Hello", Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("alloy")},
	})
	require.NoError(t, err)
	b, err := io.ReadAll(speech.Body)
	require.NoError(t, err)
	require.NoError(t, speech.Body.Close())
	require.Equal(t, fakevendor.Sound, string(b))

	moderation, err := c.Moderations.New(t.Context(), openai.ModerationNewParams{Input: openai.ModerationNewParamsInputUnion{OfStringArray: []string{"peace", "violence"}}})
	require.NoError(t, err)
	require.False(t, moderation.Results[0].Flagged)
	require.True(t, moderation.Results[1].Flagged)
	require.Empty(t, v.Refused())
}

func TestOpenAI_files(t *testing.T) {
	t.Parallel()
	c := openAIClient(t, fakevendor.Start(t))
	made, err := c.Files.New(t.Context(), openai.FileNewParams{Purpose: openai.FilePurposeBatch, File: openai.File(strings.NewReader("{}\n"), "in.jsonl", "application/jsonl")})
	require.NoError(t, err)
	require.Equal(t, "in.jsonl", made.Filename)
	list, err := c.Files.List(t.Context(), openai.FileListParams{})
	require.NoError(t, err)
	require.Len(t, list.Data, 1)
	content, err := c.Files.Content(t.Context(), made.ID)
	require.NoError(t, err)
	b, err := io.ReadAll(content.Body)
	require.NoError(t, err)
	require.NoError(t, content.Body.Close())
	require.Equal(t, "{}\n", string(b))
	gone, err := c.Files.Delete(t.Context(), made.ID)
	require.NoError(t, err)
	require.True(t, gone.Deleted)
	_, err = c.Files.Get(t.Context(), made.ID)
	var e *openai.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, http.StatusNotFound, e.StatusCode)
}

func TestOpenAI_realtime(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	conn, resp, err := websocket.Dial(t.Context(), v.URL()+"/realtime?model=gpt-realtime", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + fakevendor.Key}}, Subprotocols: []string{"realtime"},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	defer func() { _ = conn.CloseNow() }()
	read := func() string {
		_, b, err := conn.Read(t.Context())
		require.NoError(t, err)
		return string(b)
	}
	require.Contains(t, read(), `"session.created"`)
	for _, event := range []string{`{"type":"input_text","x":1}`, `{"type":"response.create"}`} {
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(event)))
	}
	require.JSONEq(t, `{"type":"input_text","x":1}`, read())
	require.Contains(t, read(), fakevendor.Text())
	require.Contains(t, read(), `"response.done"`)
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	require.Equal(t, "gpt-realtime", v.Last(t, "gpt-realtime").Model)
}
