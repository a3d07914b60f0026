import EventQueue
import Foundation
import GRDB

/// One pass over all events: hashes of envelopes and bodies, and the signatures of the kept requests.
struct ContentScan {
    private struct SourceRow {
        let name: String
        let verifier: Verifier?
    }

    /// Often enough for a smooth display, seldom enough to cost nothing.
    private static let eventsPerReport = 512

    private let verifiers: [String: Verifier]
    private var sources: [Int64: SourceRow] = [:]
    private(set) var envelopes = Findings()
    private var signatures = Findings()
    private(set) var events = 0
    private var thinned = 0
    private var verified = 0
    private var unsigned = 0
    private var unchecked = 0
    private(set) var keys = KeyTally()

    init(verifiers: [String: Verifier] = [:]) { self.verifiers = verifiers }

    /// Reads every event; what cannot be read is a finding.
    mutating func run(_ database: Database, _ progress: AuditProgress.Observer) {
        do {
            try scan(database, progress)
        } catch {
            envelopes.add("\(events) were read, then: \(Verify.words(error))")
        }
    }

    /// - Throws: What SQLite throws at a page that it cannot read, or when it is interrupted.
    mutating func scan(_ database: Database, _ progress: AuditProgress.Observer) throws {
        let total = try Int.fetchOne(database, sql: "SELECT count(*) FROM event") ?? 0
        for row in try Row.fetchAll(database, sql: "SELECT id, name FROM source") {
            guard let id = row.integer(0), let name = row.text(1) else { continue }
            sources[id] = SourceRow(name: name, verifier: verifiers[name])
        }
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT seq, id, source_id, verification, key_id, headers, received_at, body_sha256,
                    envelope_sha256, CAST(envelope AS BLOB), body
                FROM event ORDER BY seq
                """)
        while let row = try rows.next() {
            look(at: row)
            events += 1
            if events.isMultiple(of: Self.eventsPerReport) {
                progress(AuditProgress("hashing", done: events, total: total))
            }
        }
    }

    var envelopesCheck: AuditCheck {
        AuditCheck(
            .envelopes, [("events", events), ("thinned", thinned)], envelopes,
            mend: "These events are never sent. An export that has them whole puts their content back: orgloop-queue "
                + "import FILE; then replay what has failed. Or restore a backup that verifies.")
    }

    var signaturesCheck: AuditCheck {
        AuditCheck(
            .signatures,
            [("verified", verified), ("unsigned", unsigned), ("not_checked", unchecked), ("thinned", thinned)],
            signatures,
            mend: "Body, headers or key id were changed after the request was accepted. Compare with a backup.")
    }

    private mutating func look(at row: Row) {
        let envelope = row.bytes(9)
        let body = row.bytes(10)
        let source = row.integer(2).flatMap { sources[$0] }
        guard envelope != nil || body != nil else {
            thinned += 1
            return tally(row, source?.name, isChecked: true)
        }
        let name = "\(row.text(1) ?? "an event without an id") (seq \(row.integer(0) ?? 0))"
        if Self.hash(envelope) != row.bytes(8) {
            envelopes.add("\(name): the envelope does not have its SHA-256")
        } else if let envelope, !Self.belongs(envelope, id: row.text(1), source: source?.name) {
            envelopes.add("\(name): the envelope is that of another event")
        }
        if Self.hash(body) != row.bytes(7) {
            envelopes.add("\(name): the body does not have its SHA-256")
        }
        let isChecked = recheck(row, name, body ?? [], source?.verifier)
        tally(row, source?.name, isChecked: isChecked)
    }

    /// Returns whether there was a secret to check with, or nothing to check.
    private mutating func recheck(_ row: Row, _ name: String, _ body: [UInt8], _ verifier: Verifier?) -> Bool {
        let scheme = row.text(3) ?? ""
        guard !Verifier.isUnsigned(scheme: scheme) else {
            unsigned += 1
            return true
        }
        let stored = StoredRequest(
            scheme: scheme, keyID: row.text(4), headersJSON: row.bytes(5) ?? [], body: body,
            receivedAt: row.text(6).flatMap { Timestamp(iso8601: $0) } ?? Timestamp(milliseconds: 0))
        switch verifier?.recheck(stored) ?? .unknownSecret {
        case .valid: verified += 1
        case .invalid: signatures.add("\(name): the body does not have its \(scheme) signature")
        case .unknownSecret:
            unchecked += 1
            return false
        }
        return true
    }

    private mutating func tally(_ row: Row, _ source: String?, isChecked: Bool) {
        guard let keyID = row.text(4) else { return }
        keys.add(keyID, of: source ?? "no source", receivedAt: row.text(6) ?? "", isChecked: isChecked)
    }

    private static func hash(_ content: [UInt8]?) -> [UInt8]? { content.map { Fingerprint(of: $0).bytes } }

    /// Whether the envelope names the event and the source of its row.
    private static func belongs(_ envelope: [UInt8], id: String?, source: String?) -> Bool {
        guard let text = try? JSONText(envelope, depthMax: Limits.envelopeDepthMax) else { return false }
        return text["id"].flatMap(text.string) == id && text["source"].flatMap(text.string) == source
    }
}
