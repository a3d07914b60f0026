import EventQueue
import EventQueueSQLite
import Logging

/// Fills a database with events just as the service stores them, without the way over HTTP.
struct StoreFiller {
    let place: ServicePlace
    let progress: LoadProgress

    /// So many events share a transaction: the more, the less a commit costs each.
    private static let groupEvents = 5000

    /// Appends `count` events, each verified and normalised from a signed body of its own.
    func fill(_ count: Int) async throws {
        guard let source = Source.ID(ServicePlace.source), let secret = Secret(place.secret) else {
            preconditionFailure("the bench names them itself")
        }
        let maker = Maker(
            source: Source(
                id: source, kind: .claudeCode(.sessionExited), verifier: Verifier(scheme: .hub, secrets: [secret])),
            form: SignedRequestForm(host: "", source: ServicePlace.source, secret: place.secret))
        let store: SQLiteEventStore
        do {
            store = try await SQLiteEventStore.open(
                .init(path: place.database, sources: [source]), doorbell: Doorbell(), clock: { .now() },
                logger: Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        } catch let refusal as StartRefusal {
            throw CommandFailure(refusal)
        }
        do {
            try await append(count, maker, to: store)
        } catch {
            await store.close()
            guard let failure = error as? StoreFailure else { throw error }
            throw CommandFailure(
                message: "cannot fill the database: \(failure.explanation)",
                mend: "Make room there, or name another --directory; an event takes some 1.5 KiB.")
        }
        await store.close()
    }

    private func append(_ count: Int, _ maker: Maker, to store: SQLiteEventStore) async throws {
        var bodies = SessionBodies()
        // One group is made while the one before it is stored.
        var storing: Task<Void, any Error>?
        for first in stride(from: 0, to: count, by: Self.groupEvents) {
            let events = try maker.make(min(Self.groupEvents, count - first), of: &bodies)
            try await storing?.value
            progress.show(first, of: count)
            storing = Task { _ = try await store.append(events) }
        }
        try await storing?.value
    }

    /// Makes events of bodies.
    private struct Maker: Sendable {
        let source: Source
        let form: SignedRequestForm
        let ids = EventIDGenerator(now: { .now() }, after: nil)

        func make(_ count: Int, of bodies: inout SessionBodies) throws -> [NewEvent] {
            try (0..<count).map { _ in
                let body = bodies.next()
                let headers = Headers(signature: "sha256=" + String(decoding: form.signature(of: body), as: UTF8.self))
                let request = Request(body: body, headers: headers, receivedAt: .now())
                return try source.normalise(try source.verifier.verify(request), id: ids.next())
            }
        }
    }

    /// The headers of a sender that the service would keep.
    private struct Headers: HeaderLookup {
        let signature: String

        func values(of name: String) -> [String] {
            switch name {
            case "x-hub-signature-256": [signature]
            case "content-type": ["application/json"]
            default: []
            }
        }
    }
}
