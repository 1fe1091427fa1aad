package principal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// prepared is a record with what requests need of it, made once when the
// record is read.
type prepared interface {
	contract.Record
	// plain is the record as it is stored.
	plain() any
	prepare()
}

// decode returns nil for a principal that was deleted.
func decode(key string, data []byte) (any, error) {
	if len(data) == 0 {
		return nil, nil //nolint:nilnil // a marker of a purged key
	}
	var p prepared
	kind, _, _ := strings.Cut(key, ".")
	switch kind + "." {
	case contract.PrefixVirtualKey:
		p = &Key{}
	case contract.PrefixTeam:
		p = &Team{}
	case contract.PrefixUser:
		p = &User{}
	case contract.PrefixMember:
		p = &Member{}
	case contract.PrefixOrg:
		p = &Org{}
	case contract.PrefixCustomer:
		p = &Customer{}
	case contract.PrefixTag:
		p = &Tag{}
	case contract.PrefixJWTMapping:
		p = &Mapping{}
	default:
		return nil, fmt.Errorf("decode principal: no kind of record has the key %.64q", key)
	}
	if err := json.Unmarshal(data, p.plain()); err != nil {
		return nil, fmt.Errorf("decode principal: %w", err)
	}
	if p.Header().Deleted {
		return nil, nil //nolint:nilnil // does not exist any more
	}
	p.prepare()
	return p, nil
}

// Marks are what the metadata of a key or a team say about its requests.
type Marks struct {
	Tags []string
	// ClientTags lets requests bring tags of their own.
	ClientTags bool
	// Priority is the class of the caller's requests where capacity is short.
	Priority string
	// Region is where the requests may go, such as eu.
	Region string
}

func readMarks(metadata json.RawMessage) Marks {
	var m struct {
		Tags       []string `json:"tags"`
		ClientTags bool     `json:"allow_client_tags"`
		Priority   string   `json:"priority"`
		Region     string   `json:"allowed_model_region"`
	}
	if len(metadata) > 0 {
		_ = json.Unmarshal(metadata, &m) // metadata are the user's own: what does not fit is not ours
	}
	return Marks(m)
}

// limited is nil where nothing is limited.
func limited(s *limits.Set) *limits.Set {
	if s.Empty() {
		return nil
	}
	return s
}

// Key is a virtual key. Its owners are found by the keys of the bucket.
type Key struct {
	contract.VirtualKey

	// Limited is what the key is held to, nil where that is nothing.
	Limited *limits.Set
	Marks   Marks
	// Routes are what the key is narrowed to.
	Routes policy.Routes

	team, user, member, org []byte // nil without
	// next is the key that this is a former text of.
	next []byte
	// rank is the role that a token gives, or none.
	rank policy.Role

	mu     sync.Mutex
	groups []inGroup
}

// inGroup is what each key is held to in a model group, for this one.
type inGroup struct {
	of   *contract.Rates
	list []limits.Limit
}

// maxGroups bounds what is kept of a key: old ones are of configurations that
// are gone.
const maxGroups = 32

// InGroup returns what the key is held to in a model group by rates that are
// for each key, and may be nil. They are told apart by their address.
func (k *Key) InGroup(group string, each *contract.Rates) []limits.Limit {
	if each == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.groups {
		if k.groups[i].of == each {
			return k.groups[i].list
		}
	}
	one := contract.VirtualKey{Hash: k.Hash, Name: k.Name, Limits: contract.Limits{Models: map[string]contract.ModelLimits{group: {Rates: *each}}}}
	made := inGroup{each, limits.OfKey(&one).Models[group]}
	if len(k.groups) >= maxGroups {
		k.groups = nil
	}
	k.groups = append(k.groups, made)
	return made.list
}

func (k *Key) plain() any { return &k.VirtualKey }

func (k *Key) prepare() {
	if k.ReplacedBy != "" {
		k.next = []byte(contract.VirtualKeyKey(k.ReplacedBy))
		return
	}
	k.Limited, k.Marks = limited(limits.OfKey(&k.VirtualKey)), readMarks(k.Metadata)
	k.Routes = policy.NewRoutes(k.AllowedRoutes)
	if k.TeamID != "" {
		k.team = []byte(contract.TeamKey(k.TeamID))
	}
	if k.UserID != "" {
		k.user = []byte(contract.UserKey(k.UserID))
	}
	if k.TeamID != "" && k.UserID != "" {
		k.member = []byte(contract.MemberKey(k.TeamID, k.UserID))
	}
	if k.OrgID != "" {
		k.org = []byte(contract.OrgKey(k.OrgID))
	}
}

