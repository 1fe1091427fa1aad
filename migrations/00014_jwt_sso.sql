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

-- Sessions that wait to be fetched by a terminal, by the SHA-256 of what the
-- terminal made up. What a crash loses of it is a login.
CREATE UNLOGGED TABLE sso_cli_session (
    id      text        PRIMARY KEY,
    sealed  bytea       NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX sso_cli_session_end ON sso_cli_session (ends_at);

-- +goose Down
DROP TABLE sso_cli_session, jwt_key_mapping;
