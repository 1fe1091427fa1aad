package principal

import (
	"context"
	"encoding/hex"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// Key is a virtual key with what is needed to find its owners.
type Key struct {
	contract.VirtualKey

	team, user []byte // bucket keys of the owners, nil without
}

func (k *Key) prepare() {
	if k.TeamID != "" {
		k.team = []byte(contract.TeamKey(k.TeamID))
	}
	if k.UserID != "" {
		k.user = []byte(contract.UserKey(k.UserID))
	}
}

// Identity is who makes a request. Team and User are nil when the key has
// none, or when they do not exist any more.
type Identity struct {
	Key  *Key
	Team *contract.Team
	User *contract.User
}

// Resolve finds the identity behind the SHA-256 of a key; its Key is nil when
// there is no such key.
func (c *Cache) Resolve(ctx context.Context, sum [32]byte) (Identity, error) {
	var name [len(contract.PrefixVirtualKey) + 64]byte
	copy(name[:], contract.PrefixVirtualKey)
	hex.Encode(name[len(contract.PrefixVirtualKey):], sum[:])
	var id Identity
	var err error
	if id.Key, err = find[Key](ctx, c, name[:]); err != nil || id.Key == nil {
		return id, err
	}
	if id.Key.team != nil {
		if id.Team, err = find[contract.Team](ctx, c, id.Key.team); err != nil {
			return id, err
		}
	}
	if id.Key.user != nil {
		if id.User, err = find[contract.User](ctx, c, id.Key.user); err != nil {
			return id, err
		}
	}
	return id, nil
}

func find[T any](ctx context.Context, c *Cache, key []byte) (*T, error) {
	record, err := c.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	found, _ := record.(*T)
	return found, nil
}
