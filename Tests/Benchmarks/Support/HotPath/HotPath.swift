package import EventQueue
import EventQueueSQLite
import Foundation
import Logging

/// The steps of a request on its way into the store, each to be measured by itself: what benchmarks and a profiler
/// run.
///
/// Bodies are all different and have about 300 bytes, as a session's report has: a store that knows its deliveries
/// answers repeats several times faster.
package struct HotPath {
    /// A step, by the name under which it is measured.
    package enum Step: String, CaseIterable, Sendable {
        /// The one pass that checks a body and finds its members.
        case scan
        /// Whether the sender holds the secret, what it calls the delivery, and the headers that are kept.
        case verify
        /// The envelope of a session's end in the seed's format.
        case session
        /// The envelope of a generic webhook.
        case webhook
        /// All that happens before the store: ``verify`` and ``session``.
        case receive
    }

    private let requests: [Request]
    private let verified: [VerifiedRequest]
    private let session: Source
    private let webhook: Source
    private let ids: EventIDGenerator

    /// - Parameter count: How many requests there are to be measured, one after the other.
    package init(count: Int) throws {
        guard let secret = Secret("a secret of the usual length, as they are generated"),
            let sessionID = Source.ID("claude-code"), let webhookID = Source.ID("deploys")
        else { throw Unusable() }
        let verifier = Verifier(scheme: .hub, secrets: [secret])
        session = Source(id: sessionID, kind: .claudeCode(.sessionExited), verifier: verifier)
        webhook = Source(id: webhookID, kind: .webhook(eventTypeField: ["hook_type"]), verifier: verifier)
        let time = Timestamp(milliseconds: 1_764_000_000_000)
        requests = (0..<count).map { number in
            let body = Array(Self.body(number).utf8)
            let proof = Verifier.Scheme.hub.proof(of: body, by: secret, id: "", at: time)
            return Request(body: body, headers: ArrivedHeaders(proof), receivedAt: time)
        }
        verified = try requests.map { try verifier.verify($0) }
        ids = EventIDGenerator(now: Timestamp.now, after: nil)
    }

    /// Does `step` once for each request and returns a sum, so that no compiler finds it useless.
    package func run(_ step: Step) throws -> Int {
        switch step {
        case .scan: try requests.reduce(0) { try $0 + JSONText($1.body).members.count }
        case .verify: try requests.reduce(0) { try $0 + session.verifier.verify($1).headersJSON.utf8.count }
        case .session: try verified.reduce(0) { try $0 + event(of: session, $1).envelope.count }
        case .webhook: try verified.reduce(0) { try $0 + event(of: webhook, $1).envelope.count }
        case .receive: try events().count
        }
    }

    /// What the requests become.
    package func events() throws -> [NewEvent] {
        try requests.map { try event(of: session, session.verifier.verify($0)) }
    }

    private func event(of source: Source, _ request: VerifiedRequest) throws -> NewEvent {
        guard let event = try source.normaliseAll(request, nextID: ids.next).first else { throw Unusable() }
        return event
    }

    private static func body(_ number: Int) -> String {
        """
        {"session_id":"sess-\(number)-3f1a9c5d7b2e","working_directory":"/home/user/projects/my-project",\
        "duration_seconds":\(number % 5000),"exit_status":0,"summary":"Implemented the auth module, added tests for \
        the token refresh and fixed the flaky login test (\(number))","hook_type":"stop",\
        "transcript_path":"/home/user/.claude/transcripts/\(number).jsonl"}
        """
    }
}

/// Nothing can be measured: a name is not one, or a request is no event.
package struct Unusable: Error {
    package init() {}
}

/// The headers of a request as a client sends them, looked up as the receiver looks up its own.
struct ArrivedHeaders: HeaderLookup {
    private let fields: [(name: String, value: String)]
    let namesFromAfar: HeaderNames

    init(_ proof: [ProofHeader]) {
        fields =
            [
                ("host", "127.0.0.1:4810"), ("user-agent", "curl/8.5.0"), ("accept", "*/*"),
                ("content-type", "application/json"), ("content-length", "318"),
            ] + proof.map { ($0.name.lowercased(), $0.value) }
        namesFromAfar = fields.reduce(into: HeaderNames.none) { $0.insert(HeaderNames($1.name)) }
    }

    var names: [String] { fields.map(\.name) }

    func values(of name: String) -> [String] {
        guard namesFromAfar.mayHave(HeaderNames(name)) else { return [] }
        var values: [String] = []
        for field in fields where field.name == name { values.append(field.value) }
        return values
    }

    func value(of name: String) -> HeaderValue {
        guard namesFromAfar.mayHave(HeaderNames(name)) else { return .none }
        var found: String?
        for field in fields where field.name == name {
            if found != nil { return .several(values(of: name)) }
            found = field.value
        }
        guard let found else { return .none }
        return .one(found)
    }
}
