package upstream

import (
	"net/url"
	"strings"
)

// Root returns the scheme and host of a base URL, or "" when it is none.
func Root(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// JoinRoot puts a path behind a base. A version that both end and begin with
// stands but once: clients of a vendor write /v1/files behind a base that ends
// in /v1 as well as behind one that does not.
func JoinRoot(base, path string) string {
	base = strings.TrimRight(base, "/")
	last := base[strings.LastIndexByte(base, '/')+1:]
	if last != "" && strings.HasPrefix(last, "v") && strings.HasPrefix(path, "/"+last+"/") {
		return base + path[len(last)+1:]
	}
	return base + path
}
