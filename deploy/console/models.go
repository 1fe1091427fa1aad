package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// modelRow is what is shown of a deployment.
type modelRow struct {
	ModelName string                     `json:"model_name"`
	Params    map[string]json.RawMessage `json:"litellm_params"`
	Info      struct {
		ID        string   `json:"id"`
		DB        bool     `json:"db_model"`
		Mode      string   `json:"mode"`
		Provider  string   `json:"litellm_provider"`
		MaxInput  *int64   `json:"max_input_tokens"`
		MaxOutput *int64   `json:"max_output_tokens"`
		Input     *float64 `json:"input_cost_per_token"`
		Output    *float64 `json:"output_cost_per_token"`
	} `json:"model_info"`
}

// param is a parameter as text.
func (m *modelRow) param(name string) string {
	var s string
	if json.Unmarshal(m.Params[name], &s) == nil {
		return text(&s)
	}
	return compact(m.Params[name])
}

func (m *modelRow) from() string {
	if m.Info.DB {
		return "database"
	}
	return "file"
}

func modelOptions() []option {
	return []option{
		{name: "model", member: "model", usage: "`PROVIDER/MODEL` that is called"},
		{name: "api-key", member: "api_key", usage: "the vendor's `CREDENTIAL`: os.environ/NAME for one in the environment of the planes, - to read it from standard input"},
		{name: "api-base", member: "api_base", usage: "`URL` that is called instead of the provider's"},
		{name: "api-version", member: "api_version", usage: "`VERSION` of Azure's API"},
		{name: "credential", member: "litellm_credential_name", usage: "`NAME` of a credential that models share"},
		{kind: whole, name: "rpm", member: "rpm", usage: "`NUMBER` of requests a minute that the vendor allows"},
		{kind: whole, name: "tpm", member: "tpm", usage: "`NUMBER` of tokens a minute that the vendor allows"},
		{kind: object, name: "params", usage: "`JSON` with further litellm_params"},
		{kind: object, name: "info", usage: "`JSON` with model_info"},
	}
}

func models() group {
	return group{name: "models", about: "the deployments that models are served by", commands: []command{
		{name: "list", about: "list deployments, those of the config file among them", run: modelsList, examples: []string{"tianji models list"}},
		{
			name: "add", operands: "NAME", least: 1, most: 1, about: "make a deployment of a model", run: modelsAdd,
			examples: []string{
				"tianji models add gpt-4o-mini --model openai/gpt-4o-mini --api-key os.environ/OPENAI_API_KEY",
				"echo $OPENAI_API_KEY | tianji models add gpt-4o --model openai/gpt-4o --api-key -",
			},
			options: append([]option{{name: "id", usage: "its `ID`; made up when it is not given"}}, modelOptions()...),
		},
		{name: "info", operands: "ID", least: 1, most: 1, about: "show a deployment", run: modelsInfo, examples: []string{"tianji models info 3f0c..."}},
		{
			name: "update", operands: "ID", least: 1, most: 1, about: "change a deployment that was made here, where something is given", run: modelsUpdate,
			examples: []string{"tianji models update 3f0c... --rpm 600", "tianji models update 3f0c... --name gpt-4o --api-base https://eu.example.com/v1"},
			options:  append([]option{{name: "name", usage: "another `NAME` for the model"}}, modelOptions()...),
		},
		{name: "delete", operands: "ID...", least: 1, most: 100, about: "delete deployments that were made here", run: modelsDelete, examples: []string{"tianji models delete 3f0c..."}},
	}}
}

func modelsList(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/model/info", nil)
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Data []modelRow `json:"data"`
	},
	) error {
		t := newTable("NAME", "CALLS", "AT", "IN/1M>", "OUT/1M>", "FROM", "ID!")
		for i := range r.Data {
			m := &r.Data[i]
			id := m.Info.ID
			if !m.Info.DB {
				id = fitted(id, 12)
			}
			t.add(m.ModelName, m.param("model"), m.param("api_base"), million(m.Info.Input), million(m.Info.Output), m.from(), id)
		}
		return write(c.Out, t.draw(c.Width)+pages(len(r.Data), int64(len(r.Data)), 1, 1))
	})
}

