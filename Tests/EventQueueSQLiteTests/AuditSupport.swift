import EventQueue
import EventQueueConformance
import Foundation
import GRDB

@testable import EventQueueSQLite

/// A source whose requests are signed.
struct SignedSender {
    static let secrets = ["new secret", "old secret"]

    let source: Source
    private let secret: String
    private let ids: EventIDGenerator

    private struct Headers: HeaderLookup {
        let signature: String

        func values(of name: String) -> [String] { name == "x-hub-signature-256" ? [signature] : [] }
    }

    /// - Parameter secret: With which of the two it signs.
    init(_ id: Source.ID, secret: String = Self.secrets[0]) {
        self.secret = secret
        source = Source(
            id: id, kind: .webhook(eventTypeField: ["type"]),
            verifier: Verifier(scheme: .hub, secrets: Self.secrets.compactMap { Secret($0) }))
        ids = EventIDGenerator(now: { .now() }, after: nil)
    }

    func event(_ body: String) throws -> NewEvent {
        let request = Request(
            body: Array(body.utf8), headers: Headers(signature: "sha256=" + Self.code(body, key: secret)),
            receivedAt: Timestamp(milliseconds: 1_764_000_000_000))
        return try source.normalise(source.verifier.verify(request), id: ids.next())
    }

    /// HMAC-SHA256 in hexadecimal digits (RFC 2104), made from nothing but the hash.
    private static func code(_ text: String, key: String) -> String {
        let padded = Array(key.utf8) + [UInt8](repeating: 0, count: 64 - key.utf8.count)
        let inner = Fingerprint(of: padded.map { $0 ^ 0x36 } + Array(text.utf8)).bytes
        return Fingerprint(of: padded.map { $0 ^ 0x5C } + inner).description
    }
}

/// A database that has an event in every state, as the service leaves it.
struct EveryState {
    let scratch: ScratchStore
    let sender: SignedSender
    /// In `seq` order; `settled` to `pending` say which is in which state.
    private(set) var events: [Event.ID] = []

    init() async throws {
        scratch = try await ScratchStore()
        sender = SignedSender(scratch.source.id)
        for number in 1...12 {
            // Some arrived unsigned, before there was a secret.
            let body = #"{"type":"test","number":\#(number)}"#
            let event = try number > 3 ? sender.event(body) : scratch.event(body)
            _ = try await scratch.store.append(event)
            events.append(event.id)
        }
        _ = try await scratch.store.append(SignedSender(scratch.setUp.sources[1]).event(#"{"type":"other"}"#))
        try await play()
    }

    /// What a test configures: the sources with their secrets.
    var sources: [Source] { [sender.source, SignedSender(scratch.setUp.sources[1]).source] }

    var path: String { scratch.scratch.database }

    private var cursor: EventQueue.Cursor.Key { EventQueue.Cursor.Key(consumer: .standard, source: scratch.source.id) }

    /// Events 1 to 12 become: drained again, dropped, no_route, in_doubt, replaying, in_doubt, failed (corrupt),
    /// confirmed, confirmed, delivered, pending, pending.
    private func play() async throws {
        let store = scratch.store
        // Two more consumers: one that begins at the end, and one that lost its checkpoint.
        _ = try await store.openSession(
            SessionRequest(cursor: named("late"), engine: "late/1", settles: false, start: .now))
        _ = try await store.poll(PollRequest(cursor: named("lost"), checkpoint: nil, limit: 2))
        let first = try await store.openSession(SessionRequest(cursor: cursor, engine: "first/1", settles: true))
        let one = try await poll(nil, first, 4)
        let two = try await poll(one.checkpoint, first, 2)
        _ = try await settle([(0, .delivered), (1, .dropped), (2, .noRoute)], first)
        let second = try await store.openSession(SessionRequest(cursor: cursor, engine: "second/1", settles: true))
        try scratch.tamper("UPDATE event SET envelope = ' ' || envelope WHERE seq = 7")
        let three = try await poll(two.checkpoint, second, 3)
        try scratch.tamper("UPDATE event SET envelope = substr(envelope, 2) WHERE seq = 7")
        _ = try await settle([(9, .delivered)], second)
        _ = try await store.replay(
            Replay.Order(
                cursor: cursor, actor: "ada", reason: "why not", selection: .events([events[0], events[4]])))
        _ = try await poll(three.checkpoint, second, 1)
        let lost = try await store.poll(PollRequest(cursor: named("lost"), checkpoint: nil, limit: 2))
        _ = try await store.poll(
            PollRequest(cursor: named("lost"), checkpoint: lost.checkpoint?.description, limit: 1))
        _ = try await store.poll(PollRequest(cursor: named("lost"), checkpoint: nil, limit: 1))
    }

    private func named(_ name: String) -> EventQueue.Cursor.Key {
        guard let consumer = Consumer.ID(name) else { preconditionFailure("a valid name") }
        return EventQueue.Cursor.Key(consumer: consumer, source: scratch.source.id)
    }

    private func poll(_ checkpoint: Checkpoint?, _ session: Session.ID, _ limit: Int) async throws -> PollAnswer {
        try await scratch.store.poll(
            PollRequest(cursor: cursor, checkpoint: checkpoint?.description, session: session, limit: limit))
    }

    private func settle(_ outcomes: [(Int, Outcome)], _ session: Session.ID) async throws -> Settlement {
        try await scratch.store.settle(
            outcomes.map { OutcomeReport(eventID: events[$0.0].rawValue, outcome: $0.1) }, of: cursor,
            session: session)
    }

    /// Stops the store and changes the file as nobody may, past triggers, checks and foreign keys.
    func damage(_ sql: String) async throws {
        await scratch.store.close()
        try Self.damage(path, sql)
    }

    static func damage(_ path: String, _ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            let triggers = try Row.fetchAll(database, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            for trigger in triggers { try database.execute(sql: "DROP TRIGGER \(trigger["name"] as String)") }
            try database.execute(sql: sql)
            // As they were, to the letter: only the damage is to be found.
            for trigger in triggers { try database.execute(sql: trigger["sql"]) }
        }
    }

    func verify() throws -> AuditReport { try Verify(path: path, sources: sources).run { _ in } }
}

extension AuditReport {
    subscript(_ name: AuditCheck.Name) -> AuditCheck? { checks.first { $0.name == name } }

    var failed: [AuditCheck.Name] { checks.filter { $0.verdict == .failed }.map(\.name) }
}

extension AuditCheck {
    subscript(_ figure: String) -> Int? { figures.first { $0.name == figure }?.value }
}
