package pipeline_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// sink is a client that takes everything.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

type forgetful struct{}

func (forgetful) Record(*contract.Usage) {}

type rereadable struct {
	data []byte
	at   int
}

func (r *rereadable) Read(p []byte) (int, error) {
	if r.at == len(r.data) {
		return 0, io.EOF
	}
	n := copy(p, r.data[r.at:])
	r.at += n
	return n, nil
}

func (r *rereadable) Close() error { return nil }

// BenchmarkServe is a chat of a key without limits, of one whose key, team and
// member have six, and of the same with tokens and money among them.
func BenchmarkServe(b *testing.B) {
	most := int64(1) << 40
	requests := contract.Limits{Rates: contract.Rates{RPM: &most, RPH: &most}}
	tokens := contract.Limits{Rates: rates(most, most), Budgets: []contract.Budget{{MaxNano: 1 << 60, Duration: "30d"}}}
	for name, limit := range map[string]contract.Limits{"none": {}, "requests": requests, "all": tokens} {
		b.Run(name, func(b *testing.B) {
			backend := &unrecorded{answering("10", "5")}
			l := newLab(b, setup{backends: byModel{"m": backend}, recorder: forgetful{}})
			key := l.key("k", contract.VirtualKey{TeamID: "t", UserID: "u", Limits: limit})
			l.put(contract.TeamKey("t"), contract.Team{ID: "t", Limits: limit})
			l.put(contract.MemberKey("t", "u"), contract.Membership{TeamID: "t", UserID: "u", Limits: limit})
			body := &rereadable{data: []byte(ask)}
			r := request{key: key, body: ask}.to("/v1/chat/completions")
			r.Body = body
			w := &sink{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.at = 0
				clear(w.header)
				l.Serve(w, r, chats(), "")
			}
		})
	}
}

type careless struct{}

func (careless) Keep([]byte) {}

// BenchmarkTranscripts is a chat of which nothing is kept, and one whose texts
// are.
func BenchmarkTranscripts(b *testing.B) {
	for name, on := range map[string]bool{"off": false, "on": true} {
		b.Run(name, func(b *testing.B) {
			l := newLab(b, setup{
				backends: byModel{"m": &unrecorded{answering("10", "5")}}, recorder: forgetful{}, transcripts: careless{}, config: transcribing(on, false),
			})
			body := &rereadable{data: []byte(ask)}
			r := request{key: l.key("k", contract.VirtualKey{}), body: ask}.to("/v1/chat/completions")
			r.Body = body
			w := &sink{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.at = 0
				clear(w.header)
				l.Serve(w, r, chats(), "")
			}
		})
	}
}
