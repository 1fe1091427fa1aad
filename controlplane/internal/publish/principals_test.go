package publish_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/customer"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/organization"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/tag"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// shop is a control plane with all that manages principals.
type shop struct {
	*plane

	t         *testing.T
	tiers     *tier.Service
	customers *customer.Service
	orgs      *organization.Service
	tags      *tag.Service
	teams     *team.Service
}

// noModels is a proxy without models.
type noModels struct{}

func (noModels) Groups(context.Context) ([]string, error)         { return nil, nil }
func (noModels) Named(context.Context) (map[string]string, error) { return nil, nil }

func newShop(t *testing.T) *shop {
	t.Helper()
	server, names := bus(t)
	p := newPlane(t, pgtest.New(t, "controlplane", migrate), server, names)
	require.NoError(t, publish.Provision(t.Context(), p.js, names, 1))
	p.store.OnCommit(p.publisher.Changes)
	return &shop{
		plane: p, t: t, tiers: tier.New(p.store), customers: customer.New(p.store, noModels{}), orgs: organization.New(p.store),
		tags: tag.New(p.store, noModels{}), teams: team.New(p.store),
	}
}

// do calls a service with a body of JSON as the admin.
func do[Request, Reply any](s *shop, serve func(context.Context, caller.Caller, *Request) (Reply, error), body string) Reply {
	s.t.Helper()
	r := decoded[Request](s.t, body)
	out, err := serve(s.t.Context(), caller.Caller{Master: true}, &r)
	require.NoError(s.t, err, body)
	return out
}

// holds compares a record of the principals bucket.
func (s *shop) holds(name, want string) {
	s.t.Helper()
	require.JSONEq(s.t, want, s.record(s.t, s.names.PrincipalsBucket(), name))
}

// limits are those in a record of the principals bucket.
func (s *shop) limits(name string) string {
	s.t.Helper()
	return string(decoded[map[string]json.RawMessage](s.t, s.record(s.t, s.names.PrincipalsBucket(), name))["limits"])
}

func (s *shop) gone(name string) {
	s.t.Helper()
	require.True(s.t, decoded[contract.Head](s.t, s.record(s.t, s.names.PrincipalsBucket(), name)).Deleted, name)
}

// exec runs a statement behind the services' back.
func (s *shop) exec(statement string, args ...any) {
	s.t.Helper()
	_, err := s.store.DB().Exec(s.t.Context(), statement, args...)
	require.NoError(s.t, err)
}

func TestPrincipals_reach_the_bus_and_leave_it(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	master := caller.Caller{Master: true}

	do(s, s.customers.New, `{"user_id":"c","alias":"Carl","allowed_model_region":"eu","max_budget":2,"budget_duration":"30d","rpm_limit":3}`)
	s.holds(contract.CustomerKey("c"), `{"v":1,"id":"c","alias":"Carl","region":"eu","limits":{"rpm":3,"budgets":[{"max_nano":2000000000,"duration":"30d"}]}}`)
	_, err := s.customers.Block(t.Context(), master, []string{"c", "stranger"})
	require.NoError(t, err)
	s.holds(contract.CustomerKey("stranger"), `{"v":1,"id":"stranger","blocked":true}`)
	require.True(t, decoded[contract.Customer](t, s.record(t, s.names.PrincipalsBucket(), contract.CustomerKey("c"))).Blocked)
	left, err := s.customers.Unblock(t.Context(), master, []string{"c", "nobody"})
	require.NoError(t, err)
	require.Equal(t, []string{"stranger"}, left)
	require.False(t, decoded[contract.Customer](t, s.record(t, s.names.PrincipalsBucket(), contract.CustomerKey("c"))).Blocked)
	_, err = s.customers.Delete(t.Context(), master, []string{"c"})
	require.NoError(t, err)
	s.gone(contract.CustomerKey("c"))

	do(s, s.orgs.New, `{"organization_id":"o","organization_alias":"Acme","models":["gpt"],"tpm_limit":5,"model_rpm_limit":{"gpt":2}}`)
	s.holds(contract.OrgKey("o"), `{"v":1,"id":"o","alias":"Acme","models":["gpt"],"limits":{"tpm":5,"models":{"gpt":{"rpm":2}}},"metadata":{"model_rpm_limit":{"gpt":2}}}`)
	do(s, s.tags.New, `{"name":"blue","max_budget":1,"model_max_budget":{"gpt":{"budget_limit":0.5,"time_period":"1d"}}}`)
	s.holds(contract.TagKey("blue"), `{"v":1,"name":"blue","limits":{"budgets":[{"max_nano":1000000000}],"models":{"gpt":{"budget":{"max_nano":500000000,"duration":"1d"}}}}}`)
	_, err = s.tags.Delete(t.Context(), master, "blue")
	require.NoError(t, err)
	s.gone(contract.TagKey("blue"))

	do(s, s.teams.New, `{"team_id":"t","organization_id":"o","members_with_roles":[{"user_id":"ann","role":"admin"}],"team_member_rpm_limit":7,"team_member_budget":1}`)
	s.holds(contract.MemberKey("t", "ann"), `{"v":1,"team_id":"t","user_id":"ann","limits":{"rpm":7,"budgets":[{"max_nano":1000000000}]}}`)
	do(s, s.teams.AddMembers, `{"team_id":"t","member":{"user_email":"Bob@example.com","role":"user"},"max_budget_in_team":0.5,"tpm_limit":9}`)
	bob := s.user("Bob@example.com")
	require.JSONEq(t, `{"rpm":7,"tpm":9,"budgets":[{"max_nano":500000000}]}`, s.limits(contract.MemberKey("t", bob)), "the team's where the member has none")
	do(s, s.teams.UpdateMember, `{"team_id":"t","user_email":"bob@example.com","max_budget_in_team":null,"rpm_limit":1}`)
	require.JSONEq(t, `{"rpm":1,"tpm":9,"budgets":[{"max_nano":1000000000}]}`, s.limits(contract.MemberKey("t", bob)))
	s.newKey(`{"key":"sk-bob-in-t","team_id":"t","user_id":"` + bob + `"}`)
	do(s, s.teams.DeleteMember, `{"team_id":"t","user_id":"`+bob+`"}`)
	s.gone(contract.MemberKey("t", bob))
	require.Empty(t, s.living(contract.PrefixVirtualKey), "the member's keys of the team go with them")

	s.newKey(`{"key":"sk-of-team","team_id":"t"}`)
	_, err = s.orgs.Delete(t.Context(), master, []string{"o"})
	require.NoError(t, err)
	for _, prefix := range []string{contract.PrefixOrg, contract.PrefixTeam, contract.PrefixMember, contract.PrefixVirtualKey} {
		require.Empty(t, s.living(prefix), prefix)
	}
	require.Zero(t, s.count("budget_table"), "budgets of their own go with their owners")
	require.Equal(t, 2, s.count("deleted_verification_token"))
	require.Equal(t, 1, s.count("deleted_team_table"))
}

