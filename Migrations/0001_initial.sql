-- The queue as it is created. Frozen once released: later changes are files of their own.
--
-- Tables are named in the singular and belong to the service; the views at the end are named in the
-- plural, belong to auditors and stay stable across releases. Times are UTC, as text that sorts.

-- Which database this is. Checkpoints carry it, so that those of another file are recognised.
CREATE TABLE queue (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lineage BLOB NOT NULL CHECK (length(lineage) = 16),
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    applied_at TEXT NOT NULL
) STRICT;

CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- Events ever stored: with cursor.passed it tells what is pending without counting.
    events INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    quarantined_bytes INTEGER NOT NULL DEFAULT 0,
    quarantine_dropped INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One row per accepted delivery. AUTOINCREMENT, because a sequence is never used twice.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CHECK (id GLOB 'evt_?*'),
    source_id INTEGER NOT NULL REFERENCES source,
    type TEXT NOT NULL CHECK (type IN ('actor.stopped', 'resource.changed', 'message.received')),
    platform_event TEXT NOT NULL,
    received_at TEXT NOT NULL CHECK (length(received_at) = 24),
    verification TEXT NOT NULL,
    key_id TEXT,
    idempotency_key TEXT,
    headers TEXT NOT NULL,
    body_sha256 BLOB NOT NULL CHECK (length(body_sha256) = 32),
    envelope_sha256 BLOB NOT NULL CHECK (length(envelope_sha256) = 32),
    -- Both NULL once retention has thinned the event.
    envelope TEXT,
    body BLOB,
    CHECK ((envelope IS NULL) = (body IS NULL))
) STRICT;

-- What a poll reads: the events of a source in seq order (seq is the rowid and ends every index).
CREATE INDEX event_by_source ON event (source_id);
CREATE INDEX event_by_received_at ON event (received_at);
-- One row per source and idempotency key (I2).
CREATE UNIQUE INDEX event_by_idempotency_key ON event (source_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- Deliveries that were answered with an earlier event.
CREATE TABLE duplicate (
    seq INTEGER PRIMARY KEY REFERENCES event ON DELETE CASCADE,
    count INTEGER NOT NULL CHECK (count >= 1),
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL
) STRICT;

-- Verified requests that could not become an event.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL REFERENCES source,
    received_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    verification TEXT NOT NULL,
    key_id TEXT,
    idempotency_key TEXT,
    headers TEXT NOT NULL,
    body_sha256 BLOB NOT NULL CHECK (length(body_sha256) = 32),
    body BLOB NOT NULL
) STRICT;

CREATE TABLE consumer (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
) STRICT;

-- A consumer's position in one source.
CREATE TABLE cursor (
    id INTEGER PRIMARY KEY,
    consumer_id INTEGER NOT NULL REFERENCES consumer,
    source_id INTEGER NOT NULL REFERENCES source,
    -- Events up to here are none of this consumer's business.
    start_seq INTEGER NOT NULL,
    -- Every event of the source up to here has had its first emission, or lies before start_seq.
    position INTEGER NOT NULL CHECK (position >= start_seq),
    -- How many of source.events lie at or before position.
    passed INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (consumer_id, source_id)
) STRICT;
CREATE INDEX cursor_by_source ON cursor (source_id);

