-- +goose Up
-- What was spent of each budget in each of its periods, by the name of the
-- budget's counter on the bus (shared/limits). Only budgets of which something
-- was spent have a row. opening_nano was spent before the budget was booked by
-- itself, or is what an admin said. A period without an end is one for good; it
-- starts at the epoch.
CREATE TABLE budget_spend (
    counter      text        NOT NULL,
    period_start timestamptz NOT NULL,
    period_end   timestamptz,
    opening_nano bigint      NOT NULL DEFAULT 0,
    spend_nano   bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (counter, period_start)
) WITH (fillfactor = 80);
CREATE INDEX budget_spend_end ON budget_spend (period_end) WHERE period_end IS NOT NULL;

-- +goose Down
DROP TABLE budget_spend;
