package awsauth

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
)

const (
	defaultProfile = "default"
	maxFile        = 1 << 20
)

// section are the settings of one profile or session.
type section map[string]string

// files are the shared configuration: profiles by name, and what else the file
// holds by its title ("sso-session x").
type files map[string]section

func (f files) has(profile string) bool { return f[profile] != nil }

// files reads the shared files. They are read anew each time: that is seldom,
// and their owner may have changed them.
func (c *chain) files() (files, error) {
	all := files{}
	config, err := c.file("AWS_CONFIG_FILE", "config")
	if err != nil {
		return nil, err
	}
	for title, s := range parseINI(config) {
		all.add(strings.TrimPrefix(title, "profile "), s)
	}
	credentials, err := c.file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
	if err != nil {
		return nil, err
	}
	for title, s := range parseINI(credentials) {
		all.add(title, s)
	}
	return all, nil
}

// add lets what comes later win, as AWS's tools do for the credentials file.
func (f files) add(name string, s section) {
	if f[name] == nil {
		f[name] = section{}
	}
	maps.Copy(f[name], s)
}

func (c *chain) file(variable, name string) ([]byte, error) {
	path := c.cfg.Env(variable)
	if path == "" {
		home := c.cfg.Env("HOME", "USERPROFILE")
		if home == "" {
			return nil, nil
		}
		path = filepath.Join(home, ".aws", name)
	}
	b, err := readFile(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// parseINI reads sections of "name = value". Nested settings, which are
// indented, are none of ours.
func parseINI(b []byte) map[string]section {
	all := map[string]section{}
	var current section
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		line := lines.Text()
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case text[0] == '[':
			title, _, _ := strings.Cut(text[1:], "]")
			title = strings.Join(strings.Fields(title), " ")
			if all[title] == nil {
				all[title] = section{}
			}
			current = all[title]
		case current != nil && line[0] != ' ' && line[0] != '\t':
			key, value, _ := strings.Cut(text, "=")
			if i := strings.IndexAny(value, "#;"); i > 0 && value[i-1] == ' ' {
				value = value[:i]
			}
			current[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return all
}
