package fakebedrock

import (
	"bytes"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
)

const claudeVersion = "bedrock-2023-05-31"

// readClaude reads the bodies of
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
// which are those of Anthropic's API, and so are the answers.
func readClaude(c *fakevendor.Call, e fakeanthropic.Endpoint) (*fakevendor.Request, *fakevendor.Failure) {
	if !strings.Contains(c.Model, "anthropic.") {
		return nil, invalid("The provided model identifier is invalid.")
	}
	q, f := fakeanthropic.ReadPredict(c, e, claudeVersion)
	if f != nil {
		return nil, f
	}
	return &fakevendor.Request{
		Asked:  q.Asked,
		Answer: func(r fakevendor.Reply) fakevendor.Document { return document(q.Answer(r).Body) },
		Stream: func(r fakevendor.Reply) fakevendor.Stream { return chunks(q.Stream(r)) },
	}, nil
}

// chunks puts each of Anthropic's events into a frame.
func chunks(s fakevendor.Stream) fakevendor.Stream {
	for i, f := range s.Frames {
		_, data, _ := bytes.Cut(f.Data, []byte("data: "))
		s.Frames[i].Data = frame("event", "chunk", fakevendor.Object("bytes", bytes.TrimSpace(data), "p", "abcdefghijkl"))
	}
	s.Header, s.Broken = header("application/vnd.amazon.eventstream"), broken
	return s
}

func broken(message string) []byte {
	return frame("exception", "modelStreamErrorException", fakevendor.Object("message", message, "originalStatusCode", 500, "originalMessage", message))
}
