package payload

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

const system = "You are a helpful assistant."

// Body returns the request body of k. The pace travels as "seed", which
// gateways pass on untouched where the vendor takes it.
func (k Kind) Body() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"model":%q,`, cmp.Or(k.Model, Model))
	if k.Stream {
		b.WriteString(`"stream":true,`)
	}
	if k.Cached {
		b.WriteString(`"cache":{"use-cache":true},`)
	}
	if k.Wire == Anthropic {
		fmt.Fprintf(&b, `"temperature":0.7,"max_tokens":1024,"system":%q,"messages":[`, system)
	} else {
		if k.Stream {
			b.WriteString(`"stream_options":{"include_usage":true},`)
		}
		if k.Stream && k.Vendor == OpenAI {
			fmt.Fprintf(&b, `"seed":%d,`, k.Pace.Milliseconds())
		}
		fmt.Fprintf(&b, `"temperature":0.7,"max_tokens":1024,"messages":[{"role":"system","content":%q},`, system)
	}
	b.WriteString(`{"role":"user","content":"`)
	const tail = `"}]}`
	b.WriteString(text(max(0, k.PromptBytes-b.Len()-len(tail))))
	b.WriteString(tail)
	return []byte(b.String())
}

// Request returns all bytes of a call to a target.
func (k Kind) Request(host, key string) []byte {
	body := k.Body()
	proof := "Authorization: Bearer " + key
	if k.Wire == Anthropic {
		proof = "Anthropic-Version: 2023-06-01\r\nX-Api-Key: " + key
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\n%s\r\nContent-Type: application/json\r\nAccept: */*\r\n"+
		"User-Agent: bench\r\nContent-Length: %d\r\n\r\n", k.Wire.Path(), host, proof, len(body))
	b.Write(body)
	return b.Bytes()
}
