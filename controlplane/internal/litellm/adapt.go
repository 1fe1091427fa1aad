package litellm

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/period"
)

// importer is who made what LiteLLM says nobody made.
const importer = "import-litellm"

// dashboard is the team of the keys that LiteLLM's web pages make for sessions.
const dashboard = "litellm-dashboard"

// checkIDs skips a row whose id could not be part of a subject on the bus, or of
// a URL.
func checkIDs(it *item, columns ...string) error {
	for _, c := range columns {
		if err := bounds.CheckID(c, text(it.rec[c])); err != nil {
			return skip("its " + c + " is empty, longer than 512 bytes, or has control characters")
		}
	}
	return nil
}

// madeBy fills columns that may not be null.
func madeBy(it *item) {
	for _, c := range []string{"created_by", "updated_by"} {
		if it.rec[c] == nil {
			it.rec[c] = quote(importer)
		}
	}
}

func adaptBudget(_ *run, _ object, it *item) error {
	madeBy(it)
	limits(it)
	return checkIDs(it, "budget_id")
}

// adaptNamed is for objects with a name beside their id, which it must have.
func adaptNamed(name, id string) func(*run, object, *item) error {
	return func(_ *run, _ object, it *item) error {
		if name != "" {
			madeBy(it)
			if it.rec[name] == nil {
				it.rec[name] = it.rec[id]
			}
		}
		return checkIDs(it, id)
	}
}

func adaptOwned(_ *run, _ object, it *item) error {
	for _, id := range []string{"team_id", "organization_id"} {
		if it.rec[id] != nil {
			return checkIDs(it, id, "user_id")
		}
	}
	return skip("it names no team or organization")
}

// member is an entry of members_with_roles.
type member struct {
	UserID    *string `json:"user_id"`
	UserEmail *string `json:"user_email"`
	Role      string  `json:"role"`
}

func adaptTeam(_ *run, row object, it *item) error {
	all := []member{}
	for _, v := range items(row["members_with_roles"]) {
		var m member
		if json.Unmarshal(unwrap(v), &m) != nil || empty(quoted(m.UserID)) && empty(quoted(m.UserEmail)) {
			it.note("members_with_roles: an entry names nobody: left out")
			continue
		}
		if m.Role != "admin" {
			m.Role = "user"
		}
		all = append(all, m)
	}
	b, err := json.Marshal(all)
	if err != nil {
		return skip("its members can not be read")
	}
	it.rec["members_with_roles"] = b
	limits(it)
	return checkIDs(it, "team_id")
}

func quoted(s *string) json.RawMessage {
	if s == nil {
		return nil
	}
	return quote(*s)
}

// adaptLimited is for users: an object with limits of its own and one name.
func adaptLimited(_ *run, row object, it *item) error {
	limits(it)
	if err := checkIDs(it, "user_id"); err != nil {
		return err
	}
	return uniqueEmail().first(row, it)
}

func adaptKey(_ *run, row object, it *item) error {
	if text(it.rec["team_id"]) == dashboard {
		return skip("it is of a session of LiteLLM's web pages")
	}
	if !ident.IsHash(text(it.rec["token"])) {
		return skip("its token is no SHA-256: LiteLLM does not accept such a key either")
	}
	if it.rec["expires"] == nil && !null(row["expires"]) && text(row["expires"]) != "infinity" {
		return skip("when it expires can not be read")
	}
	if string(it.rec["auto_rotate"]) == "true" {
		// Both sides would give it another text, and clients can have but one.
		it.rec["auto_rotate"] = json.RawMessage("false")
		it.note("it is not rotated by itself here until auto_rotate is set with /key/update")
	}
	limits(it)
	return uniqueAlias().first(row, it)
}

// adaptFormer is for what keys were called before they got another text, which
// goes on working until a time.
func adaptFormer(_ *run, _ object, it *item) error {
	if !ident.IsHash(text(it.rec["token"])) || !ident.IsHash(text(it.rec["active_token_id"])) {
		return skip("its token is no SHA-256")
	}
	until, err := time.Parse(time.RFC3339, text(it.rec["revoke_at"]))
	if err != nil || !time.Now().Before(until) {
		return skip("its time is over")
	}
	return nil
}

// adaptCustomer tells those whom somebody registered from those that only spent:
// LiteLLM makes a row for each end user whom it sees.
func adaptCustomer(_ *run, _ object, it *item) error {
	managed := string(it.rec["blocked"]) == "true"
	for _, c := range []string{"alias", "budget_id", "allowed_model_region", "default_model"} {
		managed = managed || it.rec[c] != nil
	}
	it.rec["managed"] = json.RawMessage("false")
	if managed {
		it.rec["managed"] = json.RawMessage("true")
	}
	return checkIDs(it, "user_id")
}

// limits brings budget_limits into the form in which it is stored, and a reset
// time of a budget that has none away.
func limits(it *item) {
	if it.rec["budget_duration"] == nil {
		delete(it.rec, "budget_reset_at")
	}
	const name, most = "budget_limits", 10
	type window struct {
		Duration string          `json:"budget_duration"`
		Max      json.RawMessage `json:"max_budget"`
	}
	if it.rec[name] == nil {
		return
	}
	kept := []window{}
	for _, v := range items(it.rec[name]) {
		var w window
		_ = json.Unmarshal(unwrap(v), &w) // what can not be read is refused below
		nanos, note := nanoDollars(w.Max, true)
		_, err := period.Parse(w.Duration)
		twice := slices.ContainsFunc(kept, func(k window) bool { return k.Duration == w.Duration })
		if err != nil || nanos == nil || note != "" || twice || len(kept) == most {
			it.note("%s: an entry can not be kept: left out", name)
			continue
		}
		var n money.Nano
		if json.Unmarshal(nanos, &n) == nil {
			kept = append(kept, window{w.Duration, json.RawMessage(n.String())})
		}
	}
	if b, err := json.Marshal(kept); err == nil {
		it.rec[name] = b
	}
}

// uniqueAlias gives a key with the alias of another one the beginning of its
// hash behind it.
func uniqueAlias() *unique {
	return &unique{column: "key_alias", replace: func(it *item, whose string) (string, string) {
		const enough = 8
		return text(it.rec["key_alias"]) + "-" + text(it.rec["token"])[:enough], "its alias is that of " + whose + ": a part of its hash was put behind it"
	}}
}

// uniqueEmail leaves a user without the address that another one has.
func uniqueEmail() *unique {
	return &unique{column: "user_email", anyCase: true, replace: func(_ *item, whose string) (string, string) {
		return "", "its e-mail address is that of " + whose + ": left out"
	}}
}

// first leaves the name to the first row that has it in LiteLLM's table.
func (u *unique) first(row object, it *item) error {
	if it.rec[u.column] == nil || empty(row[twin]) {
		return nil
	}
	return u.give(it, "another one of LiteLLM's")
}
