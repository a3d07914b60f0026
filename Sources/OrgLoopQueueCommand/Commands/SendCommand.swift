import ArgumentParser
import EventQueue
import Foundation

/// Sends an event as the source's sender would: signed, with an idempotency key.
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Sends an event to the queue, signed like its sender.",
        discussion: """
            Without --body it makes an example with a fresh session id. Every request has an idempotency key \
            of its own unless --idempotency-key gives one.

            EXAMPLE
              orgloop-queue send claude-code
              orgloop-queue send claude-code --body session.json --idempotency-key delivery-1
            """)

    @Argument(help: "The source to send to.")
    var source: String

    @Option(help: "File with the body to send as it is; - reads standard input.")
    var body: String?

    @Option(
        help: "A further header, like 'X-GitHub-Event: push'; repeatable.",
        transform: { try HeaderArgument.parse($0) })
    var header: [HeaderArgument] = []

    @Option(help: "The delivery's id; sending one twice stores one event.")
    var idempotencyKey: String?

    @Option(help: "How many requests to send.")
    var count = 1

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print one JSON object a request: status, idempotency key and answer.")
    var json = false

    func validate() throws {
        _ = try CursorArguments.sourceID(source)
        guard count >= 1 else { throw ValidationError("--count is at least 1.") }
        if count > 1, idempotencyKey != nil {
            throw ValidationError("--idempotency-key names one delivery; it cannot have a --count.")
        }
    }

    mutating func run() async throws {
        try await options.withService { try await send($0, $1) }
    }

    private func send(_ service: ServiceConnection, _ configuration: ServiceConfiguration) async throws {
        let id = try CursorArguments.sourceID(source)
        // A source that only the service's own configuration knows is sent to unsigned.
        let configured = configuration.sources.first { $0.id == id }
        let given = try body.map { try Self.read($0) }
        var progress = Progress("sending", total: count)
        defer { progress.end() }
        for number in 1...count {
            let content = given ?? Array(ExampleEvent.body(for: configured?.kind).utf8)
            let key = idempotencyKey ?? UUID().uuidString.lowercased()
            let reply = try await service.send(
                content, to: id, idempotencyKey: key,
                proof: configured?.verification.proof(of: content, id: key) ?? [],
                headers: header.isEmpty ? ExampleEvent.headers(for: configured?.kind) : header.map(\.pair))
            try show(reply, key: key)
            progress.show(number)
        }
    }

    private func show(_ reply: ServiceConnection.Reply, key: String) throws {
        let answer = String(decoding: reply.body, as: UTF8.self)
        guard reply.status == 200 else {
            throw CommandFailure(
                message: "the service answered \(reply.status): \(answer)", mend: Self.mend(for: reply.status)
            )
        }
        // Progress has the terminal's line; a thousand answers would push it away.
        if count > 1, !json, StandardStream.error.isTerminal { return }
        let line =
            json
            ? JSONOutput.object([
                ("status", "\(reply.status)"), ("idempotency_key", JSONOutput.quoted(key)),
                ("answer", answer.isEmpty ? "null" : answer),
            ]) : answer
        try StandardStream.output.write(line: line)
    }

    private static func mend(for status: Int) -> String {
        switch status {
        case 401:
            "Sign with a secret that the service knows: give this command its configuration (--config), have a changed "
                + "one read again (orgloop-queue config reload), or set CLAUDE_CODE_WEBHOOK_SECRET where there is no file."
        case 404: "Name a source of the configuration: orgloop-queue status lists them."
        case 422: "Use a new idempotency key for a new event."
        case 503: "Nothing was acknowledged; send it again with the same idempotency key."
        default: ""
        }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
        guard let handle, let data = try? handle.readToEnd() ?? Data() else {
            throw CommandFailure(message: "cannot read \(path)", mend: "Name a readable file with --body.")
        }
        return Array(data)
    }
}

/// What `send` sends when it is given nothing.
enum ExampleEvent {
    static func body(for kind: Source.Kind?) -> String {
        switch kind {
        case .webhook(let path): webhook(path)
        case .github: #"{"zen":"Keep it logically awesome.","hook_id":1}"#
        case .linear: #"{"type":"Issue","action":"create","data":{"identifier":"EX-1","title":"An example"}}"#
        case .orgLoopEvent: orgLoopEvent()
        case .cloudEvents: #"{"example":true}"#
        case .session, nil: session()
        }
    }

    /// What says beside the body what it is.
    static func headers(for kind: Source.Kind?) -> [(name: String, value: String)] {
        switch kind {
        case .github: [("X-GitHub-Event", "ping")]
        case .cloudEvents:
            [
                ("ce-specversion", "1.0"), ("ce-id", UUID().uuidString.lowercased()),
                ("ce-source", "/orgloop-queue"), ("ce-type", "orgloop-queue.example"),
            ]
        default: []
        }
    }

    private static func orgLoopEvent() -> String {
        JSONOutput.object([
            ("id", JSONOutput.quoted("evt_" + UUID().uuidString.lowercased().filter { $0 != "-" })),
            ("type", JSONOutput.quoted("resource.changed")),
            ("provenance", #"{"platform":"orgloop-queue","platform_event":"orgloop-queue.example"}"#),
            ("payload", "{}"),
        ])
    }

    private static func session() -> String {
        JSONOutput.object([
            ("session_id", JSONOutput.quoted("sess-" + UUID().uuidString.lowercased())),
            ("working_directory", JSONOutput.quoted("/home/user/my-project")),
            ("duration_seconds", "120"), ("exit_status", "0"),
            ("summary", JSONOutput.quoted("Implemented auth module and added tests")),
        ])
    }

    private static func webhook(_ path: [String]) -> String {
        let type = path.dropFirst().reversed().reduce(JSONOutput.quoted("orgloop-queue.example")) {
            JSONOutput.object([($1, $0)])
        }
        let id = path.first == "delivery" ? "example" : "delivery"
        return JSONOutput.object([
            (path.first ?? "type", type), (id, JSONOutput.quoted(UUID().uuidString.lowercased())),
        ])
    }
}
