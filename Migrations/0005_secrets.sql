-- Which secrets the sources are configured with, and were: never a secret, only its key id.

-- A row per secret that came into use. One that comes back after it was dropped gets another row, and so does
-- one under another scheme.
CREATE TABLE secret (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source,
    -- The first digits of the secret's SHA-256. Nothing that looks otherwise gets in, a secret least of all.
    key_id TEXT NOT NULL CHECK (length(key_id) = 8 AND key_id NOT GLOB '*[^0-9a-f]*'),
    scheme TEXT NOT NULL CHECK (scheme <> ''),
    configured_at TEXT NOT NULL CHECK (length(configured_at) = 24)
) STRICT;
CREATE INDEX secret_by_key ON secret (source_id, key_id);

-- A row per secret that is in use no more. The clock may have been set back meanwhile: the rows decide, not
-- the times.
CREATE TABLE secret_drop (
    secret_id INTEGER PRIMARY KEY REFERENCES secret,
    dropped_at TEXT NOT NULL CHECK (length(dropped_at) = 24)
) STRICT;

CREATE TRIGGER secret_is_never_changed BEFORE UPDATE ON secret BEGIN
    SELECT RAISE (ABORT, 'which secret was in use is a record and is never changed');
END;
CREATE TRIGGER secret_is_never_deleted BEFORE DELETE ON secret BEGIN
    SELECT RAISE (ABORT, 'which secret was in use is a record and is never deleted');
END;
CREATE TRIGGER secret_is_never_replaced BEFORE INSERT ON secret
WHEN EXISTS (SELECT 1 FROM secret WHERE id = NEW.id) BEGIN
    SELECT RAISE (ABORT, 'which secret was in use is a record and is never replaced');
END;
CREATE TRIGGER secret_is_in_use_once BEFORE INSERT ON secret
WHEN EXISTS (SELECT 1 FROM secret AS other
    WHERE other.source_id = NEW.source_id AND other.key_id = NEW.key_id AND other.id <> NEW.id
        AND NOT EXISTS (SELECT 1 FROM secret_drop WHERE secret_drop.secret_id = other.id)) BEGIN
    SELECT RAISE (ABORT, 'a secret of a source is in use once');
END;
CREATE TRIGGER secret_drop_is_never_changed BEFORE UPDATE ON secret_drop BEGIN
    SELECT RAISE (ABORT, 'the drop of a secret is a record and is never changed');
END;
CREATE TRIGGER secret_drop_is_never_deleted BEFORE DELETE ON secret_drop BEGIN
    SELECT RAISE (ABORT, 'the drop of a secret is a record and is never deleted');
END;
CREATE TRIGGER secret_drop_is_never_replaced BEFORE INSERT ON secret_drop
WHEN EXISTS (SELECT 1 FROM secret_drop WHERE secret_id = NEW.secret_id) BEGIN
    SELECT RAISE (ABORT, 'the drop of a secret is a record and is never replaced');
END;

-- One row per secret and time of use; dropped_at is NULL while it is in use.
CREATE VIEW secrets (source, key_id, scheme, configured_at, dropped_at) AS
SELECT source.name, secret.key_id, secret.scheme, secret.configured_at, secret_drop.dropped_at
FROM secret
JOIN source ON source.id = secret.source_id
LEFT JOIN secret_drop ON secret_drop.secret_id = secret.id;
