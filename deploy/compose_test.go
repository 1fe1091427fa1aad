// Package deploy_test checks that the deployments hold together: the compose
// file with what it mounts and builds, the NATS configuration with the
// contract, the dashboard with the metrics that the planes really export.
package deploy_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	controlplane "github.com/tianjillm/tianjillm/controlplane/app"
	dataplane "github.com/tianjillm/tianjillm/dataplane/app"
)

const root = ".."

type composeFile struct {
	Services map[string]composeService
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]struct{}
}

type composeService struct {
	Image         string
	Build         *composeBuild
	User          string
	Command       []string
	ContainerName string `yaml:"container_name"`
	Environment   map[string]string
	EnvFile       string `yaml:"env_file"`
	Volumes       []string
	Networks      []string
	Ports         []string
	ReadOnly      bool     `yaml:"read_only"`
	CapDrop       []string `yaml:"cap_drop"`
	SecurityOpt   []string `yaml:"security_opt"`
	Restart       string
	Healthcheck   *struct{ Test []string }
	Deploy        struct{ Replicas int }
	DependsOn     any `yaml:"depends_on"`
}

type composeBuild struct {
	Context    string
	Dockerfile string
	Args       map[string]string
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	require.NoError(t, err)
	return string(b)
}

func compose(t *testing.T, path ...string) composeFile {
	t.Helper()
	var f composeFile
	require.NoError(t, yaml.Unmarshal([]byte(read(t, path...)), &f))
	return f
}

func TestComposeHasTheServices(t *testing.T) {
	t.Parallel()
	f := compose(t, "docker-compose.yml")
	var names []string
	for name := range f.Services {
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{
		"nats-1", "nats-2", "nats-3", "postgres", "controlplane", "dataplane", "proxy", "prometheus", "grafana",
	}, names)
	require.Equal(t, 2, f.Services["controlplane"].Deploy.Replicas)
}

func TestComposeServicesAreConfined(t *testing.T) {
	t.Parallel()
	for name, s := range compose(t, "docker-compose.yml").Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, s.ReadOnly, "the root file system is read-only")
			require.Equal(t, []string{"ALL"}, s.CapDrop)
			require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt)
			require.Equal(t, "unless-stopped", s.Restart)
			image := ""
			if s.Build != nil {
				image = read(t, s.Build.Dockerfile)
			}
			user := s.User
			if m := regexp.MustCompile(`(?m)^USER (\S+)$`).FindStringSubmatch(image); user == "" && m != nil {
				user = m[1]
			}
			require.NotEmpty(t, user, "the user is named")
			require.NotRegexp(t, `^(root|0)(:|$)`, user)
			if s.Healthcheck == nil {
				require.Regexp(t, `(?m)^HEALTHCHECK .* CMD \[`, image)
			} else {
				require.Equal(t, "CMD", s.Healthcheck.Test[0], "a check needs no shell")
			}
		})
	}
}