// million is the price of a million tokens.
func million(perToken *float64) string {
	if perToken == nil {
		return nothing
	}
	return usd(*perToken * 1e6)
}

func modelsInfo(ctx context.Context, c *call) error {
	reply, err := c.get(ctx, "/model/info", url.Values{"litellm_model_id": {c.operands[0]}})
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		Data []modelRow `json:"data"`
	},
	) error {
		for i := range r.Data {
			if err := c.modelDetails(&r.Data[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *call) modelDetails(m *modelRow) error {
	var f fields
	f.add("name", m.ModelName)
	f.add("id", m.Info.ID)
	f.add("from", m.from())
	f.add("provider", m.Info.Provider)
	f.add("mode", m.Info.Mode)
	f.add("tokens in", count(m.Info.MaxInput))
	f.add("tokens out", count(m.Info.MaxOutput))
	f.add("price in/1M", million(m.Info.Input))
	f.add("price out/1M", million(m.Info.Output))
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		f.add(name, m.param(name))
	}
	return write(c.Out, f.String())
}

// deployment is what was given of one: its parameters, and what is known of it.
func (c *call) deployment() (params, info map[string]any, err error) {
	if params, err = c.body(); err != nil {
		return nil, nil, err
	}
	if params["api_key"] == "-" {
		line, err := bufio.NewReader(c.In).ReadString('\n')
		if line = strings.TrimSpace(line); line == "" {
			return nil, nil, fmt.Errorf("no credential on standard input: %w", err)
		}
		params["api_key"] = line
	}
	if err := merge(params, "params", c.text("params")); err != nil {
		return nil, nil, err
	}
	info = map[string]any{}
	return params, info, merge(info, "info", c.text("info"))
}

func modelsAdd(ctx context.Context, c *call) error {
	params, info, err := c.deployment()
	if err != nil {
		return err
	}
	if params["model"] == nil {
		return usagef("--model is missing, such as --model openai/gpt-4o-mini")
	}
	if id := c.text("id"); id != "" {
		info["id"] = id
	}
	return c.putModel(ctx, "/model/new", map[string]any{"model_name": c.operands[0], "litellm_params": params, "model_info": info})
}

func modelsUpdate(ctx context.Context, c *call) error {
	params, info, err := c.deployment()
	if err != nil {
		return err
	}
	name := c.text("name")
	if len(params)+len(info) == 0 && name == "" {
		return usagef("nothing to change: see 'tianji models update --help'")
	}
	info["id"] = c.operands[0]
	body := map[string]any{"litellm_params": params, "model_info": info}
	if name != "" {
		body["model_name"] = name
	}
	return c.putModel(ctx, "/model/update", body)
}

func (c *call) putModel(ctx context.Context, path string, body map[string]any) error {
	reply, err := c.post(ctx, path, body)
	if err != nil {
		return err
	}
	return show(c, reply, func(r *struct {
		ModelID   string `json:"model_id"`
		ModelName string `json:"model_name"`
	},
	) error {
		var f fields
		f.add("name", r.ModelName)
		f.add("id", r.ModelID)
		return write(c.Out, f.String())
	})
}

// merge adds the members of a JSON object.
func merge(into map[string]any, flag, text string) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &into); err != nil {
		return usagef("--%s: want a JSON object, such as %s", flag, strconv.Quote(`{"weight": 2}`))
	}
	return nil
}

func modelsDelete(ctx context.Context, c *call) error {
	return c.each(func(id string) error {
		reply, err := c.post(ctx, "/model/delete", map[string]string{"id": id})
		if err != nil {
			return err
		}
		return c.done(reply, "deleted %s", harmless(id))
	})
}
