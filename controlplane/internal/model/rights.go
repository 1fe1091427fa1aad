package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/price"
)

func noTeam(id string) error { return apierr.BadRequest("Team id=%s does not exist in db", id) }

// mayManage refuses a caller who may not change the deployments of a team, or,
// without one, those of everybody.
func (s *Service) mayManage(ctx context.Context, q db.DBTX, who caller.Caller, team string) error {
	if who.May().Admin() {
		return nil
	}
	var of *policy.Team
	if team != "" {
		row, err := s.store.TeamByID(ctx, q, team)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read team: %w", err)
		}
		if err == nil {
			of = who.In(&row)
		}
	}
	return who.May().ManageModel(of)
}

// mayMake refuses a new deployment.
func (s *Service) mayMake(ctx context.Context, who caller.Caller, team string, r *Request) error {
	if err := s.mayManage(ctx, s.store.DB(), who, team); err != nil {
		return err
	}
	if who.May().Admin() {
		return nil
	}
	if r.Blocked.Sent {
		return apierr.Forbidden("Only proxy admins can block or unblock a model. Your role=%s", who.Role)
	}
	if err := ownOnly(r); err != nil {
		return err
	}
	return bringsKey(r.params())
}

// mayEdit refuses a change of a deployment whose parameters are params. What
// the installation's admins put into it must not be led elsewhere.
func (s *Service) mayEdit(ctx context.Context, q db.DBTX, who caller.Caller, team string, params map[string]json.RawMessage, r *Request) error {
	if err := s.mayManage(ctx, q, who, team); err != nil {
		return err
	}
	if who.May().Admin() {
		return nil
	}
	if to, sent := r.ModelInfo["team_id"]; sent && string(to) != "null" && textOf(to) != team {
		return apierr.Forbidden("Only proxy admins can give a model to another team. Your role=%s", who.Role)
	}
	if err := ownOnly(r); err != nil {
		return err
	}
	for name := range r.params() {
		if !slices.Contains(tame(), name) {
			return bringsAll(params, r.params())
		}
	}
	return nil
}

// tame are the parameters that lead a call nowhere else.
func tame() []string {
	return []string{
		"rpm", "tpm", "timeout", "stream_timeout", "stream_idle_timeout", "max_retries", "num_retries", "max_parallel_requests", "weight", "order", "tags",
		"cooldown_time", "drop_params",
	}
}

// bringsAll refuses a change that does not replace every credential of a
// deployment.
func bringsAll(params, sent map[string]json.RawMessage) error {
	for name := range params {
		if !sensitive(name) && name != credentialName && name != "extra_headers" {
			continue
		}
		if value, ok := sent[name]; !ok || string(value) == "null" {
			return apierr.Forbidden("A team admin who changes where a model leads must send its credentials anew: %s is missing", name)
		}
	}
	return nil
}

// ownOnly refuses what reaches for things of the installation: its environment,
// its credentials, its network, and its prices.
func ownOnly(r *Request) error {
	for name, value := range r.params() {
		switch {
		case string(value) == "null":
		case name == credentialName:
			return apierr.Forbidden("Only proxy admins can use a shared credential in a model")
		case price.IsField(name):
			return priceRefused(name)
		case refersOut(value):
			return apierr.Forbidden("Only proxy admins can use the environment in a model: %s", name)
		case strings.Contains(name, "base") || strings.Contains(name, "endpoint") || strings.Contains(name, "url"):
			if err := publicOnly(name, textOf(value)); err != nil {
				return err
			}
		}
	}
	for name, value := range r.ModelInfo {
		if price.IsField(name) && string(value) != "null" {
			return priceRefused(name)
		}
	}
	return nil
}

func priceRefused(name string) error {
	return apierr.Forbidden("Only proxy admins can say what a model costs: %s", name)
}

// refersOut looks for references to the environment at any depth.
func refersOut(raw json.RawMessage) bool {
	var v any
	return json.Unmarshal(raw, &v) == nil && refers(v)
}

func refers(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, contract.EnvReference)
	case []any:
		return slices.ContainsFunc(v, refers)
	case map[string]any:
		for _, member := range v {
			if refers(member) {
				return true
			}
		}
	}
	return false
}

// publicOnly refuses an address that is plainly not on the internet. What a name
// leads to is for data planes, which call such a deployment at public addresses
// only.
func publicOnly(name, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return apierr.Forbidden("A team's model may lead to https addresses only: %s", name)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	_, err = netip.ParseAddr(host)
	if err == nil || !strings.Contains(host, ".") || strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".localhost") {
		return apierr.Forbidden("A team's model may lead to public host names only: %s", name)
	}
	return nil
}

// bringsKey refuses a deployment that would be called with the installation's
// own credentials.
func bringsKey(params map[string]json.RawMessage) error {
	slug, _, err := catalog.SplitAt(textOf(params["model"]), textOf(params["custom_llm_provider"]), textOf(params["api_base"]))
	if err != nil {
		return apierr.BadRequest("%v", err)
	}
	needs := []string{"api_key"}
	switch {
	case slug == "mock":
		needs = nil
	case strings.HasPrefix(slug, "bedrock"), strings.HasPrefix(slug, "sagemaker"):
		needs = []string{"aws_access_key_id", "aws_secret_access_key"}
	case strings.HasPrefix(slug, "vertex"):
		needs = []string{"vertex_credentials"}
	}
	for _, name := range needs {
		if value := params[name]; len(value) == 0 || string(value) == "null" || string(value) == `""` {
			return apierr.Forbidden("A team admin's model must bring its own credentials: %s is missing", name)
		}
	}
	return nil
}
