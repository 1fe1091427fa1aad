package contract

import (
	"strconv"
	"strings"
	"time"
)

// AlertKind says what an alert is about, by LiteLLM's names.
type AlertKind string

// The kinds of alerts.
const (
	// SoftBudgetCrossed is spend that reached a soft budget, BudgetCrossed one
	// that is enforced, and ThresholdCrossed AlertPercent of that.
	SoftBudgetCrossed AlertKind = "soft_budget_crossed"
	BudgetCrossed     AlertKind = "budget_crossed"
	ThresholdCrossed  AlertKind = "threshold_crossed"
)

// AlertPercent is the part of a budget at which its owner is warned.
const AlertPercent = 80

// EventAlert is the kind of the subjects that alerts are published on.
const EventAlert = "alert"

// Alert says that somebody's booked spend reached a budget. There is one for
// each period.
type Alert struct {
	V    int       `json:"v"`
	Kind AlertKind `json:"kind"`
	// Scope and ID are whose budget it is: the scope of a limit, and a key's
	// hash, a team's id and so on; Name is what a client may be told. Model is
	// the model of a budget for one.
	Scope string `json:"scope"`
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Model string `json:"model,omitempty"`

	SpendNano  int64 `json:"spend_nano"`
	BudgetNano int64 `json:"budget_nano"`
	// Duration is the period, or "" for good, which has no Resets.
	Duration string    `json:"duration,omitempty"`
	Start    time.Time `json:"start"`
	Resets   time.Time `json:"resets,omitzero"`
	At       time.Time `json:"at"`
}

// MessageID is the same for the same alert.
func (a *Alert) MessageID() string {
	return strings.Join([]string{
		string(a.Kind), a.Scope, Token(a.ID), Token(a.Model), a.Duration, strconv.FormatInt(a.Start.Unix(), 10), strconv.FormatInt(a.BudgetNano, 10),
	}, ".")
}
