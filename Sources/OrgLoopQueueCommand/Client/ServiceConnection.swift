import EventQueue
import EventQueueHTTP

/// The running service as the verbs call it; what goes wrong comes with what mends it.
struct ServiceConnection {
    private let client: QueueClient
    /// Whether this process is the service, because no other runs.
    let isStandIn: Bool

    /// A service that does not say within this time that it is alive will not carry out a verb either.
    private static let healthTimeout: Duration = .seconds(3)
    /// A batch of large events over a slow network, beyond what the service itself may wait.
    private static let timeout: Duration = Limits.pollWaitMax + .seconds(30)

    init(url: String, token: String?, isStandIn: Bool = false) throws {
        self.isStandIn = isStandIn
        let access = try token.map { text in
            guard let access = AccessToken(text) else {
                throw CommandFailure(
                    message: "the token is not one: it has characters that no header can carry",
                    mend: "Take the content of the token file beside the service's database.")
            }
            return access
        }
        do {
            client = try QueueClient(url: url, token: access)
        } catch {
            throw CommandFailure(message: "\(error)", mend: "Name it with --url, like http://127.0.0.1:4810.")
        }
    }

    /// A call of the consumer API on one cursor.
    func post(_ cursor: Cursor.Key, _ call: String, body: String) async throws -> Reply {
        try await post("/v1/consumers/\(cursor.consumer)/sources/\(cursor.source)/\(call)", body: body)
    }

    /// - Parameter query: Members of a URL query; those without a value are left out. Names, ids and times have
    ///   no character that would have to be escaped.
    func get(_ path: String, _ query: [(name: String, value: String?)] = []) async throws -> Reply {
        let members = query.compactMap { member in member.value.map { "\(member.name)=\($0)" } }
        return try await send("GET", members.isEmpty ? path : path + "?" + members.joined(separator: "&"))
    }

    /// A call of the consumer API that is about no one cursor.
    func post(_ path: String, body: String) async throws -> Reply {
        try await send(
            "POST", path, headers: [("Content-Type", "application/json")], body: Array(body.utf8))
    }

    /// Whether a service is alive there.
    func answers() async -> Bool {
        let reply = try? await client.send("GET", "/health", timeout: Self.healthTimeout)
        return reply?.status == 200
    }

    /// Hands over lines of events that were stored elsewhere before.
    func importLines(_ lines: [UInt8]) async throws -> Reply {
        try await send(
            "POST", "/v1/import", headers: [("Content-Type", "application/x-ndjson")], body: lines)
    }

    /// What a source's sender does.
    ///
    /// - Parameter proof: The headers that the source's scheme asks for.
    func send(
        _ body: [UInt8], to source: Source.ID, idempotencyKey: String, proof: [ProofHeader],
        headers more: [(name: String, value: String)]
    ) async throws -> Reply {
        let standard = [("Content-Type", "application/json"), ("Idempotency-Key", idempotencyKey)]
        let named = Set(more.map { $0.name.lowercased() })
        let headers =
            standard.filter { !named.contains($0.0.lowercased()) } + proof.map { ($0.name, $0.value) }
            + more.map { ($0.name, $0.value) }
        return try await send("POST", "/webhook/\(source)", headers: headers, body: body)
    }

    private func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) async throws -> Reply {
        do throws(QueueClient.Failure) {
            let reply = try await client.send(
                method, path, headers: headers.map { (name: $0.0, value: $0.1) }, body: body,
                timeout: Self.timeout)
            return Reply(status: reply.status, body: reply.body)
        } catch .unreachable(let url) {
            throw CommandFailure(
                message: "the service is not running at \(url)",
                mend: "Start it with: orgloop-queue serve. If it listens elsewhere, name it with --url.")
        } catch {
            throw CommandFailure(message: "\(error)", mend: "Check --url and the log of the service.")
        }
    }
}