func (s *shop) user(email string) (id string) {
	s.t.Helper()
	require.NoError(s.t, s.store.DB().QueryRow(s.t.Context(), "SELECT user_id FROM user_table WHERE user_email = $1", email).Scan(&id))
	return id
}

func (s *shop) newKey(body string) string {
	s.t.Helper()
	return do(s, func(ctx context.Context, who caller.Caller, r *key.Request) (key.Generated, error) {
		return s.keys.Generate(ctx, who, r)
	}, body).Token
}

// living are the keys of records that are not tombstones.
func (s *shop) living(prefix string) (keys []string) {
	s.t.Helper()
	kv, err := s.js.KeyValue(s.t.Context(), s.names.PrincipalsBucket())
	require.NoError(s.t, err)
	lister, err := kv.ListKeys(s.t.Context())
	require.NoError(s.t, err)
	for name := range lister.Keys() {
		if strings.HasPrefix(name, prefix) && !decoded[contract.Head](s.t, s.record(s.t, s.names.PrincipalsBucket(), name)).Deleted {
			keys = append(keys, name)
		}
	}
	return keys
}

// everybody makes one of each kind that uses a tier, and returns the records
// and what they have of their own beside its rpm_limit.
func (s *shop) everybody() map[string]string {
	do(s, s.tiers.New, `{"budget_id":"gold","rpm_limit":10,"max_budget":1}`)
	hash := s.newKey(`{"key":"sk-golden","budget_id":"gold"}`)
	do(s, s.customers.New, `{"user_id":"c","budget_id":"gold"}`)
	do(s, s.customers.New, `{"user_id":"own","budget_id":"gold","tpm_limit":5}`)
	do(s, s.orgs.New, `{"organization_id":"o","organization_alias":"O","budget_id":"gold"}`)
	do(s, s.tags.New, `{"name":"blue","budget_id":"gold"}`)
	do(s, s.teams.New, `{"team_id":"t","members_with_roles":[{"user_id":"dora","role":"user"}],"metadata":{"team_member_budget_id":"gold"}}`)
	do(s, s.teams.AddMembers, `{"team_id":"t","member":[{"user_id":"ann","role":"user"}],"budget_id":"gold"}`)
	do(s, s.teams.AddMembers, `{"team_id":"t","member":[{"user_id":"ben","role":"user"}],"budget_id":"gold","max_budget_in_team":0.5}`)
	return map[string]string{
		contract.VirtualKeyKey(hash): ``, contract.CustomerKey("c"): ``, contract.OrgKey("o"): ``, contract.TagKey("blue"): ``,
		contract.MemberKey("t", "dora"): ``, contract.MemberKey("t", "ann"): ``,
		contract.CustomerKey("own"):    `"tpm":5,`,
		contract.MemberKey("t", "ben"): `500000000`,
	}
}