-- How many events of a cursor are in each state; pending ones are never counted here.
CREATE TABLE tally (
    cursor_id INTEGER NOT NULL REFERENCES cursor,
    state TEXT NOT NULL CHECK (state IN ('drained', 'confirmed', 'delivered', 'dropped', 'no_route',
                                         'failed', 'in_doubt', 'replaying')),
    events INTEGER NOT NULL CHECK (events >= 0),
    PRIMARY KEY (cursor_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cursor_id INTEGER NOT NULL REFERENCES cursor,
    engine TEXT NOT NULL,
    settles INTEGER NOT NULL CHECK (settles IN (0, 1)),
    opened_at TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT CHECK (ended_by IN ('closed', 'fenced')),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX session_by_cursor ON session (cursor_id);
-- At most one session of a cursor is open (I10).
CREATE UNIQUE INDEX session_open ON session (cursor_id) WHERE ended_at IS NULL;

CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    cursor_id INTEGER NOT NULL REFERENCES cursor,
    number INTEGER NOT NULL CHECK (number >= 1),
    nonce INTEGER NOT NULL,
    -- The checkpoint presented by the poll that made the batch: presenting it again proves that the
    -- batch was never saved.
    origin TEXT,
    -- The session that was handed the batch last.
    session_id INTEGER REFERENCES session,
    sent INTEGER NOT NULL DEFAULT 1 CHECK (sent >= 1),
    drained_at TEXT NOT NULL,
    confirmed_at TEXT,
    -- When a caller regressed past it: it is never sent again.
    abandoned_at TEXT,
    -- When its unsettled events were declared in doubt.
    judged_at TEXT,
    UNIQUE (cursor_id, number)
) STRICT;
CREATE INDEX batch_outstanding ON batch (cursor_id)
    WHERE confirmed_at IS NULL AND abandoned_at IS NULL;
CREATE INDEX batch_unjudged ON batch (session_id) WHERE judged_at IS NULL;

-- A recorded order to emit again. Never changed: see the triggers.
CREATE TABLE replay (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cursor_id INTEGER NOT NULL REFERENCES cursor,
    actor TEXT NOT NULL CHECK (actor <> ''),
    reason TEXT NOT NULL CHECK (reason <> ''),
    requested_at TEXT NOT NULL,
    selection TEXT NOT NULL,
    events INTEGER NOT NULL CHECK (events >= 1),
    skipped INTEGER NOT NULL CHECK (skipped >= 0),
    idempotency_key TEXT UNIQUE
) STRICT;

-- One handing-out of one event to one consumer. The first has emission_no 1 and needs no replay; any
-- other needs one. With the primary key this makes a second emission without a replay impossible (I4).
CREATE TABLE emission (
    seq INTEGER NOT NULL REFERENCES event ON DELETE CASCADE,
    cursor_id INTEGER NOT NULL REFERENCES cursor,
    emission_no INTEGER NOT NULL CHECK (emission_no >= 1),
    -- NULL for what was never sent: a corrupt envelope, or an event passed over by a resume.
    batch_id INTEGER REFERENCES batch,
    replay_id INTEGER REFERENCES replay,
    in_doubt_at TEXT,
    outcome TEXT CHECK (outcome IN ('delivered', 'dropped', 'no_route', 'failed')),
    detail TEXT,
    settled_at TEXT,
    PRIMARY KEY (seq, cursor_id, emission_no),
    CHECK (emission_no = 1 OR replay_id IS NOT NULL),
    CHECK (batch_id IS NOT NULL OR outcome IS NOT NULL),
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX emission_by_batch ON emission (batch_id);
CREATE INDEX emission_in_doubt ON emission (cursor_id)
    WHERE in_doubt_at IS NOT NULL AND outcome IS NULL;
CREATE INDEX emission_failed ON emission (cursor_id) WHERE outcome = 'failed';
CREATE INDEX emission_dropped ON emission (cursor_id) WHERE outcome = 'dropped';
CREATE INDEX emission_no_route ON emission (cursor_id) WHERE outcome = 'no_route';

-- What a replay emits; emission_no is NULL while it waits.
CREATE TABLE replay_event (
    seq INTEGER NOT NULL REFERENCES event ON DELETE CASCADE,
    replay_id INTEGER NOT NULL REFERENCES replay,
    cursor_id INTEGER NOT NULL REFERENCES cursor,
    emission_no INTEGER CHECK (emission_no >= 1),
    PRIMARY KEY (seq, replay_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_event_by_replay ON replay_event (replay_id);
CREATE UNIQUE INDEX replay_event_waiting ON replay_event (cursor_id, seq) WHERE emission_no IS NULL;

-- An operator's answer to a refused checkpoint; in force until a poll was answered under it.
CREATE TABLE resume (
    id INTEGER PRIMARY KEY,
    cursor_id INTEGER NOT NULL REFERENCES cursor,
    actor TEXT NOT NULL CHECK (actor <> ''),
    reason TEXT NOT NULL CHECK (reason <> ''),
    ordered_at TEXT NOT NULL,
    skip_through TEXT,
    passed_over INTEGER NOT NULL,
    answered_at TEXT
) STRICT;
CREATE INDEX resume_in_force ON resume (cursor_id) WHERE answered_at IS NULL;

-- History is append-only, whoever holds the file open.
CREATE TRIGGER replay_is_never_changed BEFORE UPDATE ON replay BEGIN
    SELECT RAISE (ABORT, 'a replay is a record and is never changed');
END;
CREATE TRIGGER replay_is_never_deleted BEFORE DELETE ON replay BEGIN
    SELECT RAISE (ABORT, 'a replay is a record and is never deleted');
END;
CREATE TRIGGER emission_is_never_changed
BEFORE UPDATE OF cursor_id, seq, emission_no, batch_id, replay_id ON emission BEGIN
    SELECT RAISE (ABORT, 'what was emitted to whom is a record and is never changed');
END;
-- Retention deletes an event with everything about it; nothing else deletes an emission.
CREATE TRIGGER emission_is_never_deleted BEFORE DELETE ON emission
WHEN EXISTS (SELECT 1 FROM event WHERE seq = OLD.seq) BEGIN
    SELECT RAISE (ABORT, 'what was emitted to whom is a record and is never deleted');
END;
CREATE TRIGGER emission_outcome_is_final BEFORE UPDATE OF outcome, settled_at ON emission
WHEN OLD.outcome IS NOT NULL BEGIN
    SELECT RAISE (ABORT, 'the first outcome of an emission is final');
END;
-- An envelope is dropped by retention or stays as it is.
CREATE TRIGGER event_is_never_changed
BEFORE UPDATE OF seq, id, source_id, type, platform_event, received_at, idempotency_key, body_sha256,
    envelope_sha256 ON event BEGIN
    SELECT RAISE (ABORT, 'an event is a record and is never changed');
END;

-- The emission that decides an event's state: the latest, unless a replay of the event waits.
CREATE VIEW current_emission AS
SELECT * FROM emission AS this
WHERE NOT EXISTS (SELECT 1 FROM emission AS later WHERE later.seq = this.seq
        AND later.cursor_id = this.cursor_id AND later.emission_no > this.emission_no)
    AND NOT EXISTS (SELECT 1 FROM replay_event AS waiting WHERE waiting.cursor_id = this.cursor_id
        AND waiting.seq = this.seq AND waiting.emission_no IS NULL);

-- One row per event and consumer. One arm per state, each with its state as a constant and with all its
-- joins, so that SQLite carries a question's WHERE into every arm. Measured on two million events:
-- - Arms of states that may hold nearly everything start at the event, so that an id, a time or ORDER BY
--   seq decides what is read. A bound on seq ends such an arm where its state ends, at once when nothing
--   is in it; likelihood() keeps that bound from being preferred to a range of received_at.
-- - Arms of states that hold little start at that state's index.
-- - The casts give each column one affinity in all arms, without which the whole view is computed before
--   it is sorted (restriction 17h in https://www.sqlite.org/src/file/src/select.c).
CREATE VIEW events (seq, id, source, type, platform_event, received_at, verification, idempotency_key,
    consumer, state, emissions, drained_at, confirmed_at, settled_at, outcome, envelope) AS
    SELECT event.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'pending',
        0, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT),
        event.envelope
    FROM event
    CROSS JOIN cursor ON cursor.source_id = event.source_id AND event.seq > cursor.position
    JOIN source ON source.id = event.source_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    WHERE likelihood(event.seq > (SELECT min(position) FROM cursor), 0.95)
UNION ALL
    SELECT event.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, CAST(NULL AS TEXT), 'pending',
        0, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT),
        event.envelope
    FROM event
    CROSS JOIN source ON source.id = event.source_id AND event.seq <= coalesce(
        (SELECT min(start_seq) FROM cursor WHERE cursor.source_id = source.id), event.seq)
    WHERE likelihood(event.seq <= (SELECT max(coalesce((SELECT min(start_seq) FROM cursor
        WHERE cursor.source_id = unread.id), 9223372036854775807))
        FROM source AS unread WHERE unread.events > 0), 0.95)
UNION ALL
    SELECT waiting.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'replaying',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = waiting.cursor_id),
        CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT),
        event.envelope
    FROM replay_event AS waiting
    JOIN event ON event.seq = waiting.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = waiting.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    WHERE waiting.emission_no IS NULL
UNION ALL
    SELECT current.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'drained',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = current.cursor_id),
        batch.drained_at, batch.confirmed_at, current.settled_at, current.outcome, event.envelope
    FROM batch CROSS JOIN current_emission AS current ON current.batch_id = batch.id
    JOIN event ON event.seq = current.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = current.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    WHERE batch.confirmed_at IS NULL AND batch.abandoned_at IS NULL
        AND current.outcome IS NULL AND current.in_doubt_at IS NULL
