-- OrgLoop's own buffers, each imported once.

-- How far the buffer of a source was imported: a row per transaction that stored some of its lines, and a
-- last one at its end. What was stored and how far that got are one commit: whoever goes on after a kill
-- repeats nothing, not even what was handed over and pruned meanwhile.
CREATE TABLE buffer_import (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source,
    path TEXT NOT NULL CHECK (path <> ''),
    imported_at TEXT NOT NULL CHECK (length(imported_at) = 24),
    -- The file is done up to here, in bytes and in lines.
    through_byte INTEGER NOT NULL CHECK (through_byte >= 0),
    through_line INTEGER NOT NULL CHECK (through_line >= 0),
    -- Of the bytes just before: they tell whether the file is still the one that was read.
    tail_sha256 BLOB NOT NULL CHECK (length(tail_sha256) = 32),
    events INTEGER NOT NULL CHECK (events >= 0),
    present INTEGER NOT NULL CHECK (present >= 0),
    rejected INTEGER NOT NULL CHECK (rejected >= 0),
    is_last INTEGER NOT NULL CHECK (is_last IN (0, 1))
) STRICT;
CREATE INDEX buffer_import_by_path ON buffer_import (source_id, path);
CREATE UNIQUE INDEX buffer_import_ended ON buffer_import (source_id, path) WHERE is_last = 1;

CREATE TRIGGER buffer_import_is_never_changed BEFORE UPDATE ON buffer_import BEGIN
    SELECT RAISE (ABORT, 'the import of a buffer is a record and is never changed');
END;
CREATE TRIGGER buffer_import_is_never_deleted BEFORE DELETE ON buffer_import BEGIN
    SELECT RAISE (ABORT, 'the import of a buffer is a record and is never deleted');
END;
CREATE TRIGGER buffer_import_is_never_replaced BEFORE INSERT ON buffer_import
WHEN EXISTS (SELECT 1 FROM buffer_import WHERE id = NEW.id) BEGIN
    SELECT RAISE (ABORT, 'the import of a buffer is a record and is never replaced');
END;
CREATE TRIGGER buffer_import_happens_once BEFORE INSERT ON buffer_import
WHEN EXISTS (SELECT 1 FROM buffer_import
    WHERE source_id = NEW.source_id AND path = NEW.path AND is_last = 1 AND id <> NEW.id) BEGIN
    SELECT RAISE (ABORT, 'the import of a buffer happens once, and this one has ended');
END;

-- One row per buffer; ended_at is NULL while its import is under way.
CREATE VIEW buffer_imports (source, path, began_at, ended_at, bytes, lines, events, present, rejected) AS
SELECT source.name, total.path, total.began_at, total.ended_at, newest.through_byte, newest.through_line,
    total.events, total.present, total.rejected
FROM (SELECT source_id, path, max(id) AS newest, min(imported_at) AS began_at,
        max(CASE is_last WHEN 1 THEN imported_at END) AS ended_at,
        sum(events) AS events, sum(present) AS present, sum(rejected) AS rejected
    FROM buffer_import GROUP BY source_id, path) AS total
JOIN buffer_import AS newest ON newest.id = total.newest
JOIN source ON source.id = total.source_id;