func TestBudget_that_changes_reaches_all_who_use_it(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	records := s.everybody()
	check := func(rpm int, budget string) {
		t.Helper()
		for name, own := range records {
			want := fmt.Sprintf(`{"rpm":%d,%s"budgets":[{"max_nano":%s}]}`, rpm, own, budget)
			if name == contract.MemberKey("t", "ben") {
				want = fmt.Sprintf(`{"rpm":%d,"budgets":[{"max_nano":%s}]}`, rpm, own)
			}
			require.JSONEq(t, want, s.limits(name), name)
		}
	}
	check(10, "1000000000")
	do(s, s.tiers.Update, `{"budget_id":"gold","rpm_limit":20,"max_budget":2}`)
	check(20, "2000000000")
	s.requireEmptyOutbox()

	_, err := s.tiers.Delete(t.Context(), caller.Caller{Master: true}, "gold")
	require.NoError(t, err)
	for name, own := range records {
		want := map[string]string{``: `null`, `"tpm":5,`: `{"tpm":5}`, `500000000`: `{"budgets":[{"max_nano":500000000}]}`}[own]
		got := s.limits(name)
		if got == "" {
			got = "null"
		}
		require.JSONEq(t, want, got, name)
	}
	s.requireEmptyOutbox()
	for _, table := range []string{"verification_token", "end_user_table", "organization_table", "tag_table", "team_membership"} {
		require.Zero(t, s.count(table+" WHERE budget_id = 'gold'"), table)
	}
}

func (s *shop) requireEmptyOutbox() {
	s.t.Helper()
	require.Zero(s.t, s.count("outbox"))
}

func (s *shop) count(table string) (n int) {
	s.t.Helper()
	require.NoError(s.t, s.store.DB().QueryRow(s.t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// A tier of more users than one call publishes is finished by the relay, also
// when the process that began it is gone.
func TestBudget_of_many_is_finished_by_the_relay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const users = 2600
	do(s, s.tiers.New, `{"budget_id":"gold","rpm_limit":10}`)
	s.exec("INSERT INTO end_user_table (user_id, budget_id) SELECT 'c' || n, 'gold' FROM generate_series(1, $1) n", users)
	s.exec("INSERT INTO tag_table (tag_name, budget_id) VALUES ('blue', 'gold')")
	do(s, s.tiers.Update, `{"budget_id":"gold","rpm_limit":20}`)
	require.NotZero(t, s.count("outbox"), "one call is not long enough")
	stop := lifecycle.Loop(s.publisher.Relay)
	t.Cleanup(stop)
	require.Eventually(t, func() bool { return s.count("outbox") == 0 }, 30*time.Second, 50*time.Millisecond)
	require.JSONEq(t, `{"rpm":20}`, s.limits(contract.TagKey("blue")))
	for _, n := range []int{1, users / 2, users} {
		require.JSONEq(t, `{"rpm":20}`, s.limits(contract.CustomerKey(fmt.Sprint("c", n))))
	}
	require.Len(t, s.living(contract.PrefixCustomer), users)
}

func TestReconcile_repairs_principals(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	records := s.everybody()
	s.exec("INSERT INTO end_user_table (user_id, managed) VALUES ('seen', false)")
	before := map[string]string{}
	for name := range records {
		before[name] = s.record(t, s.names.PrincipalsBucket(), name)
	}
	require.NoError(t, s.js.DeleteKeyValue(t.Context(), s.names.PrincipalsBucket()))
	require.NoError(t, publish.Provision(t.Context(), s.js, s.names, 1))
	kv, err := s.js.KeyValue(t.Context(), s.names.PrincipalsBucket())
	require.NoError(t, err)
	ghosts := []string{contract.CustomerKey("ghost"), contract.OrgKey("ghost"), contract.TagKey("ghost"), contract.MemberKey("t", "ghost")}
	for _, name := range ghosts {
		_, err = kv.Put(t.Context(), name, []byte(`{"v":1}`))
		require.NoError(t, err)
	}
	require.NoError(t, s.publisher.Reconcile(t.Context()))
	for name, want := range before {
		s.holds(name, want)
	}
	for _, name := range ghosts {
		s.gone(name)
	}
	require.NotContains(t, s.living(contract.PrefixCustomer), contract.CustomerKey("seen"), "nobody registered this customer")
}

// What is for each customer without limits of its own is a budget too.
func TestBudget_of_all_customers_reaches_the_settings(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	log := slog.New(slog.DiscardHandler)
	settings := publish.Settings{CustomerLimits: func(ctx context.Context) (*contract.Limits, error) { return s.tiers.Limits(ctx, "everybody") }}
	publisher := publish.New(s.store, model.New(s.store, nil, &proxyconfig.Config{}, nil, log), settings, s.js, s.names, log, prometheus.NewRegistry())
	s.store.OnCommit(publisher.Changes)
	customers := func() *contract.Limits {
		return decoded[contract.LimitSettings](t, s.record(t, s.names.ConfigBucket(), contract.KeyLimitSettings)).Customers
	}
	do(s, s.tiers.New, `{"budget_id":"everybody","rpm_limit":5,"max_budget":1}`)
	require.EqualValues(t, 5, *customers().RPM)
	do(s, s.tiers.Update, `{"budget_id":"everybody","rpm_limit":6}`)
	require.EqualValues(t, 6, *customers().RPM)
	_, err := s.tiers.Delete(t.Context(), caller.Caller{Master: true}, "everybody")
	require.NoError(t, err)
	require.Nil(t, customers())
}
