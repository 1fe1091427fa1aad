package litellm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/seal"
)

const (
	// pageRows and pageBytes bound one transaction.
	pageRows  = 1000
	pageBytes = 4 << 20
	// leftCount is up to where rows are counted that are not moved.
	leftCount = 100_000
)

// Options say what is moved.
type Options struct {
	// From is the URL of LiteLLM's database, as LiteLLM has it.
	From  string
	Store *store.Store
	// Salt is TIANJI_SALT_KEY of the installation that it is moved to.
	Salt string
	// Opener opens what LiteLLM sealed.
	Opener *Opener
	// FileCredentials are the names of credentials that are in config.yaml, and so
	// are not missed.
	FileCredentials []string
	// Overwrite lets LiteLLM's version win over what exists here, and brings back
	// what was deleted here.
	Overwrite bool
	// DryRun does everything and commits nothing.
	DryRun bool
	// Audit leaves an entry in the audit trail for each object even when there is
	// no trail yet.
	Audit bool
	// AuditChain links these entries where the trail is not linked yet.
	AuditChain bool
	// List gets a line of JSON for each row that was skipped or changed. May be
	// nil.
	List io.Writer
	// Progress is told how far it is after each page. May be nil.
	Progress func(Progress)
}

// Progress is how far an import is.
type Progress struct {
	Table string
	// Done and Total are rows of all tables.
	Done, Total int64
}

// run is an import under way.
type run struct {
	Options

	source *source
	models *model.Service
	// sealed are the parameters of the models that are here.
	sealed map[string][]byte
	holder holder
	// shared are the credentials that were moved.
	shared   map[string]bool
	report   *Report
	list     list
	progress Progress
}

// errDryRun ends a transaction that is not to be committed.
var errDryRun = errors.New("dry run")

