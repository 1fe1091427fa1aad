-- name: TranscriptInsert :exec
-- One that is delivered again is there already.
INSERT INTO spend_transcripts (request_id, start_time, request, response)
SELECT unnest(@request_ids::text[]), unnest(@start_times::timestamptz[]), unnest(@requests::text[])::json, unnest(@responses::text[])::json
ON CONFLICT DO NOTHING;

-- name: TranscriptByID :one
SELECT request, response FROM spend_transcripts WHERE request_id = @request_id AND start_time = @start_time;

-- name: TranscriptPartition :exec
SELECT spend_transcripts_partition(@day::date);

-- name: TranscriptDrop :one
SELECT spend_transcripts_drop(@until::date);
