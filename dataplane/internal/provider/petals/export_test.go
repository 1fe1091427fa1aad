package petals

import "github.com/tianjillm/tianjillm/dataplane/internal/chat"

// ReadAnswer reads a whole answer.
func ReadAnswer(body []byte) (*chat.Response, error) { return read(body) }
