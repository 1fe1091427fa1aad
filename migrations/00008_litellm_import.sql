-- +goose Up
-- What 'tianji import-litellm' has found here or brought: an object that is in
-- this table and not in its own was deleted here, and is not brought again. Kinds
-- and ids are those of outbox.
CREATE TABLE litellm_import (
    kind      text NOT NULL,
    object_id text NOT NULL,
    PRIMARY KEY (kind, object_id)
);

-- +goose Down
DROP TABLE litellm_import;
