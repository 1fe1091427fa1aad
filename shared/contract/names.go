package contract

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// DefaultPrefix is the installation prefix used when none is configured.
const DefaultPrefix = "tianji"

var prefixPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Names derives every NATS name of one installation from its prefix, so that
// several installations can share one NATS account.
type Names struct{ prefix string }

// NewNames validates prefix (lower-case letters, digits and '-') and returns
// the names of that installation.
func NewNames(prefix string) (Names, error) {
	if !prefixPattern.MatchString(prefix) {
		return Names{}, fmt.Errorf("nats prefix %q: want a lower-case letter followed by up to 31 of a-z, 0-9 and '-'", prefix)
	}
	return Names{prefix: prefix}, nil
}

// Prefix returns the installation prefix.
func (n Names) Prefix() string { return n.prefix }

// ConfigBucket is the KV bucket that every replica watches whole.
func (n Names) ConfigBucket() string { return n.prefix + "-config" }

// PrincipalsBucket is the KV bucket of keys, teams and users, read on first
// use and invalidated by its republished changes.
func (n Names) PrincipalsBucket() string { return n.prefix + "-principals" }

// MembersBucket is the KV bucket of heartbeats, one key a replica.
func (n Names) MembersBucket() string { return n.prefix + "-members" }

// ResponsesBucket is the KV bucket of responses that the gateway keeps for its
// clients; its entries expire.
func (n Names) ResponsesBucket() string { return n.prefix + "-responses" }

// CacheBucket is the KV bucket of cached answers. Its entries expire, and the
// oldest make room for new ones.
func (n Names) CacheBucket() string { return n.prefix + "-cache" }

// UsageStream is the work-queue stream that carries usage to the ledger.
func (n Names) UsageStream() string { return n.prefix + "-USAGE" }

// EventsStream carries audit, error and health events of the data planes.
func (n Names) EventsStream() string { return n.prefix + "-EVENTS" }

// LedgerConsumer is the durable consumer of the usage stream.
func (n Names) LedgerConsumer() string { return "ledger" }

// UsageSubject is where one replica publishes its usage batches.
func (n Names) UsageSubject(replica string) string {
	return n.prefix + ".usage." + Token(replica)
}

// UsageWildcard matches the usage subjects of all replicas.
func (n Names) UsageWildcard() string { return n.prefix + ".usage.>" }

// EventsSubject is where one replica publishes events of a kind.
func (n Names) EventsSubject(kind, replica string) string {
	return n.prefix + ".events." + kind + "." + Token(replica)
}

// EventsWildcard matches all event subjects.
func (n Names) EventsWildcard() string { return n.prefix + ".events.>" }

// ConfigChanges is the subject under which the server republishes each stored
// change of the config bucket.
func (n Names) ConfigChanges() string { return n.prefix + ".cfg.config" }

// PrincipalChanges is the same for the principals bucket.
func (n Names) PrincipalChanges() string { return n.prefix + ".cfg.principals" }

// BeaconSubject carries a Beacon once a second.
func (n Names) BeaconSubject() string { return n.prefix + ".cfg.epoch" }

// RouterSubject is where one replica publishes its RouterState.
func (n Names) RouterSubject(replica string) string {
	return n.prefix + ".router." + Token(replica)
}

// RouterWildcard matches the router subjects of all replicas.
func (n Names) RouterWildcard() string { return n.prefix + ".router.*" }

// CacheChanges carries a CacheChange when cached answers were deleted.
func (n Names) CacheChanges() string { return n.prefix + ".cache.changes" }

// LimitStream is the counter stream of a class of windows (see limits.Class).
func (n Names) LimitStream(class string) string {
	return n.prefix + "-LIMITS-" + strings.ToUpper(class)
}

// LimitSubject is a counter of such a stream: one limit in the window that
// starts at a Unix second.
func (n Names) LimitSubject(class, key string, start int64) string {
	return n.prefix + ".limits.n." + class + "." + key + "." + strconv.FormatInt(start, 10)
}

// LimitWildcard matches the counters of a class.
func (n Names) LimitWildcard(class string) string { return n.prefix + ".limits.n." + class + ".>" }

// ReclaimSubject asks all data planes for units that they hold and do not need.
func (n Names) ReclaimSubject() string { return n.prefix + ".limits.reclaim" }

