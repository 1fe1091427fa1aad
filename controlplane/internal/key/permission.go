package key

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Permission is object_permission in a request: what a key may reach beside
// models. Members that are not sent stay as they are.
type Permission struct {
	MCPServers         field.Of[[]string]            `json:"mcp_servers"`
	MCPAccessGroups    field.Of[[]string]            `json:"mcp_access_groups"`
	MCPToolPermissions field.Of[map[string][]string] `json:"mcp_tool_permissions"`
	MCPToolsets        field.Of[[]string]            `json:"mcp_toolsets"`
	BlockedTools       field.Of[[]string]            `json:"blocked_tools"`
	VectorStores       field.Of[[]string]            `json:"vector_stores"`
	Agents             field.Of[[]string]            `json:"agents"`
	AgentAccessGroups  field.Of[[]string]            `json:"agent_access_groups"`
	Models             field.Of[[]string]            `json:"models"`
}

// PermissionView is object_permission as LiteLLM shows it.
type PermissionView struct {
	ID                 string          `json:"object_permission_id"`
	MCPServers         []string        `json:"mcp_servers"`
	MCPAccessGroups    []string        `json:"mcp_access_groups"`
	MCPToolPermissions json.RawMessage `json:"mcp_tool_permissions"`
	MCPToolsets        []string        `json:"mcp_toolsets"`
	BlockedTools       []string        `json:"blocked_tools"`
	VectorStores       []string        `json:"vector_stores"`
	Agents             []string        `json:"agents"`
	AgentAccessGroups  []string        `json:"agent_access_groups"`
	Models             []string        `json:"models"`
}

// permit stores the permission that a request has for a key, and links it.
func (s *Service) permit(ctx context.Context, tx *store.Tx, row *db.VerificationToken, r *Request) error {
	switch {
	case !r.ObjectPermission.Sent:
		return nil
	case r.ObjectPermission.Null:
		row.ObjectPermissionID = nil
		return nil
	}
	var present db.ObjectPermissionTable
	if id := row.ObjectPermissionID; id != nil {
		rows, err := s.store.ObjectPermissions(ctx, tx, []string{*id})
		if err != nil {
			return fmt.Errorf("read object permission: %w", err)
		}
		if len(rows) > 0 {
			present = rows[0]
		}
	}
	if present.ObjectPermissionID == "" {
		present.ObjectPermissionID = uuid.NewString()
	}
	if err := r.ObjectPermission.Value.apply(&present); err != nil {
		return err
	}
	if _, err := s.store.ObjectPermissionPut(ctx, tx, db.ObjectPermissionPutParams(present)); err != nil {
		return fmt.Errorf("write object permission: %w", err)
	}
	row.ObjectPermissionID = &present.ObjectPermissionID
	return nil
}

func (p *Permission) apply(row *db.ObjectPermissionTable) error {
	for _, m := range []struct {
		name string
		sent field.Of[[]string]
		to   *[]string
	}{
		{"mcp_servers", p.MCPServers, &row.McpServers},
		{"mcp_access_groups", p.MCPAccessGroups, &row.McpAccessGroups},
		{"mcp_toolsets", p.MCPToolsets, &row.McpToolsets},
		{"blocked_tools", p.BlockedTools, &row.BlockedTools},
		{"vector_stores", p.VectorStores, &row.VectorStores},
		{"agents", p.Agents, &row.Agents},
		{"agent_access_groups", p.AgentAccessGroups, &row.AgentAccessGroups},
		{"models", p.Models, &row.Models},
	} {
		if err := bounds.CheckNames("object_permission."+m.name, m.sent.Or(nil)); err != nil {
			return err //nolint:wrapcheck // it is for the client
		}
		m.sent.IntoValue(m.to)
		*m.to = list(*m.to)
	}
	if !p.MCPToolPermissions.Sent {
		return nil
	}
	row.McpToolPermissions = nil
	if p.MCPToolPermissions.Null {
		return nil
	}
	loose := make(map[string]any, len(p.MCPToolPermissions.Value))
	for server, tools := range p.MCPToolPermissions.Value {
		loose[server] = tools
	}
	encoded, err := bounds.Encode("object_permission.mcp_tool_permissions", loose)
	row.McpToolPermissions = encoded
	return err //nolint:wrapcheck // it is for the client
}

// withPermissions shows what keys may reach beside models.
func (s *Service) withPermissions(ctx context.Context, conn db.DBTX, rows ...*Info) error {
	var ids []string
	for _, r := range rows {
		if r.ObjectPermissionID != nil {
			ids = append(ids, *r.ObjectPermissionID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := s.store.ObjectPermissions(ctx, conn, ids)
	if err != nil {
		return fmt.Errorf("read object permissions: %w", err)
	}
	shown := make(map[string]*PermissionView, len(found))
	for i := range found {
		shown[found[i].ObjectPermissionID] = showPermission(&found[i])
	}
	for _, r := range rows {
		if r.ObjectPermissionID != nil {
			r.ObjectPermission = shown[*r.ObjectPermissionID]
		}
	}
	return nil
}

func showPermission(p *db.ObjectPermissionTable) *PermissionView {
	return &PermissionView{
		ID: p.ObjectPermissionID, MCPServers: p.McpServers, MCPAccessGroups: p.McpAccessGroups, MCPToolPermissions: p.McpToolPermissions,
		MCPToolsets: p.McpToolsets, BlockedTools: p.BlockedTools, VectorStores: p.VectorStores, Agents: p.Agents,
		AgentAccessGroups: p.AgentAccessGroups, Models: p.Models,
	}
}

// complete shows what stands in other tables than a key's own.
func (s *Service) complete(ctx context.Context, conn db.DBTX, rows ...*Info) error {
	if err := s.withTiers(ctx, conn, rows...); err != nil {
		return err
	}
	return s.withPermissions(ctx, conn, rows...)
}
