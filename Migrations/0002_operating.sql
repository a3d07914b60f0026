-- Retention, consumers that are gone, and history that not even a read-write shell can change.

-- Events that retention has deleted; source.events counts what was ever stored.
ALTER TABLE source ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0 CHECK (pruned >= 0);
-- Every event of the source up to here has been thinned or deleted: a new consumer begins behind it.
ALTER TABLE source ADD COLUMN thinned_through INTEGER NOT NULL DEFAULT 0;

-- A dropped cursor stays for the emissions that name it. Its start_seq and position lie behind every
-- event, so that nothing is pending for it and retention does not wait for it.
ALTER TABLE cursor ADD COLUMN dropped_at TEXT;

-- The orders to forget a consumer. Its row in consumer gets a name that nobody can ask for.
CREATE TABLE consumer_drop (
    id INTEGER PRIMARY KEY,
    consumer_id INTEGER NOT NULL REFERENCES consumer,
    name TEXT NOT NULL,
    actor TEXT NOT NULL CHECK (actor <> ''),
    reason TEXT NOT NULL CHECK (reason <> ''),
    dropped_at TEXT NOT NULL,
    sources INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    unfinished INTEGER NOT NULL
) STRICT;

CREATE TRIGGER consumer_drop_is_never_changed BEFORE UPDATE ON consumer_drop BEGIN
    SELECT RAISE (ABORT, 'the drop of a consumer is a record and is never changed');
END;
CREATE TRIGGER consumer_drop_is_never_deleted BEFORE DELETE ON consumer_drop BEGIN
    SELECT RAISE (ABORT, 'the drop of a consumer is a record and is never deleted');
END;
CREATE TRIGGER consumer_drop_is_never_replaced BEFORE INSERT ON consumer_drop
WHEN EXISTS (SELECT 1 FROM consumer_drop WHERE id = NEW.id) BEGIN
    SELECT RAISE (ABORT, 'the drop of a consumer is a record and is never replaced');
END;

