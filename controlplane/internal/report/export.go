package report

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/money"
)

const exportPage = 5000

// focusColumns are those of FinOps' open specification of costs and usage, as
// far as a gateway knows them. https://focus.finops.org/focus-specification/v1-0/
func focusColumns() []string {
	return []string{
		"BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargeCategory", "ChargeClass",
		"ChargeDescription", "ChargeFrequency", "ChargePeriodStart", "ChargePeriodEnd", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost",
		"InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ResourceId", "ResourceName", "ResourceType",
		"ServiceCategory", "ServiceName", "SubAccountId", "SubAccountName", "Tags",
	}
}

// Focus writes the range as CSV in FOCUS, a line for each day, user, key and
// model. What was written when it fails is the beginning of it.
func (s *Service) Focus(ctx context.Context, w io.Writer, r Range) error {
	out := csv.NewWriter(w)
	if err := out.Write(focusColumns()); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	for day := r.Start.Time; !day.After(r.End.Time); day = day.AddDate(0, 0, 1) {
		if err := s.focusDay(ctx, out, day); err != nil {
			return err
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

func (s *Service) focusDay(ctx context.Context, out *csv.Writer, day time.Time) error {
	on := days(day, day)
	for skip := int32(0); ; skip += exportPage {
		rows, err := s.store.ExportDays(ctx, s.read, db.ExportDaysParams{StartDate: on.Start, EndDate: on.End, PageSize: exportPage, Skip: skip})
		if err != nil {
			return fmt.Errorf("read export: %w", err)
		}
		for i := range rows {
			line, err := focusLine(&rows[i])
			if err != nil {
				return err
			}
			if err := out.Write(line); err != nil {
				return fmt.Errorf("write export: %w", err)
			}
		}
		if len(rows) < exportPage {
			return nil
		}
	}
}

func focusLine(r *db.ExportDaysRow) ([]string, error) {
	tags, err := json.Marshal(map[string]any{
		"user_id": r.UserID, "model_group": r.ModelGroup, "call_type": r.CallType, "api_requests": r.ApiRequests, "prompt_tokens": r.PromptTokens,
		"completion_tokens": r.CompletionTokens,
	})
	if err != nil {
		return nil, fmt.Errorf("encode tags: %w", err)
	}
	day := r.Date.Time.UTC()
	month := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
	cost, tokens := money.Nano(r.SpendNano).String(), strconv.FormatInt(r.PromptTokens+r.CompletionTokens, 10)
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	return []string{
		cost, r.CustomLlmProvider, "", "USD", at(month), at(month.AddDate(0, 1, 0)), "Usage", "",
		r.Model + " " + r.CallType, "Usage-Based", at(day), at(day.AddDate(0, 0, 1)), tokens, "Tokens", cost, cost,
		r.CustomLlmProvider, cost, tokens, "Tokens", r.CustomLlmProvider, r.CustomLlmProvider, r.ApiKey, or(r.KeyAlias, ""), "API key",
		"AI and Machine Learning", r.Model, or(r.TeamID, ""), or(r.TeamAlias, ""), string(tags),
	}, nil
}