UNION ALL
    SELECT event.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'confirmed',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = current.cursor_id),
        batch.drained_at, batch.confirmed_at, current.settled_at, current.outcome, event.envelope
    FROM event
    CROSS JOIN current_emission AS current ON current.seq = event.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = current.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    JOIN batch ON batch.id = current.batch_id
    WHERE batch.confirmed_at IS NOT NULL AND current.outcome IS NULL
        AND current.in_doubt_at IS NULL
        AND likelihood(event.seq <= (SELECT max(reader.position) FROM tally
            JOIN cursor AS reader ON reader.id = tally.cursor_id
            WHERE tally.state = 'confirmed' AND tally.events > 0), 0.95)
UNION ALL
    SELECT current.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'in_doubt',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = current.cursor_id),
        batch.drained_at, batch.confirmed_at, current.settled_at, current.outcome, event.envelope
    FROM current_emission AS current
    JOIN event ON event.seq = current.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = current.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    JOIN batch ON batch.id = current.batch_id
    WHERE current.in_doubt_at IS NOT NULL AND current.outcome IS NULL
UNION ALL
    SELECT event.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'delivered',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = current.cursor_id),
        batch.drained_at, batch.confirmed_at, current.settled_at, current.outcome, event.envelope
    FROM event
    CROSS JOIN current_emission AS current ON current.seq = event.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = current.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    LEFT JOIN batch ON batch.id = current.batch_id
    WHERE current.outcome = 'delivered'
        AND likelihood(event.seq <= (SELECT max(reader.position) FROM tally
            JOIN cursor AS reader ON reader.id = tally.cursor_id
            WHERE tally.state = 'delivered' AND tally.events > 0), 0.95)
