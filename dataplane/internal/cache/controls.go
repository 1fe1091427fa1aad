package cache

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// maxNamespace bounds the name of a namespace in bytes.
const maxNamespace = 256

// Controls are what a request says about the cache. The zero value says nothing.
type Controls struct {
	// NoCache asks for a new answer, which is stored.
	NoCache bool
	// NoStore keeps the answer out of the cache.
	NoStore bool
	// UseCache asks for the cache where it is off by default.
	UseCache bool
	// Off leaves the cache out of it altogether; the pipeline sets it for a body
	// with "caching": false.
	Off       bool
	Namespace string

	ttl, maxAge       time.Duration
	hasTTL, hasMaxAge bool
}

// ParseControls reads what a request says: the member "cache" of its body, which
// may be empty, its header Cache-Control, and the metadata of the key. The key
// wins over the body, and the body over the header. Of the header only s-maxage
// is read, and as a ttl, as LiteLLM does.
func ParseControls(member []byte, header http.Header, keyMetadata json.RawMessage) (Controls, error) {
	var ctl Controls
	if values := header["Cache-Control"]; len(values) > 0 {
		ctl.fromHeader(values)
	}
	if err := ctl.fromObject(member, true); err != nil {
		return Controls{}, err
	}
	if len(keyMetadata) > 0 {
		// What the administrator got wrong is not the caller's to repair.
		_ = ctl.fromObject(jsonx.Lookup(keyMetadata, "cache").Of(keyMetadata), false)
	}
	return ctl, nil
}

// CheckAllowed refuses controls that a key may not set. An empty list allows
// all, as does a member that is not an object.
func CheckAllowed(member []byte, allowed []string) error {
	if len(allowed) == 0 || len(member) == 0 || member[0] != '{' {
		return nil
	}
	var s jsonx.Scanner
	s.Reset(member)
next:
	for s.Next() {
		for _, name := range allowed {
			if name == string(s.Key()) {
				continue next
			}
		}
		return apierr.Forbidden("Not allowed to set %.64s as a cache control. Contact admin to change permissions.", s.Key())
	}
	return nil
}

// fromObject reads controls that are JSON. What is not an object says nothing,
// and neither does a null. A member of a wrong type is an error, or left out.
func (c *Controls) fromObject(object []byte, strict bool) error {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	var s jsonx.Scanner
	s.Reset(object)
	for s.Next() {
		value := s.Value().Of(object)
		if jsonx.IsNull(value) {
			continue
		}
		if want := c.set(string(s.Key()), value); want != "" && strict {
			e := apierr.BadRequest("cache.%s: want %s", s.Key(), want)
			e.Param = "cache." + string(s.Key())
			return e
		}
	}
	if s.Err() != nil && strict {
		return apierr.BadRequest("cache: want a JSON object").Because(s.Err())
	}
	return nil
}

// set takes one control. It returns what it wants to have when the value has
// the wrong type; a name that is not known is nobody's.
func (c *Controls) set(name string, value []byte) (want string) {
	switch name {
	case "no-cache":
		return flag(&c.NoCache, value)
	case "no-store":
		return flag(&c.NoStore, value)
	case "use-cache":
		return flag(&c.UseCache, value)
	case "ttl":
		return seconds(&c.ttl, &c.hasTTL, value)
	case "s-maxage", "s-max-age":
		return seconds(&c.maxAge, &c.hasMaxAge, value)
	case "namespace":
		text, err := jsonx.Unquote(value)
		if err != nil || len(text) > maxNamespace {
			return "a text of at most " + strconv.Itoa(maxNamespace) + " bytes"
		}
		c.Namespace = text
	}
	return ""
}

func flag(into *bool, value []byte) (want string) {
	switch string(value) {
	case "true":
		*into = true
	case "false":
		*into = false
	default:
		return "true or false"
	}
	return ""
}

func seconds(into *time.Duration, has *bool, value []byte) (want string) {
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return "a number of seconds that is not negative"
	}
	*into, *has = bounded(f), true
	return ""
}

// bounded turns seconds into a duration that the bucket can keep.
func bounded(seconds float64) time.Duration {
	return time.Duration(min(seconds, contract.CacheMaxAge.Seconds()) * float64(time.Second))
}

// fromHeader reads s-maxage. As in HTTP, a directive that is not understood is
// passed over.
func (c *Controls) fromHeader(values []string) {
	for _, v := range values {
		for directive := range strings.SplitSeq(v, ",") {
			name, value, ok := strings.Cut(strings.TrimSpace(directive), "=")
			if !ok || !strings.EqualFold(name, "s-maxage") {
				continue
			}
			if n, err := strconv.ParseUint(value, 10, 31); err == nil {
				c.ttl, c.hasTTL = bounded(float64(n)), true
			}
		}
	}
}

func (c *Controls) namespace(s *settings) string {
	if c.Namespace != "" {
		return c.Namespace
	}
	return s.Namespace
}

// lifetime is how long an answer is kept; zero is not at all.
func (c *Controls) lifetime(s *settings) time.Duration {
	if c.hasTTL {
		return c.ttl
	}
	return s.ttl
}

// accepts reports whether an answer of that age will do.
func (c *Controls) accepts(age time.Duration) bool { return !c.hasMaxAge || age < c.maxAge }
