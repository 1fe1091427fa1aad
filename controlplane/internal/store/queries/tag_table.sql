-- name: TagInsert :one
INSERT INTO tag_table (tag_name, description, models, model_info, created_by)
VALUES (@tag_name, @description, @models, @model_info, @created_by) RETURNING *;

-- name: TagForUpdate :one
SELECT * FROM tag_table WHERE tag_name = @tag_name FOR UPDATE;

-- name: TagUpdate :one
UPDATE tag_table SET description = @description, models = @models, model_info = @model_info, budget_id = @budget_id, updated_at = now()
WHERE tag_name = @tag_name RETURNING *;

-- name: TagDelete :exec
DELETE FROM tag_table WHERE tag_name = @tag_name;

-- name: TagByName :one
SELECT * FROM tag_table WHERE tag_name = @tag_name;

-- name: TagsByNames :many
SELECT * FROM tag_table WHERE tag_name = ANY(@names::text[]) ORDER BY tag_name;

-- name: TagList :many
SELECT * FROM tag_table ORDER BY tag_name LIMIT 10000;

-- name: TagsAfter :many
SELECT tag_name FROM tag_table WHERE tag_name > @after ORDER BY tag_name LIMIT @page_size;
