package vertex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	scope = "https://www.googleapis.com/auth/cloud-platform"
	// ahead is how long before its end a token is replaced. The request that
	// does so waits for it, the others go on with the one that there is.
	ahead = 5 * time.Minute
	// atLeast is how long a token must still be good for to be used.
	atLeast = 10 * time.Second
	// pause is the time between attempts to replace a token that is still good.
	pause = 30 * time.Second
	// fetchTimeout bounds one attempt.
	fetchTimeout = 30 * time.Second
)

// tokens proves who a deployment is. It implements native.Authorizer.
type tokens struct {
	credentials []byte // nil asks the surroundings
	quota       string // project that is charged for the calls of a user
	doer        native.Doer
	now         func() time.Time

	mu       sync.Mutex
	current  *oauth2.Token
	found    string        // project of the credentials
	fetching chan struct{} // closed when the attempt that is under way is over
	next     time.Time     // before which a good token is not replaced
}

func newTokens(cfg *provider.Config, doer native.Doer) (*tokens, error) {
	t := &tokens{now: time.Now, doer: doer}
	var err error
	if t.credentials, err = readCredentials(cfg); err != nil || t.credentials == nil {
		return t, err
	}
	a, err := parseAccount(t.credentials)
	if err != nil {
		return nil, err
	}
	t.found = a.ProjectID
	if t.found == "" {
		t.found = a.QuotaProject
	}
	if a.Type == "authorized_user" {
		t.quota = a.QuotaProject
	}
	return t, nil
}

// ambient reports whether the credentials are those of the surroundings.
func (t *tokens) ambient() bool { return t.credentials == nil }

// project returns the project that the credentials belong to, where it is known.
func (t *tokens) project() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.found
}

// Authorize implements native.Authorizer.
func (t *tokens) Authorize(ctx context.Context, _, _ string, _ []byte) ([]upstream.Field, error) {
	token, err := t.token(ctx)
	if err != nil {
		return nil, err
	}
	fields := []upstream.Field{{Name: "Authorization", Value: "Bearer " + token}}
	if t.quota != "" {
		fields = append(fields, upstream.Field{Name: "X-Goog-User-Project", Value: t.quota})
	}
	return fields, nil
}

// token returns a token that is good.
func (t *tokens) token(ctx context.Context) (string, error) {
	for {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		t.mu.Lock()
		now := t.now()
		good := t.current != nil && (t.current.Expiry.IsZero() || t.current.Expiry.After(now.Add(atLeast)))
		stale := !good || !t.current.Expiry.IsZero() && t.current.Expiry.Before(now.Add(ahead)) && now.After(t.next)
		if good && (!stale || t.fetching != nil) {
			token := t.current.AccessToken
			t.mu.Unlock()
			return token, nil
		}
		wait := t.fetching
		if wait == nil {
			t.fetching = make(chan struct{})
			t.mu.Unlock()
			return t.replace(ctx)
		}
		t.mu.Unlock()
		select {
		case <-wait: // what came of it is seen in the next round
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// replace fetches a token. When that fails and the old one is still good, that
// one serves on.
func (t *tokens) replace(ctx context.Context) (string, error) {
	token, project, err := t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.fetching)
	t.fetching = nil
	t.next = t.now().Add(pause)
	if err != nil {
		if old := t.current; old != nil && old.Expiry.After(t.now().Add(atLeast)) {
			return old.AccessToken, nil
		}
		return "", err
	}
	t.current = token
	if t.found == "" {
		t.found = project
	}
	return token.AccessToken, nil
}

// fetch gets a token from wherever the credentials say.
func (t *tokens) fetch(ctx context.Context) (token *oauth2.Token, project string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	way := &transport{ctx: ctx, doer: t.doer}
	c, err := t.read(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport:     way,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a proof goes where it was made for
	}))
	if err != nil {
		return nil, "", err
	}
	if token, err = c.TokenSource.Token(); err == nil {
		return token, c.ProjectID, nil
	}
	// The library's own words may hold what the service answered.
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case way.failed != nil:
		err = fmt.Errorf("the token service was not reached: %w", way.failed)
	case ok:
		err = refusal(refused)
	default:
		err = errors.New("the credentials gave no token: their key can not be used, or the metadata service is away")
	}
	return nil, "", err
}

// read makes credentials of what is known.
func (t *tokens) read(ctx context.Context) (*google.Credentials, error) {
	if t.credentials != nil {
		//nolint:staticcheck // it warns of credentials that nobody has looked at; parseAccount has
		c, err := google.CredentialsFromJSON(ctx, t.credentials, scope)
		if err != nil {
			return nil, errCredentials
		}
		return c, nil
	}
	c, err := google.FindDefaultCredentials(ctx, scope)
	if err != nil {
		return nil, errNoCredentials
	}
	a, err := parseAccount(c.JSON)
	switch {
	case errors.Is(err, errInTheClear):
		return nil, err
	case err == nil && c.ProjectID == "":
		c.ProjectID = a.QuotaProject
	}
	return c, nil
}

var errNoCredentials = errors.New(
	"no credentials: set vertex_credentials of the deployment, or GOOGLE_APPLICATION_CREDENTIALS in the environment of the data plane")

// refusal says why a token service gave no token.
func refusal(r *oauth2.RetrieveError) error {
	status, code := 0, r.ErrorCode
	if r.Response != nil {
		status = r.Response.StatusCode
	}
	if code == "" {
		var body struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal(r.Body, &body) // what is no error code is not shown
		code = body.Error
	}
	if code == "" || len(code) > 40 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		code = "without a reason"
	}
	return fmt.Errorf("the token service refused the credentials: status %d, %s", status, code)
}
