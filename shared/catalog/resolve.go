package catalog

import (
	"fmt"
	"net/url"
	"strings"
)

// Key returns the credential of a deployment: its own, else the first
// variable of KeyEnv that is set, else DummyKey. It is an error when there is
// none and the vendor wants one.
func (v *Vendor) Key(own string, getenv func(string) string) (string, error) {
	if own != "" {
		return own, nil
	}
	if key := firstSet(v.KeyEnv, getenv); key != "" {
		return key, nil
	}
	if v.DummyKey != "" || v.KeyOptional {
		return v.DummyKey, nil
	}
	return "", fmt.Errorf("no api key for %s: set api_key%s", v.Slug, orVariables(v.KeyEnv))
}

// Base returns the base URL of a deployment: its own, else the first variable
// of BaseEnv that is set, else the model's, else the vendor's.
func (v *Vendor) Base(own, model string, getenv func(string) string) (string, error) {
	if own != "" {
		return own, nil
	}
	if base := firstSet(v.BaseEnv, getenv); base != "" {
		return base, nil
	}
	if v.ModelBase != nil {
		if base := v.ModelBase(model); base != "" {
			return base, nil
		}
	}
	if v.BaseURL != "" {
		return v.BaseURL, nil
	}
	return "", fmt.Errorf("no api base for %s: set api_base%s", v.Slug, orVariables(v.BaseEnv))
}

// Credentials returns the headers that carry a key.
func (v *Vendor) Credentials(key string) []Header {
	if key == "" {
		return nil
	}
	if len(v.Auth) == 0 {
		return []Header{{Name: "Authorization", Value: "Bearer " + key}}
	}
	headers := make([]Header, len(v.Auth))
	for i, a := range v.Auth {
		headers[i] = Header{Name: a.Header, Value: a.Prefix + key}
	}
	return headers
}

// StaticHeaders returns the headers of the row with their values.
func (v *Vendor) StaticHeaders(getenv func(string) string) []Header {
	var headers []Header
	for _, h := range v.Headers {
		if h.Env != "" {
			if value := getenv(h.Env); value != "" {
				h.Value = value
			}
		}
		if h.Value != "" {
			headers = append(headers, Header{Name: h.Name, Value: h.Value})
		}
	}
	return headers
}

// URL returns where an operation of Paths is called under a base. A base may
// end in a slash, lack BaseSuffix or be the whole URL of one of the
// operations; its query is kept.
func (v *Vendor) URL(base, path string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		// The text of the base stays out of the error: it may hold credentials.
		return "", fmt.Errorf("invalid api base for %s: want http(s)://host/path", v.Slug)
	}
	dir := strings.TrimRight(u.EscapedPath(), "/")
	if bare, whole := v.trimOperation(dir); whole {
		dir = bare
	} else {
		dir = v.withSuffix(u, dir)
	}
	u.RawPath = dir + path
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return "", fmt.Errorf("invalid path in the api base for %s: %w", v.Slug, err)
	}
	return u.String(), nil
}

// trimOperation cuts the path of an operation off a base that ends in one.
func (v *Vendor) trimOperation(dir string) (bare string, whole bool) {
	// Chat first: "/completions" is a suffix of it.
	for _, p := range []string{v.Paths.Chat, v.Paths.Completions, v.Paths.Embeddings} {
		if p = strings.TrimRight(p, "/"); p == "" {
			continue
		}
		if bare, whole = strings.CutSuffix(dir, p); whole {
			return bare, true
		}
	}
	return dir, false
}

func (v *Vendor) withSuffix(u *url.URL, dir string) string {
	suffix := v.BaseSuffix
	if suffix == "" || v.CompleteBase != "" && strings.Contains(dir, v.CompleteBase) {
		return dir
	}
	// The beginning of the vendor's own base is completed to that base.
	if own, err := url.Parse(v.BaseURL); err == nil && own.Host == u.Host && strings.HasPrefix(own.EscapedPath(), dir) {
		return own.EscapedPath()
	}
	if strings.HasSuffix(dir, suffix[strings.LastIndexByte(suffix, '/'):]) {
		return dir
	}
	for end := len(suffix); end > 0; end = strings.LastIndexByte(suffix[:end], '/') {
		if strings.HasSuffix(dir, suffix[:end]) {
			return dir + suffix[end:]
		}
	}
	return dir + suffix
}

func firstSet(names []string, getenv func(string) string) string {
	if getenv == nil {
		return ""
	}
	for _, name := range names {
		if value := getenv(name); value != "" {
			return value
		}
	}
	return ""
}

func orVariables(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " or " + strings.Join(names, ", ")
}
