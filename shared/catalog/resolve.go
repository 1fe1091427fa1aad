package catalog

import (
	"cmp"
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
		return v.fill(v.BaseURL, getenv)
	}
	return "", fmt.Errorf("no api base for %s: set api_base%s", v.Slug, orVariables(v.BaseEnv))
}

// fill puts the values of variables into a base. A value is a part of a host
// or a segment of a path, and nothing that leads elsewhere.
func (v *Vendor) fill(base string, getenv func(string) string) (string, error) {
	for {
		before, rest, found := strings.Cut(base, "{")
		if !found {
			return base, nil
		}
		names, after, _ := strings.Cut(rest, "}")
		names, fallback, _ := strings.Cut(names, "|=")
		variables := strings.Split(names, "|")
		value := cmp.Or(firstSet(variables, getenv), fallback)
		if value == "" {
			return "", fmt.Errorf("no api base for %s: set api_base%s", v.Slug, orVariables(variables))
		}
		if strings.ContainsFunc(value, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '.' && r != '_'
		}) {
			return "", fmt.Errorf("invalid value of %s for %s", strings.Join(variables, ", "), v.Slug)
		}
		base = before + value + after
	}
}

// Credentials returns the headers that carry a key.
func (v *Vendor) Credentials(key string) []Header {
	if key == "" {
		return nil
	}
	if v.KeyHeaders != nil {
		return v.KeyHeaders(key)
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
	dir := v.ended(strings.TrimRight(u.EscapedPath(), "/"))
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

// EmbeddingURL returns where texts are embedded, and in which wire.
func (v *Vendor) EmbeddingURL(base, model string) (string, EmbeddingShape, error) {
	if h := v.HostedEmbeddings; h != nil {
		own, err := url.Parse(v.BaseURL)
		u, err2 := url.Parse(base)
		if err == nil && err2 == nil && own.Host == u.Host {
			return strings.ReplaceAll(h.URL, "{model}", escapePath(model)), h.Shape, nil
		}
	}
	where, err := v.URL(base, v.Paths.Embeddings)
	return where, v.EmbeddingShape, err
}

// RerankURL returns where documents are ranked: the vendor's own host may have
// another base for it than for the rest.
func (v *Vendor) RerankURL(base, model string) (string, error) {
	path := strings.ReplaceAll(v.Paths.Rerank, "{model}", escapePath(model))
	if own, err := url.Parse(v.BaseURL); err == nil && v.RerankBase != "" {
		u, err := url.Parse(base)
		if err != nil || u.Host == "" {
			return v.URL(base, path)
		}
		if u.Host == own.Host {
			return v.RerankBase + path, nil
		}
		u.RawPath = strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), own.EscapedPath()) + path
		if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
			return "", fmt.Errorf("invalid path in the api base for %s: %w", v.Slug, err)
		}
		return u.String(), nil
	}
	if v.RerankRoot {
		root := *v
		root.BaseSuffix = ""
		return root.URL(strings.TrimSuffix(strings.TrimRight(base, "/"), v.BaseSuffix), path)
	}
	return v.URL(base, path)
}

// escapePath escapes the segments of a model name, whose slashes are the
// vendor's own.
func escapePath(model string) string {
	segments := strings.Split(model, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return strings.Join(segments, "/")
}

// ended replaces an ending that users have from elsewhere.
func (v *Vendor) ended(dir string) string {
	for _, e := range v.BaseEnds {
		if bare, ok := strings.CutSuffix(dir, e.From); ok {
			return bare + e.To
		}
	}
	return dir
}

// trimOperation cuts the path of an operation off a base that ends in one.
func (v *Vendor) trimOperation(dir string) (bare string, whole bool) {
	// Chat first: "/completions" is a suffix of it.
	for _, p := range v.Paths.all() {
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
