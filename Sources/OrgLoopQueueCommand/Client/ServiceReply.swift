import EventQueue
import Foundation

extension ServiceConnection {
    /// An answer to a call.
    struct Reply {
        let status: Int
        let body: [UInt8]
    }
}

extension ServiceConnection.Reply {
    /// A problem as the consumer API reports it (RFC 9457).
    private struct Problem: Decodable {
        let title: String?
        let detail: String?
        let error: String?
    }

    /// The body as text, as `--json` prints it.
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The stable code of a refusal; `nil` for every other answer.
    var code: String? { problem?.error }

    /// - Throws: ``CommandFailure`` with the service's own words for every answer but 200.
    func requireSuccess() throws {
        guard status != 200 else { return }
        throw failure
    }

    /// What a refusal says, and what mends it.
    var failure: CommandFailure {
        let problem = problem
        let code = problem?.error ?? "status \(status)"
        return CommandFailure(
            message: "\(problem?.title ?? "the service refused") (\(code))",
            mend: mend(for: code) ?? problem?.detail ?? "Check that --url names an orgloop-queue service.")
    }

    /// Reads the answer to a call that succeeded; names with underscores become those of Swift.
    ///
    /// - Throws: ``CommandFailure`` as ``requireSuccess()`` does, and for a form that is not known.
    func decoded<Content: Decodable>(_ type: Content.Type = Content.self) throws -> Content {
        try requireSuccess()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let content = try? decoder.decode(type, from: Data(body)) else {
            throw CommandFailure(
                message: "the service's answer has a form that this version does not know",
                mend: "Use the orgloop-queue of the running service, or --json.")
        }
        return content
    }

    private var problem: Problem? {
        status == 200 ? nil : try? JSONDecoder().decode(Problem.self, from: Data(body))
    }

    private func mend(for code: String) -> String? {
        if status == 401 || status == 403 {
            return "Give it the service's token: --token-file or ORGLOOP_QUEUE_TOKEN. It is the file 'token' "
                + "beside the service's database."
        }
        switch code {
        case ProtocolRefusal.sessionRequired.code:
            return "An engine reads this source in a session. Read beside it with --consumer NAME."
        case "no_retention":
            return "Say how long to keep events: 'retention: { keep: 30d }' in the configuration of the service, "
                + "or --keep, --thin or --bytes-max."
        default: return nil
        }
    }
}
