-- Only one name server at a time may make these.
SELECT pg_advisory_xact_lock(7385903388887613);

-- Bytes of UTF-8, because the texts of PostgreSQL cannot hold every text.
CREATE TABLE IF NOT EXISTS salamander_names (
    name bytea PRIMARY KEY,
    uri bytea NOT NULL,
    tags bytea[] NOT NULL,
    expires timestamptz
);
CREATE INDEX IF NOT EXISTS salamander_names_expires ON salamander_names (expires) WHERE expires IS NOT NULL;

-- Tells all name servers of a change, with every part in hexadecimal. A notification has room for 8,000 bytes.
CREATE OR REPLACE FUNCTION salamander_names_tell_1(event text, n bytea, u bytea, t bytea[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    told text := event || ' ' || encode(n, 'hex') || ' ' || encode(u, 'hex')
        || coalesce((SELECT string_agg(' ' || encode(tag, 'hex'), '') FROM unnest(t) AS tag), '');
BEGIN
    PERFORM pg_notify('salamander_names', CASE WHEN octet_length(told) < 7900 THEN told ELSE 'missed' END);
    RETURN 1;
END $$;

CREATE OR REPLACE FUNCTION salamander_names_put_1(n bytea, u bytea, t bytea[], seconds float8, safe boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + make_interval(secs => seconds);
    event text := 'registered';
BEGIN
    WITH gone AS (
        DELETE FROM salamander_names WHERE name = n AND expires <= clock_timestamp() RETURNING name, uri, tags
    ) SELECT 'registered' INTO event FROM (SELECT count(salamander_names_tell_1('expired', name, uri, tags)) FROM gone) AS told;
    IF safe THEN
        INSERT INTO salamander_names VALUES (n, u, t, until) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN RETURN false; END IF;
    ELSE
        INSERT INTO salamander_names VALUES (n, u, t, until)
        ON CONFLICT (name) DO UPDATE SET uri = excluded.uri, tags = excluded.tags, expires = excluded.expires
        RETURNING CASE WHEN xmax = 0 THEN 'registered' ELSE 'changed' END INTO event;
    END IF;
    PERFORM salamander_names_tell_1(event, n, u, t);
    RETURN true;
END $$;
