package proxyconfig

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strconv"
)

// modelReader turns model_list into models.
type modelReader struct {
	problems *problems
	keys     keySet
	params   section
	ids      map[string]Place // explicit and derived ones
}

func readModels(p *problems, list *node) []Model {
	r := modelReader{problems: p, keys: keysOf(entryKeys), params: paramSection(), ids: map[string]Place{}}
	if list == nil || list.kind == nullKind {
		return nil
	}
	if list.kind != listKind {
		p.errorf(list.place("model_list"), "expected a list of models, found %s", list.kind)
		return nil
	}
	var models []Model
	for i, entry := range list.items {
		models = append(models, r.entry(entry, index("model_list", i))...)
	}
	return models
}

// entry usually returns one model; a list of organizations stands for one
// deployment in each.
func (r *modelReader) entry(n *node, path string) []Model {
	if n.kind != mapKind {
		r.problems.errorf(n.place(path), "expected a mapping with model_name and litellm_params, found %s", n.kind)
		return nil
	}
	o := objectAt(r.problems, n, path)
	o.warnUnknown(r.keys, r.params)
	m := Model{Name: o.required("model_name", "the name that clients ask for"), Place: n.place(path)}
	written := o.either("litellm_params", "tianji_params")
	if written.node == nil {
		if o.get("litellm_params") == nil && o.get("tianji_params") == nil {
			r.problems.errorf(n.place(path), "litellm_params is missing: at least its key model is needed")
		}
		return nil
	}
	info := o.object("model_info")
	id := info.label("id")
	m.Info = readInfo(info)

	var models []Model
	for i, organization := range organizations(written) {
		m.Params = readParams(written, organization)
		switch {
		case id == "":
			m.ID = r.derivedID(m.Name, written.node, organization)
		case i == 0:
			m.ID = id
		default: // one id cannot name several deployments
			m.ID = id + "-" + strconv.Itoa(i+1)
		}
		r.claim(m)
		models = append(models, m)
	}
	return models
}

// organizations returns the organizations of a deployment: nil alone when it
// names none.
func organizations(params *object) []*node {
	n := params.node.find("organization")
	if n != nil && n.kind == listKind && len(n.items) > 0 {
		return n.items
	}
	return []*node{n}
}

// readParams reads the parameters of a deployment in one organization.
func readParams(o *object, organization *node) Params {
	p := Params{
		Model:             o.required("model", "write provider/model"),
		Provider:          o.text("custom_llm_provider"),
		APIKey:            o.secret("api_key"),
		APIBase:           o.text("api_base"),
		APIVersion:        o.label("api_version"),
		CredentialName:    o.text("litellm_credential_name"),
		RegionName:        o.text("region_name"),
		BaseModel:         o.text("base_model"),
		Headers:           o.secrets("extra_headers"),
		Timeout:           o.seconds("timeout"),
		StreamTimeout:     o.seconds("stream_timeout"),
		StreamIdleTimeout: o.seconds("stream_idle_timeout"),
		MaxRetries:        o.integer("max_retries"),
		NumRetries:        o.integer("num_retries"),
		CooldownTime:      o.seconds("cooldown_time"),
		RPM:               o.integer("rpm"),
		TPM:               o.integer("tpm"),
		MaxParallel:       o.integer("max_parallel_requests"),
		KeyRPM:            o.limit("default_api_key_rpm_limit"),
		KeyTPM:            o.limit("default_api_key_tpm_limit"),
		Budget:            o.budget([]string{"max_budget"}, []string{"budget_duration"}),
		Weight:            o.number("weight"),
		Order:             o.integer("order"),
		Tags:              o.texts("tags"),
		TagRegex:          o.texts("tag_regex"),
		DropParams:        o.boolean("drop_params"),
		ClientParams:      o.clientParams("configurable_clientside_auth_params"),
		Price:             readPrice(o),
	}
	if mock := o.get("mock_response"); mock != nil && mock.kind == textKind {
		p.MockResponse = new(mock.content())
	} else {
		delete(o.read, "mock_response")
	}
	o.read["organization"] = true
	switch {
	case organization == nil || organization.kind == nullKind:
	case organization.kind == textKind:
		p.Organization = organization.content()
	default:
		o.wrong(organization, join(o.path, "organization"), "text or a list of texts")
	}
	p.Extra = o.rest()
	return p
}

// readInfo reads model_info after its id was.
func readInfo(o *object) Info {
	info := Info{
		Mode:           o.text("mode"),
		BaseModel:      o.text("base_model"),
		AccessGroups:   o.texts("access_groups"),
		TeamID:         o.label("team_id"),
		TeamPublicName: o.text("team_public_model_name"),
		Price:          readPrice(o),
	}
	read := maps.Clone(o.read)
	info.MaxInputTokens = o.integer("max_input_tokens")
	info.RPM, info.TPM, info.Order = o.integer("rpm"), o.integer("tpm"), o.integer("order")
	info.CooldownTime, info.AllowedFails = o.seconds("cooldown_time"), o.integer("allowed_fails")
	info.AllowedFailsPolicy = o.policy("allowed_fails_policy", "AllowedFails")
	o.read = read
	info.Extra = o.rest()
	return info
}

// derivedID hashes what makes a deployment. Entries that are equal get
// different ids by counting them, as LiteLLM lets them share the load.
func (r *modelReader) derivedID(name string, params, organization *node) string {
	if organization != nil {
		params = params.with("organization", organization)
	}
	for n := 1; ; n++ {
		var b bytes.Buffer
		b.WriteString(`{"model_name":`)
		writeText(&b, name)
		if n > 1 {
			b.WriteString(`,"n":` + strconv.Itoa(n))
		}
		b.WriteString(`,"params":`)
		encoding{asWritten: true}.write(&b, params)
		b.WriteByte('}')
		sum := sha256.Sum256(b.Bytes())
		id := hex.EncodeToString(sum[:])
		if _, taken := r.ids[id]; !taken {
			return id
		}
	}
}

// with returns a copy of a mapping in which key has another value.
func (n *node) with(key string, value *node) *node {
	changed := *n
	changed.fields = make([]field, len(n.fields))
	for i, f := range n.fields {
		if f.key == key {
			f.value = value
		}
		changed.fields[i] = f
	}
	return &changed
}

func (r *modelReader) claim(m Model) {
	if first, taken := r.ids[m.ID]; taken {
		r.problems.errorf(m.Place, "model_info.id is taken by %s; ids must differ", first)
		return
	}
	r.ids[m.ID] = m.Place
}
