-- Who had requests in quarantine retried or discarded, and what is kept there.

-- One row per order and request; refusals that repeat the one before are one row. It says what it has to by
-- itself: the request leaves the table `quarantine` with the commit that retries or discards it, and its number is
-- never used again.
CREATE TABLE quarantine_order (
    id INTEGER PRIMARY KEY,
    quarantine_id INTEGER NOT NULL,
    source_id INTEGER NOT NULL REFERENCES source,
    -- A retry that could not make an event of it is refused, and the request stays.
    action TEXT NOT NULL CHECK (action IN ('retried', 'refused', 'discarded')),
    actor TEXT NOT NULL CHECK (actor <> ''),
    -- A retry may have none: why is the mend that it tries.
    reason TEXT CHECK (reason <> ''),
    ordered_at TEXT NOT NULL CHECK (length(ordered_at) = 24),
    received_at TEXT NOT NULL,
    -- What kept it in quarantine; of a refused retry, what refused it.
    rejection TEXT NOT NULL,
    body_sha256 BLOB NOT NULL CHECK (length(body_sha256) = 32),
    -- What it became: the first event and, as a JSON array, all of them, for a request may hold several.
    event_id TEXT,
    event_ids TEXT,
    CHECK (action <> 'discarded' OR reason IS NOT NULL),
    CHECK ((action = 'retried') = (event_ids IS NOT NULL)),
    CHECK (event_id IS NULL OR event_ids IS NOT NULL)
) STRICT;
CREATE INDEX quarantine_order_by_request ON quarantine_order (quarantine_id);
-- A request becomes events or is discarded, once.
CREATE UNIQUE INDEX quarantine_order_final ON quarantine_order (quarantine_id) WHERE action <> 'refused';

CREATE TRIGGER quarantine_order_is_never_changed BEFORE UPDATE ON quarantine_order BEGIN
    SELECT RAISE (ABORT, 'an order about a request in quarantine is a record and is never changed');
END;
CREATE TRIGGER quarantine_order_is_never_deleted BEFORE DELETE ON quarantine_order BEGIN
    SELECT RAISE (ABORT, 'an order about a request in quarantine is a record and is never deleted');
END;
CREATE TRIGGER quarantine_order_is_never_replaced BEFORE INSERT ON quarantine_order
WHEN EXISTS (SELECT 1 FROM quarantine_order WHERE id = NEW.id
    OR (quarantine_id = NEW.quarantine_id AND action <> 'refused' AND NEW.action <> 'refused')) BEGIN
    SELECT RAISE (ABORT, 'an order about a request in quarantine is a record and is never replaced');
END;

-- It is kept for a retry as it came; why it is kept may change with each retry.
CREATE TRIGGER quarantined_request_is_never_changed BEFORE UPDATE OF id, source_id, received_at, verification, key_id,
    idempotency_key, headers, body_sha256, body ON quarantine BEGIN
    SELECT RAISE (ABORT, 'a request in quarantine is kept as it came and is never changed');
END;

-- One row per order and request.
CREATE VIEW quarantine_orders (quarantine_id, source, action, actor, reason, ordered_at, received_at, rejection,
    body_sha256, event_id, event_ids) AS
SELECT quarantine_order.quarantine_id, source.name, quarantine_order.action, quarantine_order.actor,
    quarantine_order.reason, quarantine_order.ordered_at, quarantine_order.received_at,
    quarantine_order.rejection, lower(hex(quarantine_order.body_sha256)), quarantine_order.event_id,
    quarantine_order.event_ids
FROM quarantine_order JOIN source ON source.id = quarantine_order.source_id;

-- One row per request that is kept, whatever it is kept for.
CREATE VIEW quarantined (id, source, received_at, reason, detail, verification, key_id, idempotency_key, bytes,
    body_sha256) AS
SELECT quarantine.id, source.name, quarantine.received_at, quarantine.reason, quarantine.detail,
    quarantine.verification, quarantine.key_id, quarantine.idempotency_key, length(quarantine.body),
    lower(hex(quarantine.body_sha256))
FROM quarantine JOIN source ON source.id = quarantine.source_id;
