-- name: ObjectPermissionPut :one
INSERT INTO object_permission_table (
    object_permission_id, mcp_servers, mcp_access_groups, mcp_tool_permissions, mcp_toolsets, blocked_tools, vector_stores, agents, agent_access_groups, models
) VALUES (
    @object_permission_id, @mcp_servers, @mcp_access_groups, @mcp_tool_permissions, @mcp_toolsets, @blocked_tools, @vector_stores, @agents, @agent_access_groups, @models
) ON CONFLICT (object_permission_id) DO UPDATE SET
    mcp_servers = excluded.mcp_servers, mcp_access_groups = excluded.mcp_access_groups, mcp_tool_permissions = excluded.mcp_tool_permissions,
    mcp_toolsets = excluded.mcp_toolsets, blocked_tools = excluded.blocked_tools, vector_stores = excluded.vector_stores, agents = excluded.agents,
    agent_access_groups = excluded.agent_access_groups, models = excluded.models
RETURNING *;

-- name: ObjectPermissions :many
SELECT * FROM object_permission_table WHERE object_permission_id = ANY(@ids::text[]);