// Team is a team.
type Team struct {
	contract.Team

	Limited *limits.Set
	Marks   Marks

	org []byte
}

func (t *Team) plain() any { return &t.Team }

func (t *Team) prepare() {
	t.Limited, t.Marks = limited(limits.OfTeam(&t.Team)), readMarks(t.Metadata)
	if t.OrgID != "" {
		t.org = []byte(contract.OrgKey(t.OrgID))
	}
}

// User is an internal user.
type User struct {
	contract.User

	Limited *limits.Set
	// Rank is the role, read. Viewer says that it may not call models.
	Rank   policy.Role
	Viewer bool
}

func (u *User) plain() any { return &u.User }

func (u *User) prepare() {
	u.Limited, u.Rank = limited(limits.OfUser(&u.User)), policy.RoleOf(u.Role)
	u.Viewer = !u.Rank.MayCall()
}

// Member is a user in a team.
type Member struct {
	contract.Membership

	Limited *limits.Set
}

func (m *Member) plain() any { return &m.Membership }
func (m *Member) prepare()   { m.Limited = limited(limits.OfMember(&m.Membership)) }

// Org is an organisation.
type Org struct {
	contract.Organization

	Limited *limits.Set
}

func (o *Org) plain() any { return &o.Organization }
func (o *Org) prepare()   { o.Limited = limited(limits.OfOrg(&o.Organization)) }

// Customer is an end user. There is one for every name that requests say, also
// where nobody has made it: it then has an id and nothing else.
type Customer struct {
	contract.Customer

	own     *limits.Set
	general atomic.Pointer[general]
}

// general is a set made of limits that hold for each customer.
type general struct {
	of  *contract.Limits
	set *limits.Set
}

func (c *Customer) plain() any { return &c.Customer }
func (c *Customer) prepare()   { c.own = limited(limits.OfCustomer(c.ID, &c.Limits)) }

// Limited returns what the customer is held to: limits of its own, else those
// for each customer, which may be nil. They are told apart by their address.
func (c *Customer) Limited(each *contract.Limits) *limits.Set {
	if c.own != nil || each == nil {
		return c.own
	}
	if g := c.general.Load(); g != nil && g.of == each {
		return g.set
	}
	set := limited(limits.OfCustomer(c.ID, each))
	c.general.Store(&general{each, set})
	return set
}

// Tag is a label of requests, also where nobody has made it.
type Tag struct {
	contract.Tag

	Limited *limits.Set
	// Budgeted says that it has a budget of its own.
	Budgeted bool
}

func (t *Tag) plain() any { return &t.Tag }

func (t *Tag) prepare() {
	t.Limited, t.Budgeted = limited(limits.OfTag(t.Name, &t.Limits)), len(t.Limits.Budgets) > 0
}

// Identity is who makes a request. What the key does not have, or what does not
// exist any more, is nil.
type Identity struct {
	Key    *Key
	Team   *Team
	User   *User
	Member *Member
	Org    *Org
	// Token is what came instead of a key, or nil.
	Token *Token
	// Behalf is whom the request is made for where that is not the key's user, or nil.
	Behalf *Behalf
}

// Behalf is an internal user whom a request of an application names. The request
// counts as theirs; what the key's own user may not do, it may not either.
type Behalf struct {
	UserID string
	// User is nil for one whom nobody has made.
	User *User
}

// UserID is whom the requests count as, or "".
func (i *Identity) UserID() string {
	if i.Behalf != nil {
		return i.Behalf.UserID
	}
	return i.Key.UserID
}

// Counted is the user whose limits the requests are under, or nil.
func (i *Identity) Counted() *User {
	if i.Behalf != nil {
		return i.Behalf.User
	}
	return i.User
}

// OrgID is the organisation of the key, or of its team.
func (i *Identity) OrgID() string {
	if i.Team == nil {
		return i.Key.OrgID
	}
	return cmp.Or(i.Key.OrgID, i.Team.OrgID)
}

// Role is that of the key's user, or that of the token.
func (i *Identity) Role() policy.Role {
	if i.Key != nil && i.Key.rank != policy.NoRole {
		return i.Key.rank
	}
	if i.User == nil || i.Key != nil && i.Key.Delegated {
		return policy.NoRole
	}
	return i.User.Rank
}

// Priority is the class of the requests: the team's, else the key's.
func (i *Identity) Priority() string {
	if i.Team == nil {
		return i.Key.Marks.Priority
	}
	return cmp.Or(i.Team.Marks.Priority, i.Key.Marks.Priority)
}
