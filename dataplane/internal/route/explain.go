package route

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// maxDetail bounds what is told of a failed fallback.
const maxDetail = 2000

// Err is what the client is told when Begin or Next has given up: why the group
// that was asked for failed, and what was tried in its place.
func (r *Route) Err() *apierr.Error {
	e := r.trail.primary.Err
	if e == nil {
		e = &apierr.Error{Status: http.StatusInternalServerError, Message: "litellm.InternalServerError: the call failed", Type: apierr.TypeInternal}
	}
	if r.trail.primary.Class == classNone { // LiteLLM adds nothing to these
		return e
	}
	told := *e
	told.Message += r.Suffix()
	return &told
}

// Suffix is the text that LiteLLM appends to the message of the error: which
// groups were tried, and how often. With expose_router_debug_in_errors: false
// it holds no names of groups. A group that the caller may not use is not
// named in either case.
func (r *Route) Suffix() string {
	if r.table == nil {
		return ""
	}
	var b strings.Builder
	if !r.table.rules.hide && !r.ask.DisableFallbacks {
		r.explain(&b)
	}
	if r.trail.retried > 0 {
		fmt.Fprintf(&b, " LiteLLM Retried: %d times, LiteLLM Max Retries: %d", r.trail.retried, r.trail.maximum)
	}
	return b.String()
}

func (r *Route) explain(b *strings.Builder) {
	b.WriteString(r.trail.hint)
	group := r.ask.Target.Asked
	if r.trail.unlisted {
		fmt.Fprintf(b, "No fallback model group found for original model_group=%s. Fallbacks=%s", group, r.listed(r.general().written))
	}
	fmt.Fprintf(b, ". Received Model Group=%s\nAvailable Model Group Fallbacks=%s", group, r.known(r.trail.available))
	if text := r.trail.lastText; text != "" && r.fallbacks > 0 {
		if len(text) > maxDetail {
			text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
		}
		b.WriteString("\nError doing the fallback: " + text)
	}
}

// hintFor is what LiteLLM says where a special list of fallbacks is missing.
func (r *Route) hintFor(f *Failure, kind string) string {
	var name string
	switch {
	case f.Class == classContextWindow && kind != byContextWindow:
		name = "context_window_fallback"
	case f.Class == classContentPolicy && kind != byContentPolicy:
		name = "content_policy_fallback"
	default:
		return ""
	}
	return fmt.Sprintf("\nmodel=%s. %ss=None. fallbacks=%s.\n\nSet '%s' - https://docs.litellm.ai/docs/routing#fallbacks",
		r.ask.Target.Asked, name, r.listed(r.general().written), name)
}

func (r *Route) mayKnow(name string) bool {
	return r.ask.AllowGroup == nil || r.ask.AllowGroup(name)
}

// known lists the groups of fallbacks as Python does.
func (r *Route) known(targets []target) string {
	var names []string
	for _, t := range targets {
		if t.model != "" && r.mayKnow(t.model) {
			names = append(names, t.model)
		}
	}
	if names == nil {
		return "None"
	}
	return pythonList(names)
}

// listed writes fallbacks as Python does: [{'a': ['b']}].
func (r *Route) listed(fs []contract.Fallback) string {
	var items []string
	for _, f := range fs {
		if f.Model != "*" && !r.mayKnow(f.Model) {
			continue
		}
		var to []string
		for _, t := range f.To {
			if r.mayKnow(t.Model) {
				to = append(to, t.Model)
			}
		}
		items = append(items, "{"+pythonText(f.Model)+": "+pythonList(to)+"}")
	}
	if items == nil {
		return "None"
	}
	return "[" + strings.Join(slices.Clip(items), ", ") + "]"
}
