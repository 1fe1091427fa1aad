package principal

import (
	"strings"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// absent stands for a principal that does not exist. Unlike that of a key,
// which anybody can guess, its absence is remembered until it changes: keys
// name users that nobody has made, and requests name customers and tags.
type absent struct{}

// absence returns what stands for a principal that does not exist, and how that
// is remembered.
func absence(key string) (record any, k kind) {
	prefix, token, _ := strings.Cut(key, ".")
	switch prefix + "." {
	case contract.PrefixTeam, contract.PrefixUser, contract.PrefixMember, contract.PrefixOrg, contract.PrefixJWTMapping:
		return absent{}, missing
	case contract.PrefixCustomer:
		if id, err := contract.IDOfToken(token); err == nil {
			return &Customer{Customer: contract.Customer{ID: id}}, missing
		}
	case contract.PrefixTag:
		if name, err := contract.IDOfToken(token); err == nil {
			return &Tag{Tag: contract.Tag{Name: name}}, missing
		}
	}
	return nil, guessed
}

// kind tells entries apart by how long and how many of them are kept.
type kind uint8

const (
	known   kind = iota
	guessed      // does not exist, and is forgotten soon
	missing      // does not exist, and is kept
)

// roomFor makes room for one entry of a kind, or says no.
func (c *Cache) roomFor(s *shard, k kind) bool {
	switch {
	case k == guessed && s.count[guessed] >= max(1, c.perPart/8):
		return false // guessed keys can not push real ones out
	case k == missing && s.count[missing] >= max(1, c.perPart/2):
		return s.evict(func(e *entry) bool { return e.kind == missing })
	case len(s.entries) >= c.perPart:
		s.evict(func(*entry) bool { return true })
	}
	return true
}

// evict forgets an entry: of a few at random, the one that was not used for
// longest.
func (s *shard) evict(may func(*entry) bool) bool {
	oldest, victim, looked, tried := int64(1<<63-1), "", 0, 0
	for key, e := range s.entries {
		if may(e) {
			if used := e.used.Load(); used < oldest {
				oldest, victim = used, key
			}
			if looked++; looked == sampleEvict {
				break
			}
		}
		if tried++; tried == maxTried {
			break
		}
	}
	s.remove(victim)
	return looked > 0
}

const (
	sampleEvict = 8
	// maxTried bounds the search for entries that may go.
	maxTried = 64
)
