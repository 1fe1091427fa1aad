package bedrock

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// Exchange translates a chat for a model.
func Exchange(name string, req *chat.Request) (*native.Exchange, error) {
	cfg := provider.Config{Model: name}
	m, err := parseModel(&cfg)
	if err != nil {
		return nil, err
	}
	return newCodec(m, &cfg).Chat(req)
}

// Events turns a stream of AWS into Anthropic's.
func Events(reply provider.Reply) provider.Reply {
	return (&model{}).messages(nil).Stream(nil, reply)
}
