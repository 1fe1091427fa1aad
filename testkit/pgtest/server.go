package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

const urlEnv = "TIANJI_TEST_DATABASE_URL"

// prefix starts the name of every database made here: tianji_test_<process>_<n>.
const prefix = "tianji_test_"

// process is what the tests of this process share: initdb for each test would
// take longer than the tests.
var process = &shared{} //nolint:gochecknoglobals // see above; Main ends it

// shared starts the server with the first use.
type shared struct {
	mu     sync.Mutex
	server *server
	err    error
}

func (p *shared) running(ctx context.Context) (*server, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil && p.err == nil {
		p.server, p.err = newServer(ctx)
	}
	return p.server, p.err
}

func (p *shared) stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	s := p.server
	p.server, p.err = nil, errors.New("the tests are over")
	return s.stop(ctx)
}

// server is a PostgreSQL this process may make databases on.
type server struct {
	admin   *url.URL
	id      string // marks the databases of this process
	cluster *ephemeral
	guard   *pgx.Conn // holds the lock on id, on a server others use too

	mu        sync.Mutex
	made      int
	templates map[string]*template
}

// template is a migrated database to copy.
type template struct {
	once sync.Once
	name string
	err  error
}

func newServer(ctx context.Context) (*server, error) {
	s := &server{id: strings.ToLower(rand.Text()[:10]), templates: map[string]*template{}}
	if given, ok := os.LookupEnv(urlEnv); ok && given != "" {
		return s, s.join(ctx, given)
	}
	cluster, err := startEphemeral(ctx)
	if err != nil {
		return nil, err
	}
	s.cluster = cluster
	s.admin, err = url.Parse(cluster.URL("postgres"))
	return s, err
}

// join uses a server that other processes use too, and removes the databases
// of those that did not get to it.
func (s *server) join(ctx context.Context, given string) error {
	var err error
	if s.admin, err = parseURL(given); err != nil {
		return err
	}
	if s.guard, err = pgx.Connect(ctx, given); err != nil {
		return fmt.Errorf("connect to %s: %w", urlEnv, err)
	}
	if _, err := s.guard.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", prefix+s.id); err != nil {
		return fmt.Errorf("lock the name of this process: %w", err)
	}
	return s.sweep(ctx)
}

// sweep drops the databases of processes that are gone: theirs is the lock
// that can be had.
func (s *server) sweep(ctx context.Context) error {
	rows, err := s.guard.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
	if err != nil {
		return fmt.Errorf("list test databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list test databases: %w", err)
	}
	for _, name := range names {
		id, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		if id == s.id {
			continue
		}
		var gone bool
		err := s.guard.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", prefix+id).Scan(&gone)
		if err != nil {
			return fmt.Errorf("lock the name of another process: %w", err)
		}
		if !gone {
			continue
		}
		if err := s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
			return err
		}
		if _, err := s.guard.Exec(ctx, "SELECT pg_advisory_unlock(hashtextextended($1, 0))", prefix+id); err != nil {
			return fmt.Errorf("unlock the name of another process: %w", err)
		}
	}
	return nil
}

func (s *server) url(database string) string { return withDatabase(s.admin, database) }

func (s *server) nextName(kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	return fmt.Sprintf("%s%s_%s%d", prefix, s.id, kind, s.made)
}

// template makes the template of that name, if this is the first to ask, and
// returns its database.
func (s *server) template(ctx context.Context, key string, migrate MigrateFunc) (string, error) {
	s.mu.Lock()
	t, ok := s.templates[key]
	if !ok {
		t = &template{}
		s.templates[key] = t
	}
	s.mu.Unlock()
	t.once.Do(func() {
		t.name = s.nextName("template")
		if t.err = s.exec(ctx, "CREATE DATABASE "+quote(t.name)+" TEMPLATE template0"); t.err == nil && migrate != nil {
			t.err = migrate(ctx, s.url(t.name))
		}
	})
	return t.name, t.err
}

// exec runs one statement on a connection of its own: CREATE DATABASE takes
// its time, and tests run in parallel.
func (s *server) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	_, err = conn.Exec(ctx, statement)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (s *server) stop(ctx context.Context) error {
	var err error
	if s.guard != nil {
		for _, t := range s.templates {
			err = errors.Join(err, s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(t.name)+" WITH (FORCE)"))
		}
		err = errors.Join(err, s.guard.Close(ctx))
	}
	if s.cluster != nil {
		err = errors.Join(err, s.cluster.stop(ctx))
	}
	return err
}