-- INSERT OR REPLACE deletes rows without asking the triggers on DELETE
-- (https://www.sqlite.org/lang_conflict.html), so it is stopped before.
CREATE TRIGGER replay_is_never_replaced BEFORE INSERT ON replay
WHEN EXISTS (SELECT 1 FROM replay WHERE id = NEW.id OR name = NEW.name
    OR idempotency_key = NEW.idempotency_key) BEGIN
    SELECT RAISE (ABORT, 'a replay is a record and is never replaced');
END;
CREATE TRIGGER emission_is_never_replaced BEFORE INSERT ON emission
WHEN EXISTS (SELECT 1 FROM emission WHERE seq = NEW.seq AND cursor_id = NEW.cursor_id
    AND emission_no = NEW.emission_no) BEGIN
    SELECT RAISE (ABORT, 'what was emitted to whom is a record and is never replaced');
END;

-- What a replay orders is part of the order; that it was carried out is noted once.
CREATE TRIGGER replay_event_is_never_changed BEFORE UPDATE ON replay_event
WHEN OLD.emission_no IS NOT NULL OR NEW.seq <> OLD.seq OR NEW.replay_id <> OLD.replay_id
    OR NEW.cursor_id <> OLD.cursor_id BEGIN
    SELECT RAISE (ABORT, 'what a replay orders is a record and is never changed');
END;
CREATE TRIGGER replay_event_is_never_replaced BEFORE INSERT ON replay_event
WHEN EXISTS (SELECT 1 FROM replay_event WHERE seq = NEW.seq AND replay_id = NEW.replay_id) BEGIN
    SELECT RAISE (ABORT, 'what a replay orders is a record and is never replaced');
END;
-- Retention deletes an event with everything about it; a dropped consumer's orders lapse.
CREATE TRIGGER replay_event_is_never_deleted BEFORE DELETE ON replay_event
WHEN EXISTS (SELECT 1 FROM event WHERE seq = OLD.seq)
    AND NOT (OLD.emission_no IS NULL AND EXISTS (SELECT 1 FROM cursor
        WHERE cursor.id = OLD.cursor_id AND cursor.dropped_at IS NOT NULL)) BEGIN
    SELECT RAISE (ABORT, 'what a replay orders is a record and is never deleted');
END;

CREATE TRIGGER resume_is_never_changed
BEFORE UPDATE OF id, cursor_id, actor, reason, ordered_at, skip_through, passed_over ON resume BEGIN
    SELECT RAISE (ABORT, 'a resume is a record and is never changed');
END;
CREATE TRIGGER resume_is_never_deleted BEFORE DELETE ON resume BEGIN
    SELECT RAISE (ABORT, 'a resume is a record and is never deleted');
END;
CREATE TRIGGER resume_is_never_replaced BEFORE INSERT ON resume
WHEN EXISTS (SELECT 1 FROM resume WHERE id = NEW.id) BEGIN
    SELECT RAISE (ABORT, 'a resume is a record and is never replaced');
END;

-- As before, without the consumers that were dropped: `events` asks how things stand, `emissions` tells
-- what happened.
DROP VIEW current_emission;
CREATE VIEW current_emission AS
SELECT * FROM emission AS this
WHERE NOT EXISTS (SELECT 1 FROM emission AS later WHERE later.seq = this.seq
        AND later.cursor_id = this.cursor_id AND later.emission_no > this.emission_no)
    AND NOT EXISTS (SELECT 1 FROM replay_event AS waiting WHERE waiting.cursor_id = this.cursor_id
        AND waiting.seq = this.seq AND waiting.emission_no IS NULL)
    AND this.cursor_id NOT IN (SELECT id FROM cursor WHERE dropped_at IS NOT NULL);

DROP VIEW counts;
CREATE VIEW counts (source, consumer, state, events) AS
    SELECT source.name, consumer.name, 'pending', source.events - cursor.passed
    FROM cursor
    JOIN source ON source.id = cursor.source_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    WHERE source.events > cursor.passed AND cursor.dropped_at IS NULL
UNION ALL
    SELECT source.name, NULL, 'pending', source.events - source.pruned
    FROM source
    WHERE source.events > source.pruned AND NOT EXISTS (SELECT 1 FROM cursor
        WHERE cursor.source_id = source.id AND cursor.dropped_at IS NULL)
UNION ALL
    SELECT source.name, consumer.name, tally.state, tally.events
    FROM tally
    JOIN cursor ON cursor.id = tally.cursor_id
    JOIN source ON source.id = cursor.source_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    WHERE tally.events > 0 AND cursor.dropped_at IS NULL;

-- One row per consumer that was dropped, with what was given up.
CREATE VIEW consumer_drops (consumer, actor, reason, dropped_at, sources, pending, unfinished) AS
SELECT name, actor, reason, dropped_at, sources, pending, unfinished FROM consumer_drop;

-- As before, found by the few emissions that are not an event's first: the proof takes no longer when
-- millions were handed over.
CREATE INDEX emission_again ON emission (seq, cursor_id) WHERE emission_no > 1;
DROP VIEW double_emissions;
CREATE VIEW double_emissions (seq, consumer, source, emissions) AS
SELECT emission.seq, consumer.name, source.name, count(*)
FROM emission
JOIN cursor ON cursor.id = emission.cursor_id
JOIN consumer ON consumer.id = cursor.consumer_id
JOIN source ON source.id = cursor.source_id
WHERE (emission.seq, emission.cursor_id) IN (SELECT again.seq, again.cursor_id FROM emission AS again
        WHERE again.emission_no > 1 AND (again.replay_id IS NULL
            OR NOT EXISTS (SELECT 1 FROM replay WHERE replay.id = again.replay_id)))
    AND (emission.replay_id IS NULL
        OR NOT EXISTS (SELECT 1 FROM replay WHERE replay.id = emission.replay_id))
GROUP BY emission.cursor_id, emission.seq
HAVING count(*) > 1;

-- By sequence instead of by cursor, so that a question about these states that is ordered by seq, as a
-- page of a listing is, reads no more than it shows.
DROP INDEX emission_in_doubt;
DROP INDEX emission_failed;
DROP INDEX emission_dropped;
DROP INDEX emission_no_route;
CREATE INDEX emission_in_doubt ON emission (seq) WHERE in_doubt_at IS NOT NULL AND outcome IS NULL;
CREATE INDEX emission_failed ON emission (seq) WHERE outcome = 'failed';
CREATE INDEX emission_dropped ON emission (seq) WHERE outcome = 'dropped';
CREATE INDEX emission_no_route ON emission (seq) WHERE outcome = 'no_route';

-- One row per event, whoever reads it: what came in, in the order and at the price of received_at.
CREATE VIEW arrivals (seq, id, source, type, platform_event, received_at, verification, key_id,
    idempotency_key, duplicates, thinned) AS
SELECT event.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
    event.verification, event.key_id, event.idempotency_key,
    coalesce((SELECT count FROM duplicate WHERE duplicate.seq = event.seq), 0), event.envelope IS NULL
FROM event JOIN source ON source.id = event.source_id;
