package principal

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// Resolve finds the identity behind the SHA-256 of a key; its Key is nil when
// there is no such key.
func (c *Cache) Resolve(ctx context.Context, sum [32]byte) (Identity, error) {
	var name [len(contract.PrefixVirtualKey) + 64]byte
	copy(name[:], contract.PrefixVirtualKey)
	hex.Encode(name[len(contract.PrefixVirtualKey):], sum[:])
	var id Identity
	var err error
	now := c.clock().UnixNano() // reading the clock costs half of a lookup
	if id.Key, err = find[Key](ctx, c, name[:], now); err == nil && id.Key != nil && id.Key.next != nil {
		id.Key, err = c.follow(ctx, id.Key, now)
	}
	if err != nil || id.Key == nil {
		return Identity{}, err
	}
	return c.owned(ctx, id, now)
}

// owned finds the owners of an identity's key.
func (c *Cache) owned(ctx context.Context, id Identity, now int64) (Identity, error) {
	var err error
	if id.Team, err = find[Team](ctx, c, id.Key.team, now); err != nil {
		return id, err
	}
	if id.User, err = find[User](ctx, c, id.Key.user, now); err != nil {
		return id, err
	}
	if id.Member, err = find[Member](ctx, c, id.Key.member, now); err != nil {
		return id, err
	}
	org := id.Key.org
	if org == nil && id.Team != nil {
		org = id.Team.org
	}
	id.Org, err = find[Org](ctx, c, org, now)
	return id, err
}

// For returns the identity of requests that a key makes for a user other than its
// own: with that user, and the user's place in the key's team.
func (c *Cache) For(ctx context.Context, id Identity, user string) (Identity, error) {
	now := c.clock().UnixNano()
	found, err := find[User](ctx, c, []byte(contract.UserKey(user)), now)
	if err != nil {
		return id, err
	}
	id.Behalf, id.Member = &Behalf{UserID: user, User: found}, nil
	if id.Key.TeamID != "" {
		id.Member, err = find[Member](ctx, c, []byte(contract.MemberKey(id.Key.TeamID, user)), now)
	}
	return id, err
}

// maxFollowed bounds how often a key is followed: while a key gets its next text,
// the one before may still lead to it by way of another.
const maxFollowed = 3

// follow returns the key that a former text of it stands for, or nil when its
// time is over.
func (c *Cache) follow(ctx context.Context, k *Key, now int64) (*Key, error) {
	for range maxFollowed {
		if k == nil || k.next == nil {
			return k, nil
		}
		if now >= k.Expires.UnixNano() {
			return nil, nil //nolint:nilnil // there is no such key any more
		}
		next, err := find[Key](ctx, c, k.next, now)
		if err != nil {
			return nil, err
		}
		k = next
	}
	return nil, nil //nolint:nilnil // it leads nowhere
}

func find[T any](ctx context.Context, c *Cache, key []byte, now int64) (*T, error) {
	if key == nil {
		return nil, nil //nolint:nilnil // nobody asks for one
	}
	record, err := c.get(ctx, key, now)
	if err != nil {
		return nil, err
	}
	found, _ := record.(*T)
	return found, nil
}

const (
	// namePatience is how long a request waits for a customer or a tag that it
	// names. They are read once: what does not answer for so long is away.
	namePatience = 250 * time.Millisecond
	// awayTime is for how long nobody waits after that.
	awayTime = time.Second
	// maxName bounds names that are looked up without an allocation.
	maxName = 256
)

// Customer returns the customer of that id, made or not. When the bus can not
// be asked, it is one without limits, and the error says so.
func (c *Cache) Customer(ctx context.Context, id string) (*Customer, error) {
	record, err := c.named(ctx, contract.PrefixCustomer, id)
	if found, ok := record.(*Customer); ok {
		return found, err
	}
	return &Customer{Customer: contract.Customer{ID: id}}, err
}

// Tag returns the tag of that name, made or not, like Customer.
func (c *Cache) Tag(ctx context.Context, name string) (*Tag, error) {
	record, err := c.named(ctx, contract.PrefixTag, name)
	if found, ok := record.(*Tag); ok {
		return found, err
	}
	return &Tag{Tag: contract.Tag{Name: name}}, err
}

// named looks up what a request names. While the bus does not answer, requests
// do not wait for it one after the other.
func (c *Cache) named(ctx context.Context, prefix, name string) (any, error) {
	var raw [maxName]byte
	var space [len(contract.PrefixCustomer) + (maxName+2)/3*4]byte
	key := append(space[:0], prefix...)
	key = base64.RawURLEncoding.AppendEncode(key, append(raw[:0], name...))
	now := c.clock()
	if record := c.peek(key, now.UnixNano()); record != nil {
		return record, nil
	}
	if now.UnixNano() < c.awayUntil.Load() {
		return c.stale(key), ErrUnavailable
	}
	waiting, cancel := context.WithTimeout(ctx, namePatience)
	defer cancel()
	record, err := c.Get(waiting, key)
	switch {
	case err == nil:
		return record, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		err = ErrUnavailable
	}
	c.awayUntil.Store(now.Add(awayTime).UnixNano())
	return c.stale(key), err
}
