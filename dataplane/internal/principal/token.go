package principal

import (
	"context"
	"encoding/hex"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Token is a token of an identity provider that was verified, as far as requests
// need it. Nobody changes it.
type Token struct {
	// EndUser is the customer whom the token names, or "".
	EndUser string
	// Keys are what the token is as a key: one for each team that it names, or one.
	Keys []*Key
	// Acts names on whose behalf it acts in messages about routes: Admin, Team, or
	// "" for a user.
	Acts string
}

// Named is the customer whom the identity itself names, or "".
func (i *Identity) Named() string {
	if i.Token == nil {
		return ""
	}
	return i.Token.EndUser
}

// NewTokenKey returns what a token is as a key. rank is the role that the token
// gives its user, or none.
func NewTokenKey(k contract.VirtualKey, rank policy.Role) *Key {
	key := &Key{VirtualKey: k, rank: rank}
	key.prepare()
	return key
}

// Owned returns the identity of a key that is not in the bucket: with the owners
// that it names, as they are now.
func (c *Cache) Owned(ctx context.Context, k *Key) (Identity, error) {
	return c.owned(ctx, Identity{Key: k}, c.clock().UnixNano())
}

// Mapping leads from a claim of tokens to a virtual key.
type Mapping struct {
	contract.JWTMapping

	sum   [32]byte
	valid bool
}

// NewMapping returns a mapping as it is read from the bucket.
func NewMapping(m contract.JWTMapping) *Mapping {
	p := &Mapping{JWTMapping: m}
	p.prepare()
	return p
}

func (m *Mapping) plain() any { return &m.JWTMapping }

func (m *Mapping) prepare() {
	if len(m.KeyHash) != 2*len(m.sum) {
		return
	}
	_, err := hex.Decode(m.sum[:], []byte(m.KeyHash))
	m.valid = err == nil && !m.Inactive
}

// Key returns the SHA-256 of the key, and whether there is one that may be used.
func (m *Mapping) Key() (sum [32]byte, ok bool) { return m.sum, m.valid }

// Mapped returns the mapping under a key of the bucket, or nil.
func (c *Cache) Mapped(ctx context.Context, key []byte) (*Mapping, error) {
	return find[Mapping](ctx, c, key, c.clock().UnixNano())
}

// Known reports which of an identity's owners there are.
func (c *Cache) Known(ctx context.Context, user string, teams []string) (userKnown bool, teamsKnown []string, err error) {
	now := c.clock().UnixNano()
	if user != "" {
		u, err := find[User](ctx, c, []byte(contract.UserKey(user)), now)
		if err != nil {
			return false, nil, err
		}
		userKnown = u != nil
	}
	for _, id := range teams {
		t, err := find[Team](ctx, c, []byte(contract.TeamKey(id)), now)
		if err != nil {
			return false, nil, err
		}
		if t != nil {
			teamsKnown = append(teamsKnown, id)
		}
	}
	return userKnown, teamsKnown, nil
}

// Renewed says that a user and teams were made or changed just now: they are read
// anew, without waiting to hear of it from the bucket.
func (c *Cache) Renewed(user string, teams []string) {
	keys := []string{contract.UserKey(user)}
	for _, team := range teams {
		keys = append(keys, contract.TeamKey(team), contract.MemberKey(team, user))
	}
	for _, key := range keys {
		s := c.shard([]byte(key))
		s.mu.Lock()
		s.forget(key)
		s.mu.Unlock()
	}
}