// Import moves an installation in.
func Import(ctx context.Context, o Options) (*Report, error) {
	begin := time.Now()
	r := &run{Options: o, report: &Report{DryRun: o.DryRun}, list: list{to: o.List}, shared: map[string]bool{}}
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if r.source, err = openSource(ctx, o.From); err != nil {
		return nil, err
	}
	defer r.source.close(ctx)
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	plans, err := r.plan(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.keepAudit(ctx); err != nil {
		return nil, err
	}
	for _, p := range plans {
		if err := r.move(ctx, p); err != nil {
			return r.report, fmt.Errorf("move %s: %w", p.name, err)
		}
		if r.list.err != nil {
			return r.report, r.list.err
		}
	}
	if err := r.left(ctx); err != nil {
		return r.report, err
	}
	r.report.Took = time.Since(begin)
	return r.report, nil
}

// lock keeps others from importing at the same time.
func (r *run) lock(ctx context.Context) (unlock func(), err error) {
	conn, err := r.Store.DB().Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to our database: %w", err)
	}
	free, err := r.Store.ImportLock(ctx, conn)
	if err == nil && !free {
		err = errors.New("another import into this database is under way: wait for its end")
	}
	if err != nil {
		conn.Release()
		return nil, fmt.Errorf("lock our database: %w", err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := r.Store.ImportUnlock(ctx, conn); err != nil {
			_ = conn.Conn().Close(ctx) // which gives the lock back as well
		}
		conn.Release()
	}, nil
}

// prepare makes what seals models and credentials, and makes sure that it is what
// the installation seals them with.
func (r *run) prepare(ctx context.Context) error {
	needed := false
	for _, table := range []string{modelTable, credentialTable} {
		if !r.source.has(table) {
			continue
		}
		n, err := r.source.count(ctx, "SELECT FROM "+r.source.name(table)+" LIMIT 1")
		if err != nil {
			return err
		}
		needed = needed || n > 0
	}
	if !needed {
		return nil
	}
	if r.Salt == "" {
		return errors.New("LiteLLM's database holds credentials of models, which are sealed here with TIANJI_SALT_KEY: set it to that of the installation")
	}
	box, err := seal.New(r.Salt)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	// Values such as os.environ/NAME are of the environment of control planes.
	anything := func(string) (string, bool) { return "set", true }
	r.models = model.New(r.Store, box, &proxyconfig.Config{}, anything, slog.New(slog.DiscardHandler))
	stored, err := r.Store.ModelList(ctx, r.Store.DB())
	if err != nil {
		return fmt.Errorf("read our models: %w", err)
	}
	r.sealed = make(map[string][]byte, len(stored))
	for _, row := range stored {
		r.sealed[row.ModelID] = row.SealedParams
		if !r.models.Opens(row) {
			return fmt.Errorf("model %s can not be opened: TIANJI_SALT_KEY is not the one that this installation seals with", row.ModelID)
		}
	}
	return r.readCredentials(ctx, box)
}

// plan is a table with what both sides have of it.
type plan struct {
	*table

	merge   store.Merge
	columns []column
	// unknown are columns of theirs that have no place here.
	unknown []string
	query   string
	report  *TableReport
	// planned is how many rows were written when Postgres counted them last.
	planned int64
}

// plan finds out what there is, and counts it.
func (r *run) plan(ctx context.Context) ([]*plan, error) {
	var plans []*plan
	for _, t := range tables() {
		if !r.source.has(t.from) {
			continue
		}
		ours, err := r.Store.Columns(ctx, t.to)
		if err != nil {
			return nil, err
		}
		if len(ours) == 0 {
			return nil, fmt.Errorf("our database has no table %s: start a control plane on it once, or leave --dry-run out", t.to)
		}
		p := r.match(t, ours)
		n, err := r.source.count(ctx, t.counted(r.source))
		if err != nil {
			return nil, err
		}
		r.progress.Total += n
		plans = append(plans, p)
	}
	r.report.Tables = make([]TableReport, len(plans))
	for i, p := range plans {
		r.report.Tables[i] = TableReport{Name: p.name, From: p.from, To: p.to}
		p.report = &r.report.Tables[i]
	}
	return plans, nil
}

// match pairs the columns of both sides.
func (r *run) match(t *table, ours []store.Column) *plan {
	p := &plan{table: t, merge: store.Merge{Table: t.to, Key: t.key, Replace: r.Overwrite || t.always}, query: t.selection(r.source)}
	used := map[string]bool{}
	for _, name := range t.ignore {
		used[name] = true
	}
	extra := map[string]bool{}
	for _, name := range t.extra {
		extra[name] = true
	}
	for _, c := range ours {
		there := nameThere(c.Name)
		if (t.expand != nil || !r.source.has(t.from, there)) && !extra[c.Name] && !extra[there] {
			continue
		}
		used[there] = true
		p.columns = append(p.columns, column{Column: c, from: there})
		p.merge.Columns = append(p.merge.Columns, c)
	}
	for _, name := range r.source.columns[t.from] {
		if !used[name] && t.query == nil && t.expand == nil {
			p.unknown = append(p.unknown, name)
		}
	}
	return p
}

// move reads a table and writes it page by page.
func (r *run) move(ctx context.Context, p *plan) error {
	r.progress.Table = p.name
	var page []*item
	size := 0
	flush := func() error {
		err := r.write(ctx, p, page)
		page, size = page[:0], 0
		r.tell()
		return err
	}
	err := r.source.each(ctx, p.query, func(row object) error {
		r.progress.Done++
		for _, one := range p.rowsOf(row) {
			p.report.Read++
			it, err := r.convert(p, one)
			if why, ok := errors.AsType[skip](err); ok {
				r.skip(p, it, string(why))
				continue
			}
			if err != nil {
				return err
			}
			page, size = append(page, it), size+len(it.raw)
		}
		if len(page) < pageRows && size < pageBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

func (r *run) tell() {
	if r.Progress != nil {
		r.Progress(r.progress)
	}
}

func (t *table) rowsOf(row object) []object {
	if t.expand == nil {
		return []object{row}
	}
	return t.expand(row)
}

func (r *run) skip(p *plan, it *item, why string) {
	p.report.Skipped++
	p.report.because(true, why, it.label)
	r.list.add(Line{p.name, it.label, "skipped", why})
}

// item is a row on its way.
type item struct {
	id    string // in the outbox
	key   string // store.RowKey
	label string // in reports
	rec   object
	raw   json.RawMessage
	// notes are what was changed, lost are columns that have no place here.
	notes, lost []string
}

func (it *item) note(format string, args ...any) {
	it.notes = append(it.notes, fmt.Sprintf(format, args...))
}

// skip is the reason why a row is left out.
type skip string

// Error implements error.
func (s skip) Error() string { return string(s) }

// convert makes a row of ours out of one of theirs.
func (r *run) convert(p *plan, row object) (*item, error) {
	it := &item{rec: object{}, label: p.label(row)}
	for i := range p.columns {
		c := &p.columns[i]
		out, note := c.convert(row[c.from])
		if note != "" {
			it.note("%s %s", c.from, note)
		}
		if out != nil {
			it.rec[c.Name] = out
		}
	}
	if p.adapt != nil {
		if err := p.adapt(r, row, it); err != nil {
			return it, err
		}
	}
	for _, name := range p.unknown {
		if !empty(row[name]) {
			it.lost = append(it.lost, name)
		}
	}
	return it, r.seal(p, it)
}

// maxRow bounds a row: what data planes are told of it has to fit into a message.
const maxRow = 256 << 10

// seal gives a row that is complete its names and its form.
func (r *run) seal(p *plan, it *item) error {
	values := make([]string, len(p.key))
	for i, name := range p.key {
		values[i] = plainOf(it.rec[name])
	}
	it.key = store.RowKey(values...)
	if p.id != nil {
		it.id = p.id(it.rec)
	}
	return it.encode()
}

func (it *item) encode() error {
	var err error
	if it.raw, err = json.Marshal(it.rec); err != nil {
		return fmt.Errorf("encode row: %w", err)
	}
	if len(it.raw) > maxRow {
		return skip(fmt.Sprintf("it is larger than the %d KB that a record may have", maxRow>>10))
	}
	return nil
}

// plainOf is a value of a key as Postgres prints it.
func plainOf(v json.RawMessage) string {
	if s, ok := asText(v); ok {
		return s
	}
	return string(v)
}

// label is what reports call a row: never by more of a key's hash than tells it
// from others.
func (t *table) label(row object) string {
	const enough = 12
	parts := make([]string, 0, len(t.key))
	for _, name := range t.key {
		s := text(row[name])
		if name == "token" {
			if alias := text(row["key_alias"]); alias != "" {
				parts = append(parts, shortened(alias))
			}
			s = s[:min(enough, len(s))]
			if strings.HasPrefix(s, "sk-") { // not a hash
				s = "sk-…"
			}
		}
		if s != "" {
			parts = append(parts, shortened(s))
		}
	}
	return strings.Join(parts, " ")
}