UNION ALL
    SELECT current.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'dropped',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = current.cursor_id),
        batch.drained_at, batch.confirmed_at, current.settled_at, current.outcome, event.envelope
    FROM current_emission AS current
    JOIN event ON event.seq = current.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = current.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    LEFT JOIN batch ON batch.id = current.batch_id
    WHERE current.outcome = 'dropped'
UNION ALL
    SELECT current.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'no_route',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = current.cursor_id),
        batch.drained_at, batch.confirmed_at, current.settled_at, current.outcome, event.envelope
    FROM current_emission AS current
    JOIN event ON event.seq = current.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = current.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    LEFT JOIN batch ON batch.id = current.batch_id
    WHERE current.outcome = 'no_route'
UNION ALL
    SELECT current.seq, event.id, source.name, event.type, event.platform_event, event.received_at,
        event.verification, event.idempotency_key, consumer.name, 'failed',
        (SELECT count(*) FROM emission AS every
            WHERE every.seq = event.seq AND every.cursor_id = current.cursor_id),
        batch.drained_at, batch.confirmed_at, current.settled_at, current.outcome, event.envelope
    FROM current_emission AS current
    JOIN event ON event.seq = current.seq
    JOIN source ON source.id = event.source_id
    JOIN cursor ON cursor.id = current.cursor_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    LEFT JOIN batch ON batch.id = current.batch_id
    WHERE current.outcome = 'failed';

