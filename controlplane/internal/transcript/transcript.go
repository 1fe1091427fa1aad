// Package transcript stores what requests and their answers said, which data
// planes send where the settings ask for it, and drops what is too old. It does
// not show it: that is for package spend. Run and Retention.Run are for the one
// control plane that leads; they own no goroutine.
package transcript

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	// fetchMessages is how many messages one transaction stores at most; a message
	// has up to half a MiB.
	fetchMessages = 16
	fetchWait     = 500 * time.Millisecond
	storeTimeout  = 20 * time.Second
	retryPause    = time.Second
	// maxID bounds the ids that are stored.
	maxID = 64
)

// Writer drains the stream of transcripts.
type Writer struct {
	store  *store.Store
	js     jetstream.JetStream
	names  contract.Names
	log    *slog.Logger
	stored *prometheus.CounterVec
}

// New returns a writer. It does not need NATS or Postgres to be up.
func New(st *store.Store, js jetstream.JetStream, n contract.Names, log *slog.Logger, reg prometheus.Registerer) *Writer {
	w := &Writer{store: st, js: js, names: n, log: log, stored: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tianji_controlplane_transcripts_total", Help: "Texts of requests taken from the stream, by what became of them.",
	}, []string{"result"})}
	reg.MustRegister(w.stored)
	return w
}

// Run stores what comes until ctx ends.
func (w *Writer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.drain(ctx); err != nil && ctx.Err() == nil {
			w.log.LogAttrs(ctx, slog.LevelWarn, "transcripts are not stored at present", slog.Any("error", err))
			lifecycle.Sleep(ctx, retryPause)
		}
	}
}

func (w *Writer) drain(ctx context.Context) error {
	open, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	consumer, err := w.js.Consumer(open, w.names.TranscriptStream(), w.names.TranscriptConsumer())
	if err != nil {
		return fmt.Errorf("open transcript consumer: %w", err)
	}
	for ctx.Err() == nil {
		if err := w.batch(ctx, consumer); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) batch(ctx context.Context, consumer jetstream.Consumer) error {
	fetched, err := consumer.Fetch(fetchMessages, jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return fmt.Errorf("fetch transcripts: %w", err)
	}
	var msgs []jetstream.Msg
	for m := range fetched.Messages() {
		msgs = append(msgs, m)
	}
	if err := fetched.Error(); err != nil && len(msgs) == 0 && !errors.Is(err, jetstream.ErrNoMessages) {
		return fmt.Errorf("fetch transcripts: %w", err)
	}
	if len(msgs) == 0 {
		return nil
	}
	write, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := w.write(write, msgs); err != nil {
		for _, m := range msgs {
			_ = m.NakWithDelay(retryPause) // it only hastens the redelivery
		}
		return err
	}
	for _, m := range msgs {
		if err := m.Ack(); err != nil {
			return fmt.Errorf("acknowledge transcripts: %w", err)
		}
	}
	return nil
}

func (w *Writer) write(ctx context.Context, msgs []jetstream.Msg) error {
	var rows db.TranscriptInsertParams
	unreadable := 0
	for _, m := range msgs {
		for line := range bytes.Lines(m.Data()) {
			if !add(&rows, line) {
				unreadable++
			}
		}
	}
	if len(rows.RequestIds) > 0 {
		if err := w.store.TranscriptInsert(ctx, w.store.DB(), rows); err != nil {
			return fmt.Errorf("write transcripts: %w", err)
		}
	}
	w.stored.WithLabelValues("stored").Add(float64(len(rows.RequestIds)))
	w.stored.WithLabelValues("unreadable").Add(float64(unreadable))
	return nil
}

// nothing stands for a part that is not there.
var nothing = json.RawMessage("{}") //nolint:gochecknoglobals // read-only

// add adds a line to the rows, unless Postgres would refuse it and with it all
// others.
func add(rows *db.TranscriptInsertParams, line []byte) bool {
	var t contract.Transcript
	if len(line) > contract.TranscriptMost || json.Unmarshal(line, &t) != nil || t.V > contract.SchemaVersion || t.ID == "" || len(t.ID) > maxID {
		return false
	}
	for _, part := range []*json.RawMessage{&t.Request, &t.Response} {
		if len(*part) == 0 {
			*part = nothing
		}
		if !json.Valid(*part) || bytes.IndexByte(*part, 0) >= 0 {
			return false
		}
		*part = bytes.ToValidUTF8(*part, []byte("?"))
	}
	rows.RequestIds, rows.StartTimes = append(rows.RequestIds, t.ID), append(rows.StartTimes, time.UnixMilli(t.StartMS))
	rows.Requests, rows.Responses = append(rows.Requests, string(t.Request)), append(rows.Responses, string(t.Response))
	return true
}
