import EventQueue
import EventQueueHTTP
import Foundation

/// The running service as the verbs call it; what goes wrong comes with what mends it.
struct ServiceConnection {
    /// An answer to a call.
    struct Reply {
        let status: Int
        let body: [UInt8]
    }

    private let client: QueueClient

    /// A batch of large events over a slow network, beyond what the service itself may wait.
    private static let timeout: Duration = Limits.pollWaitMax + .seconds(30)

    init(url: String, token: String?) throws {
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
        try await send(
            "POST", "/v1/consumers/\(cursor.consumer)/sources/\(cursor.source)/\(call)",
            headers: [("Content-Type", "application/json")], body: Array(body.utf8))
    }

    func get(_ path: String) async throws -> Reply { try await send("GET", path) }

    /// Hands over lines of events that were stored elsewhere before.
    func importLines(_ lines: [UInt8]) async throws -> Reply {
        try await send(
            "POST", "/v1/import", headers: [("Content-Type", "application/x-ndjson")], body: lines)
    }

    /// What a source's sender does.
    func send(
        _ body: [UInt8], to source: Source.ID, idempotencyKey: String, signature: String?
    ) async throws -> Reply {
        var headers = [("Content-Type", "application/json"), ("Idempotency-Key", idempotencyKey)]
        if let signature { headers.append(("X-Hub-Signature-256", signature)) }
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

extension ServiceConnection.Reply {
    /// A problem as the consumer API reports it (RFC 9457).
    private struct Problem: Decodable {
        let title: String?
        let detail: String?
        let error: String?
    }

    /// - Throws: ``CommandFailure`` with the service's own words for every answer but 200.
    func requireSuccess() throws {
        guard status != 200 else { return }
        let problem = try? JSONDecoder().decode(Problem.self, from: Data(body))
        let code = problem?.error ?? "status \(status)"
        throw CommandFailure(
            message: "\(problem?.title ?? "the service refused") (\(code))",
            mend: mend(for: code) ?? problem?.detail ?? "Check that --url names an orgloop-queue service.")
    }

    private func mend(for code: String) -> String? {
        if status == 401 || status == 403 {
            return "Give it the service's token: --token-file or ORGLOOP_QUEUE_TOKEN. It is the file 'token' "
                + "beside the service's database."
        }
        if code == ProtocolRefusal.sessionRequired.code {
            return "An engine reads this source in a session. Read beside it with --consumer NAME."
        }
        return nil
    }
}