func TestComposeImagesArePinned(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$`)
	for name, s := range compose(t, "docker-compose.yml").Services {
		if s.Build == nil {
			require.Regexp(t, version, s.Image, name)
			continue
		}
		require.True(t, strings.HasPrefix(s.Image, "tianjillm/"), name)
		require.Equal(t, ".", s.Build.Context, name)
	}
	require.Regexp(t, version, compose(t, "docker-compose.yml").Services["nats-1"].Build.Args["NATS"])
	base := regexp.MustCompile(`(?m)^ARG NATS=(\S+)$`).FindStringSubmatch(read(t, "deploy/docker/nats.Dockerfile"))
	require.NotNil(t, base)
	require.Equal(t, base[1], compose(t, "docker-compose.yml").Services["nats-1"].Build.Args["NATS"])
}

// What is published: the API to everybody, the rest to this machine. A service
// that scales publishes no port and has no fixed name.
func TestComposePublishesLittle(t *testing.T) {
	t.Parallel()
	open := map[string][]string{}
	for name, s := range compose(t, "docker-compose.yml").Services {
		require.Empty(t, s.ContainerName, name)
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				open[name] = append(open[name], p)
			}
		}
	}
	require.Equal(t, map[string][]string{"proxy": {"${TIANJI_PORT:-4000}:4000"}}, open)
}

func TestComposeVolumesAndNetworks(t *testing.T) {
	t.Parallel()
	f := compose(t, "docker-compose.yml")
	tls := compose(t, "deploy/compose/tls.yml")
	used := map[string]string{}
	mounts := map[string][]string{}
	for name, s := range f.Services {
		mounts[name] = append(s.Volumes, tls.Services[name].Volumes...)
		for _, n := range s.Networks {
			require.Contains(t, f.Networks, n, name)
		}
	}
	for name, volumes := range mounts {
		for _, v := range volumes {
			source, target, ok := strings.Cut(expand(v, nil), ":")
			require.True(t, ok, v)
			if !strings.HasPrefix(source, ".") {
				require.Contains(t, f.Volumes, source, name)
				require.NotContains(t, used, source, "only replicas share a volume")
				used[source] = name
				continue
			}
			require.True(t, strings.HasSuffix(target, ":ro"), v)
			if !strings.Contains(source, "/compose/tls") { // made by the operator
				require.FileExists(t, firstFile(t, filepath.Join(root, source)), v)
			}
		}
	}
	require.Len(t, used, len(f.Volumes), "every volume is used")
	require.True(t, f.Networks["database"].Internal)
	require.True(t, f.Networks["bus"].Internal)
	require.NotContains(t, f.Services["dataplane"].Networks, "database", "a data plane can not reach Postgres")
}

// firstFile is path, or some file below it.
func firstFile(t *testing.T, path string) string {
	t.Helper()
	found := ""
	require.NoError(t, filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = p
			return filepath.SkipAll
		}
		return err
	}))
	return found
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)(?::([-?])([^}]*))?\}`)

// expand puts values or defaults in the place of variables, as compose does.
func expand(s string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(s, func(m string) string {
		parts := variable.FindStringSubmatch(m)
		if v := values[parts[1]]; v != "" {
			return v
		}
		if parts[2] == "-" {
			return parts[3]
		}
		return "value-of-" + parts[1]
	})
}

func TestComposeHoldsNoSecret(t *testing.T) {
	t.Parallel()
	secretName := regexp.MustCompile(`PASSWORD|_KEY$|SECRET|TOKEN|CREDENTIAL`)
	inURL := regexp.MustCompile(`://[^:/@\s]+:([^@\s]+)@`)
	for name, s := range compose(t, "docker-compose.yml").Services {
		for key, value := range s.Environment {
			if secretName.MatchString(key) {
				require.Regexp(t, `^\$\{[A-Z_]+(:\?[^}]+)?\}$`, value, "%s %s", name, key)
			}
			for _, m := range inURL.FindAllStringSubmatch(value, -1) {
				require.Regexp(t, `^\$\{[A-Z_]+\}$`, m[1], "%s %s", name, key)
			}
		}
	}
}

// A variable has a default, or env.sh makes it and its absence is told.
func TestComposeVariablesAreMade(t *testing.T) {
	t.Parallel()
	text := read(t, "docker-compose.yml")
	example := read(t, "deploy/compose/.env.example")
	told := map[string]bool{}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		if m[2] == "?" {
			told[m[1]] = true
		}
	}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		if m[2] == "-" {
			require.Contains(t, example, "\n#"+m[1]+"=", "the example tells what can be changed")
			continue
		}
		require.True(t, told[m[1]], "%s: say what to do when it is missing", m[1])
		require.Regexp(t, `(?m)^`+m[1]+`=(sk-)?RANDOM$`, example)
	}
}

