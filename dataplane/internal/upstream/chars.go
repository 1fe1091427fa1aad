package upstream

// tokenChar marks the bytes of a token (RFC 9110, section 5.6.2).
//
//nolint:gochecknoglobals // a read-only table
var tokenChar = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

func validToken[T ~string | ~[]byte](s T) bool {
	for i := range len(s) {
		if !tokenChar[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// validValue accepts what RFC 9110, section 5.5 allows in a field value: no
// control character but the tab.
func validValue[T ~string | ~[]byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
