package bearer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	// answering bounds the requests that are answered at once; data planes are told
	// to come back beyond that.
	answering = 32
	// enrolTimeout bounds one of them: data planes wait little longer.
	enrolTimeout = 4 * time.Second
)

// Serve answers data planes until the returned stop is called, which waits for
// what is under way.
func (s *Service) Serve(nc *nats.Conn, names contract.Names) (stop func(), err error) {
	slots := make(chan struct{}, answering)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	sub, err := nc.QueueSubscribe(names.EnrolSubject(), names.EnrolQueue(), func(m *nats.Msg) {
		select {
		case slots <- struct{}{}:
		default:
			s.answer(m, &contract.Enrolment{Status: http.StatusServiceUnavailable, Message: "too many tokens at once"})
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			s.answer(m, s.enrol(ctx, string(m.Data)))
		})
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("listen for tokens of data planes: %w", err)
	}
	return func() {
		_ = sub.Unsubscribe() // a connection that is gone has no subscriptions
		cancel()
		wg.Wait()
	}, nil
}

func (s *Service) answer(m *nats.Msg, e *contract.Enrolment) {
	e.V = contract.SchemaVersion
	b, err := json.Marshal(e)
	if err == nil {
		err = m.Respond(b)
	}
	if err != nil {
		s.Logger.LogAttrs(context.Background(), slog.LevelWarn, "data plane not told whom a token is for", slog.Any("error", err))
	}
}

// enrol makes whom a token names.
func (s *Service) enrol(ctx context.Context, text string) *contract.Enrolment {
	ctx, cancel := context.WithTimeout(ctx, enrolTimeout)
	defer cancel()
	claims, _, err := s.Authority.Verify(ctx, text)
	if err != nil {
		return s.refused(ctx, err)
	}
	subject, err := s.Authority.Subject(claims)
	if err = errors.Join(err, subject.Refusal); err != nil {
		return s.refused(ctx, err)
	}
	if err := s.resolve(ctx, &subject); err != nil {
		return s.refused(ctx, err)
	}
	return &contract.Enrolment{UserID: subject.UserID, Teams: subject.Teams}
}

func (s *Service) refused(ctx context.Context, err error) *contract.Enrolment {
	e := store.Public(err)
	if e.Status >= http.StatusInternalServerError {
		s.Logger.LogAttrs(ctx, slog.LevelError, "users or teams of a token not made", slog.Any("error", err))
		return &contract.Enrolment{Status: http.StatusServiceUnavailable, Message: "the control plane could not look"}
	}
	return &contract.Enrolment{Status: e.Status, Message: e.Message}
}