// The planes read what the compose file sets for them: a variable that no plane
// knows would be a setting without effect.
func TestComposeConfiguresThePlanes(t *testing.T) {
	t.Parallel()
	f := compose(t, "docker-compose.yml")
	lookup := func(service string) (func(string) (string, bool), map[string]bool) {
		asked := map[string]bool{}
		return func(name string) (string, bool) {
			asked[name] = true
			v, ok := f.Services[service].Environment[name]
			return expand(v, nil), ok
		}, asked
	}
	find, asked := lookup("controlplane")
	control, err := controlplane.Parse(nil, io.Discard, find)
	require.NoError(t, err)
	for name := range f.Services["controlplane"].Environment {
		require.Contains(t, asked, name)
	}
	find, asked = lookup("dataplane")
	data, err := dataplane.Parse(nil, io.Discard, find)
	require.NoError(t, err)
	for name := range f.Services["dataplane"].Environment {
		require.Contains(t, asked, name)
	}

	servers := slices.DeleteFunc([]string{"nats-1", "nats-2", "nats-3", "nats-4"}, func(s string) bool { _, ok := f.Services[s]; return !ok })
	require.Equal(t, len(servers), control.NATSReplicas)
	for plane, urls := range map[string]string{"controlplane": control.NATSURL.Reveal(), "dataplane": data.NATSURL.Reveal()} {
		var want []string
		for _, s := range servers {
			want = append(want, "nats://"+plane+":value-of-NATS_"+strings.ToUpper(plane)+"_PASSWORD@"+s+":4222")
		}
		require.Equal(t, strings.Join(want, ","), urls)
	}
	require.Equal(t, "0.0.0.0:4001", control.Listen)
	require.Equal(t, "0.0.0.0:4000", data.Listen)
	require.Equal(t, "http://controlplane:4001", data.ControlPlaneURL)
	require.Contains(t, f.Services["dataplane"].Volumes, "dataplane:"+data.DataDir)
	require.Contains(t, read(t, "deploy/docker/Dockerfile"), "COPY --chown=65532:65532 deploy/docker/data "+data.DataDir+"\n",
		"the volume starts with the owner that the image gives this folder")
	require.Equal(t, control.SaltKey.Reveal(), data.SaltKey.Reveal())
}

// Nothing may be sent twice that a replica may have begun to do.
func TestProxyRepeatsNothingThatWasBegun(t *testing.T) {
	t.Parallel()
	conf := read(t, "deploy/compose/nginx.conf")
	retry := regexp.MustCompile(`(?m)^\s*proxy_next_upstream (.*);$`).FindAllStringSubmatch(conf, -1)
	require.Len(t, retry, 1)
	require.Equal(t, "error timeout", retry[0][1])
	f := compose(t, "docker-compose.yml")
	for _, m := range regexp.MustCompile(`(?m)^\s*server ([a-z0-9-]+):(\d+) resolve`).FindAllStringSubmatch(conf, -1) {
		require.Contains(t, f.Services, m[1])
		require.Equal(t, "0.0.0.0:"+m[2], f.Services[m[1]].Environment["TIANJI_LISTEN"])
	}
	require.Equal(t, strings.Count(conf, "{"), strings.Count(conf, "}"))
}

// The overlay changes services that are there.
func TestTLSOverlayFits(t *testing.T) {
	t.Parallel()
	f := compose(t, "docker-compose.yml")
	overlay := compose(t, "deploy/compose/tls.yml")
	require.Len(t, overlay.Services, 5)
	for name, s := range overlay.Services {
		require.Contains(t, f.Services, name)
		if strings.HasPrefix(name, "nats-") {
			require.Contains(t, s.Volumes, "./deploy/compose/nats-tls.conf:/etc/nats/tianji.conf:ro")
			require.Contains(t, f.Services[name].Volumes, "./deploy/compose/nats.conf:/etc/nats/tianji.conf:ro", "what it replaces")
		}
	}
	ca := overlay.Services["dataplane"].Environment["TIANJI_NATS_CA"]
	lookup := func(name string) (string, bool) {
		v, ok := overlay.Services["dataplane"].Environment[name]
		return v, ok
	}
	o, err := dataplane.Parse(nil, io.Discard, lookup)
	require.NoError(t, err)
	require.Equal(t, ca, o.NATSCAFile)
}
