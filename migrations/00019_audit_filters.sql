-- The trail of a team or of a key, and of what somebody's key did: who an entry is
-- about stands in its values, before and after. Texts are cut to what an index can
-- hold, so that no entry is refused for its length; ids are shorter.

-- +goose Up
ALTER TABLE audit_log
    ADD COLUMN team_ids text[] NOT NULL GENERATED ALWAYS AS (array_remove(ARRAY[left(before_value->>'team_id', 512), left(updated_values->>'team_id', 512)], NULL)) STORED,
    ADD COLUMN key_hashes text[] NOT NULL GENERATED ALWAYS AS (array_remove(ARRAY[left(before_value->>'token', 512), left(updated_values->>'token', 512)], NULL)) STORED;
CREATE INDEX audit_log_team_ids ON audit_log USING gin (team_ids);
CREATE INDEX audit_log_key_hashes ON audit_log USING gin (key_hashes);
CREATE INDEX audit_log_changed_by_key ON audit_log (changed_by_api_key, updated_at DESC);

-- +goose Down
DROP INDEX audit_log_changed_by_key;
ALTER TABLE audit_log DROP COLUMN key_hashes, DROP COLUMN team_ids;