-- One row per handing-out.
CREATE VIEW emissions (seq, id, source, consumer, emission_no, batch, session, replay_id, drained_at,
    confirmed_at, in_doubt_at, settled_at, outcome, detail) AS
SELECT emission.seq, event.id, source.name, consumer.name, emission.emission_no, batch.number,
    session.name, replay.name, batch.drained_at, batch.confirmed_at, emission.in_doubt_at,
    emission.settled_at, emission.outcome, emission.detail
FROM emission
JOIN event ON event.seq = emission.seq
JOIN cursor ON cursor.id = emission.cursor_id
JOIN consumer ON consumer.id = cursor.consumer_id
JOIN source ON source.id = cursor.source_id
LEFT JOIN batch ON batch.id = emission.batch_id
LEFT JOIN session ON session.id = batch.session_id
LEFT JOIN replay ON replay.id = emission.replay_id;

-- One row per order.
CREATE VIEW replays (id, consumer, source, actor, reason, requested_at, selection, events, skipped,
    emitted) AS
SELECT replay.name, consumer.name, source.name, replay.actor, replay.reason, replay.requested_at,
    replay.selection, replay.events, replay.skipped,
    (SELECT count(*) FROM replay_event
        WHERE replay_event.replay_id = replay.id AND replay_event.emission_no IS NOT NULL)
FROM replay
JOIN cursor ON cursor.id = replay.cursor_id
JOIN consumer ON consumer.id = cursor.consumer_id
JOIN source ON source.id = cursor.source_id;

-- One row per engine process that ever read.
CREATE VIEW sessions (id, consumer, source, engine, settles, opened_at, ended_at, ended_by) AS
SELECT session.name, consumer.name, source.name, session.engine, session.settles, session.opened_at,
    session.ended_at, session.ended_by
FROM session
JOIN cursor ON cursor.id = session.cursor_id
JOIN consumer ON consumer.id = cursor.consumer_id
JOIN source ON source.id = cursor.source_id;

-- Empty for ever: events that a consumer was handed more than once without a replay that exists.
CREATE VIEW double_emissions (seq, consumer, source, emissions) AS
SELECT emission.seq, consumer.name, source.name, count(*)
FROM emission
JOIN cursor ON cursor.id = emission.cursor_id
JOIN consumer ON consumer.id = cursor.consumer_id
JOIN source ON source.id = cursor.source_id
WHERE emission.replay_id IS NULL
    OR NOT EXISTS (SELECT 1 FROM replay WHERE replay.id = emission.replay_id)
GROUP BY emission.cursor_id, emission.seq
HAVING count(*) > 1;

-- How many events stand where, in constant time: the service keeps these sums as it goes.
CREATE VIEW counts (source, consumer, state, events) AS
    SELECT source.name, consumer.name, 'pending', source.events - cursor.passed
    FROM cursor
    JOIN source ON source.id = cursor.source_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    WHERE source.events > cursor.passed
UNION ALL
    SELECT source.name, NULL, 'pending', source.events
    FROM source
    WHERE source.events > 0 AND NOT EXISTS (SELECT 1 FROM cursor WHERE cursor.source_id = source.id)
UNION ALL
    SELECT source.name, consumer.name, tally.state, tally.events
    FROM tally
    JOIN cursor ON cursor.id = tally.cursor_id
    JOIN source ON source.id = cursor.source_id
    JOIN consumer ON consumer.id = cursor.consumer_id
    WHERE tally.events > 0;
