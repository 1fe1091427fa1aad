package litellm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// why says of tables that are not read where their content is, or is to be.
func why(table string) string {
	switch table {
	case "LiteLLM_Config":
		return "settings that LiteLLM keeps in its database: write them into config.yaml"
	case "LiteLLM_SpendLogs", "LiteLLM_ErrorLogs":
		return "single requests stay in LiteLLM's database; totals and sums a day were moved"
	case "LiteLLM_AuditLog", "LiteLLM_DeletedVerificationToken", "LiteLLM_DeletedTeamTable":
		return "history stays in LiteLLM's database"
	case "LiteLLM_InvitationLink":
		return "invitations are for LiteLLM's web pages"
	case "LiteLLM_CronJob", "LiteLLM_HealthCheckTable", "LiteLLM_UserNotifications":
		return "LiteLLM's own book-keeping"
	}
	return "there is no table for it here"
}

// left lists the tables that hold something and were not read.
func (r *run) left(ctx context.Context) error {
	moved := map[string]bool{aliasTable: true} // with the teams
	for _, t := range tables() {
		moved[t.from] = true
	}
	for _, name := range slices.Sorted(maps.Keys(r.source.columns)) {
		if moved[name] {
			continue
		}
		n, err := r.source.count(ctx, fmt.Sprintf("SELECT FROM %s LIMIT %d", r.source.name(name), leftCount+1))
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		r.report.Left = append(r.report.Left, LeftTable{
			Name: strings.TrimPrefix(name, tablePrefix), Rows: min(n, leftCount), More: n > leftCount, Reason: why(name),
		})
	}
	return nil
}