// LimitReportSubject asks all data planes what they hold of some limits.
func (n Names) LimitReportSubject() string { return n.prefix + ".limits.report" }

// SlotsBucket is the KV bucket of calls under way: one key a limit, which says
// how many slots each replica holds.
func (n Names) SlotsBucket() string { return n.prefix + "-slots" }

// SlotSubject is where a replica is told about slots: that another wants some
// ("reclaim", by all replicas), or that it was given some ("grant").
func (n Names) SlotSubject(kind, replica string) string {
	return n.prefix + ".slots." + kind + "." + Token(replica)
}

// SeatsBucket is the KV bucket of the seating plan, which says how many
// replicas share what is shared out beforehand.
func (n Names) SeatsBucket() string { return n.prefix + "-seats" }

// SeatBeats is where every data plane says that it is there.
func (n Names) SeatBeats() string { return n.prefix + ".seats.beat" }

// InboxPrefix keeps the replies of one plane apart from the other's.
func (n Names) InboxPrefix(plane Plane) string {
	return "_INBOX." + n.prefix + "-" + string(plane)
}

// KVSubject is the subject of a key in a bucket.
func KVSubject(bucket, key string) string { return "$KV." + bucket + "." + key }

// KVStream is the stream behind a bucket.
func KVStream(bucket string) string { return "KV_" + bucket }

// Token encodes an id chosen by a user so that it is one valid subject token:
// unpadded base64url.
func Token(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// IDOfToken undoes Token.
func IDOfToken(token string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", fmt.Errorf("token %q is not base64url: %w", token, err)
	}
	return string(b), nil
}

// Keys of the config bucket.
const (
	// KeyAuthSettings holds AuthSettings.
	KeyAuthSettings = "settings.auth"
	// KeyGeneralSettings holds GeneralSettings.
	KeyGeneralSettings = "settings.general"
	// KeyRouterSettings holds RouterSettings.
	KeyRouterSettings = "settings.router"
	// KeyCacheSettings holds CacheSettings.
	KeyCacheSettings = "settings.cache"
	// KeyPassThroughSettings holds PassThroughSettings.
	KeyPassThroughSettings = "settings.passthrough"
	// KeyLimitSettings holds LimitSettings.
	KeyLimitSettings = "settings.limits"
	// KeyPrincipalsState holds PrincipalsState.
	KeyPrincipalsState = "state.principals"
	// PrefixDeployment starts the keys of deployments.
	PrefixDeployment = "model."
)

// DeploymentKey is the config key of a deployment.
func DeploymentKey(id string) string { return PrefixDeployment + Token(id) }

// Key prefixes of the principals bucket.
const (
	PrefixVirtualKey = "key."
	PrefixTeam       = "team."
	PrefixUser       = "user."
	PrefixMember     = "member."
	PrefixOrg        = "org."
	PrefixCustomer   = "customer."
	PrefixTag        = "tag."
)

// VirtualKeyKey is the principals key of a virtual key, by its hash in lower-case hex.
func VirtualKeyKey(hash string) string { return PrefixVirtualKey + hash }

// TeamKey is the principals key of a team.
func TeamKey(id string) string { return PrefixTeam + Token(id) }

// UserKey is the principals key of a user.
func UserKey(id string) string { return PrefixUser + Token(id) }

// MemberKey is the principals key of a user in a team.
func MemberKey(team, user string) string { return PrefixMember + Token(team) + "." + Token(user) }

// OrgKey is the principals key of an organisation.
func OrgKey(id string) string { return PrefixOrg + Token(id) }

// CustomerKey is the principals key of a customer.
func CustomerKey(id string) string { return PrefixCustomer + Token(id) }

// TagKey is the principals key of a tag.
func TagKey(name string) string { return PrefixTag + Token(name) }

// Headers that the server adds to a republished change.
const (
	HeaderSequence     = "Nats-Sequence"
	HeaderLastSequence = "Nats-Last-Sequence"
	HeaderKVOperation  = "KV-Operation"
	HeaderMarkerReason = "Nats-Marker-Reason"
)

// Plane names one half of the system.
type Plane string

// The two planes.
const (
	DataPlane    Plane = "dataplane"
	ControlPlane Plane = "controlplane"
)
