-- +goose Up
-- Which virtual key a value of a claim stands for, in tokens of identity
-- providers. A mapping whose key was deleted stays, and refuses its tokens.
CREATE TABLE jwt_key_mapping (
    id              text        PRIMARY KEY,
    jwt_claim_name  text        NOT NULL,
    jwt_claim_value text        NOT NULL,
    token           text        REFERENCES verification_token (token) ON UPDATE CASCADE ON DELETE SET NULL,
    description     text,
    is_active       boolean     NOT NULL DEFAULT true,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      text,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text,
    CONSTRAINT jwt_key_mapping_claim UNIQUE (jwt_claim_name, jwt_claim_value)
);
CREATE INDEX jwt_key_mapping_token ON jwt_key_mapping (token);
CREATE INDEX jwt_key_mapping_created ON jwt_key_mapping (created_at DESC, id DESC);

-- +goose Down
DROP TABLE jwt_key_mapping;
