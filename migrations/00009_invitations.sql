-- +goose Up
-- How people log in, and how they are invited to. password is a hash as package
-- password makes and reads it; sso_user_id is how a single sign-on calls them.
ALTER TABLE user_table
    ADD COLUMN sso_user_id text,
    ADD COLUMN password    text;
CREATE UNIQUE INDEX user_table_sso ON user_table (sso_user_id) WHERE sso_user_id IS NOT NULL;
CREATE INDEX user_table_created ON user_table (created_at DESC, user_id);
CREATE INDEX user_table_teams ON user_table USING gin (teams);

-- The keys of sessions have this team, which nobody may be an admin of.
ALTER TABLE team_table ADD CONSTRAINT team_table_reserved CHECK (team_id <> 'litellm-dashboard') NOT VALID;

CREATE TABLE invitation_link (
    id          text        PRIMARY KEY,
    user_id     text        NOT NULL,
    is_accepted boolean     NOT NULL DEFAULT false,
    accepted_at timestamptz,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text        NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    updated_by  text        NOT NULL
);
CREATE INDEX invitation_link_user ON invitation_link (user_id);

-- Logins that failed, by whom they were for and where they came from. What a
-- crash loses of it is a few minutes' count.
CREATE UNLOGGED TABLE login_failure (
    subject  text        PRIMARY KEY,
    failures integer     NOT NULL,
    ends_at  timestamptz NOT NULL
);
CREATE INDEX login_failure_end ON login_failure (ends_at);

-- +goose Down
DROP TABLE login_failure, invitation_link;
ALTER TABLE team_table DROP CONSTRAINT team_table_reserved;
DROP INDEX user_table_teams, user_table_created, user_table_sso;
ALTER TABLE user_table DROP COLUMN password, DROP COLUMN sso_user_id;
