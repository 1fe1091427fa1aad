package bedrock

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// route is the API that a model is called through.
type route uint8

const (
	converse route = iota
	// invokeAnthropic and invokeOpenAI carry the maker's own body.
	invokeAnthropic
	invokeOpenAI
)

// family are the models that share their peculiarities.
type family uint8

const (
	otherFamily family = iota
	unknownFamily
	claude
	nova
	nova2
	gptOSS
	openAI
	mistral
)

// model is what the name of a deployment's model says.
type model struct {
	// id is what AWS is asked for: a model, an inference profile or an ARN.
	id string
	// name is the model behind it, without a region: anthropic.claude-….
	name   string
	region string // where the name says it
	route  route
	// explicit reports that the user has chosen the Converse API.
	explicit bool
	family   family
	version  version // of Claude
}

type version struct{ major, minor int }

func (v version) atLeast(major, minor int) bool {
	return v.major > major || v.major == major && v.minor >= minor
}

// geographies stand in front of the models of cross-region inference profiles:
// https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
func geographies() []string {
	return []string{"us", "us-gov", "eu", "apac", "global", "jp", "au", "ca", "sa", "in", "me", "uk"}
}

// parseModel takes a model name apart as LiteLLM does:
// [route/][region/][commitment/]id, where the id may be an ARN with slashes.
func parseModel(cfg *provider.Config) (*model, error) {
	m := &model{}
	wantsInvoke, maker := false, ""
	rest := cfg.Model
	for {
		head, tail, found := strings.Cut(rest, "/")
		if !found || strings.HasPrefix(rest, "arn:") {
			break
		}
		switch {
		case head == "converse" || head == "converse_like":
			m.explicit = true
		case head == "invoke":
			wantsInvoke = true
		case head == "openai" || head == "qwen3" || head == "moonshot":
			wantsInvoke, maker = true, "openai"
		case slices.Contains([]string{"agent", "agentcore", "async_invoke", "mantle", "llama", "deepseek_r1", "qwen2"}, head):
			return nil, fmt.Errorf("bedrock/%s/ is not served: use bedrock/converse/, bedrock/invoke/ for Claude, or bedrock/openai/ for imported models", head)
		case isRegion(head):
			m.region = head
		case strings.HasSuffix(head, "-month-commitment"):
		default:
			return nil, fmt.Errorf("bedrock: %q in front of the model is neither a route nor a region", head)
		}
		rest = tail
	}
	m.id, m.name = rest, bareName(rest)
	if m.name == "" {
		m.name = bareName(strings.TrimPrefix(cfg.Text("base_model"), "bedrock/"))
	}
	if id := cfg.Text("model_id"); id != "" {
		m.id = id
	}
	m.classify()
	switch {
	case !wantsInvoke:
		m.route = converse
	case m.family == claude:
		m.route = invokeAnthropic
	case maker == "openai" || m.family == gptOSS || m.family == openAI:
		m.route = invokeOpenAI
	}
	// Converse serves the models whose own body is but a prompt.
	return m, nil
}

// bareName returns the model of an id: the last part of an ARN, without the
// geography of an inference profile.
func bareName(id string) string {
	if strings.HasPrefix(id, "arn:") {
		if strings.Contains(id, ":application-inference-profile/") || strings.Contains(id, ":provisioned-model/") ||
			strings.Contains(id, ":imported-model/") || strings.Contains(id, ":custom-model") || strings.Contains(id, ":prompt") {
			return "" // an identifier that says nothing
		}
		id = id[strings.LastIndexByte(id, '/')+1:]
	}
	if geography, rest, ok := strings.Cut(id, "."); ok && slices.Contains(geographies(), geography) {
		return rest
	}
	return id
}

// isRegion tells us-east-1 and us-gov-west-1 from other words.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	n := len(parts)
	if n < 3 || n > 4 || len(parts[0]) > 4 || strings.ContainsFunc(s, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return false
	}
	_, err := strconv.Atoi(parts[n-1])
	return err == nil
}

func (m *model) classify() {
	name := m.name
	switch {
	case name == "":
		m.family = unknownFamily
	case strings.Contains(name, "claude"):
		m.family, m.version = claude, claudeVersion(name)
	case strings.HasPrefix(name, "amazon.nova-2"):
		m.family = nova2
	case strings.HasPrefix(name, "amazon.nova"):
		m.family = nova
	case strings.HasPrefix(name, "openai.gpt-oss"):
		m.family = gptOSS
	case strings.HasPrefix(name, "openai."):
		m.family = openAI
	case strings.HasPrefix(name, "mistral."):
		m.family = mistral
	}
}

// claudeVersion reads claude-3-7-sonnet-20250219 and claude-sonnet-4-5-20250929.
// The models without a number are newer than those with one.
func claudeVersion(name string) version {
	_, rest, _ := strings.Cut(name, "claude-")
	if strings.HasPrefix(rest, "mythos") || strings.HasPrefix(rest, "fable") {
		return version{major: newest}
	}
	var v version
	numbers := 0
	for part := range strings.SplitSeq(rest, "-") {
		n, err := strconv.Atoi(part)
		if err != nil && numbers == 0 {
			continue
		}
		if err != nil || len(part) > 2 {
			break
		}
		if numbers++; numbers == 1 {
			v.major = n
		} else {
			v.minor = n
			break
		}
	}
	return v
}

// newest is the version of models that have none in their name.
const newest = 99

// thinks reports whether the model has Anthropic's extended thinking.
func (m *model) thinks() bool { return m.family == claude && m.version.atLeast(3, 7) }

// The generations of Claude differ in what they take:
// https://platform.claude.com/docs/en/about-claude/models/overview

// adaptive models choose themselves how long they think.
func (m *model) adaptive() bool { return m.family == claude && m.version.atLeast(4, 6) }

// budgeted models may be given a number of tokens to think for.
func (m *model) budgeted() bool {
	return m.family == unknownFamily || m.thinks() && !m.version.atLeast(4, 7)
}

// samples reports whether the model takes temperature, top_p and top_k.
func (m *model) samples() bool { return m.family != claude || !m.version.atLeast(4, 7) }

// thinkingOff is the type of thinking that stops a model from it, or "" where
// saying nothing does, or nothing.
func (m *model) thinkingOff() string {
	switch {
	case m.family != claude || !m.version.atLeast(5, 0) || m.version.major == newest:
		return ""
	case strings.Contains(m.name, "opus") && m.version.atLeast(5, 5):
		return ""
	case strings.Contains(m.name, "sonnet") && m.version.atLeast(5, 5):
		return "between_tools"
	}
	return "disabled"
}

// path returns the path of an operation on the model.
func (m *model) path(operation string) string { return modelPath(m.id, operation) }

// modelPath escapes an id whole: the slashes and colons of an ARN are not those
// of the path.
func modelPath(id, operation string) string {
	return "/model/" + strings.ReplaceAll(url.PathEscape(id), ":", "%3A") + "/" + operation
}
