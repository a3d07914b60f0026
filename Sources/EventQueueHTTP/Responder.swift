import EventQueue
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A request's connection, which is all that the responder needs beside the request.
struct ConnectionContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
    }
}

/// Looks headers up in Hummingbird's collection.
struct FieldLookup: HeaderLookup {
    let fields: HTTPFields

    func values(of name: String) -> [String] {
        HTTPField.Name(name).map { fields[values: $0] } ?? []
    }

    var names: [String] { fields.map(\.name.canonicalName) }
}

/// Leads each request but a sender's to what answers it, in one order for all: browser gate, method, token, body.
///
/// It routes by itself because the order of the checks and the exact 405s are part of the contract, and a
/// router decides before its middleware is asked. What senders ask does not come here: see ``WebhookHandler``.
struct Responder: HTTPResponder {
    typealias Context = ConnectionContext

    let gate: Gate
    let settings: Current<Limits.Settings>
    let api: ConsumerAPI
    let token: AccessToken
    /// What `/ready` tells.
    let readiness: SharedReading<Health.State>
    let metrics: Metrics
    let connections: Connections
    let budget: ByteBudget
    /// What `/metrics` tells, for those who present no token.
    let exposition: SharedReading<String>

    func respond(to request: Hummingbird.Request, context: ConnectionContext) async throws -> Response {
        let route = Route(target: request.head.path ?? "")
        let answer = try await answer(route, request, context)
        metrics.answered(route, answer)
        return response(answer, to: request)
    }

    private func answer(
        _ route: Route, _ request: Hummingbird.Request, _ context: ConnectionContext
    ) async throws -> Answer {
        let headers = FieldLookup(fields: request.headers)
        let hosts = [request.head.authority].compactMap(\.self) + headers.values(of: "host")
        let hasOrigin = !headers.values(of: "origin").isEmpty
        if let refusal = gate.refusal(hosts: hosts, hasOrigin: hasOrigin) { return refusal.unread(headers) }
        if let refusal = refusal(of: route, method: request.method.rawValue, headers) {
            return refusal.unread(headers)
        }
        switch route {
        case .health: return Answer.json(200, ["status": "ok"]).unread(headers)
        case .ready: return try await toldReadiness().unread(headers)
        case .metrics: return try await toldMetrics().unread(headers)
        case .cursor, .importLines, .prune, .reload, .dropConsumer, .retry, .discard:
            return try await call(route, headers, request.body, context)
        case .replays where request.method == .post: return try await call(route, headers, request.body, context)
        default: return await api.look(route).unread(headers)
        }
    }

    private func refusal(of route: Route, method: String, _ headers: FieldLookup) -> Answer? {
        if route.needsToken, !presentsToken(headers) {
            return .problem(
                401, "unauthorized", title: "The bearer token is missing or wrong.",
                detail: "Send `Authorization: Bearer …` with the token of the service's token file."
            ).with("WWW-Authenticate", "Bearer").because(.unauthorized)
        }
        guard !route.methods.isEmpty else { return ConsumerAPI.notFound }
        guard route.methods.contains(method) else {
            let allowed = route.methods.joined(separator: ", ")
            return .problem(
                405, "method_not_allowed", title: "Method not allowed.", detail: "Use \(allowed)."
            )
            .with("Allow", allowed)
        }
        guard let encoding = headers.contentCoding else { return nil }
        return .problem(
            415, "content_encoding", title: "The body is encoded: \(encoding).",
            detail: "Send it as it is, without Content-Encoding."
        ).because(.contentEncoding)
    }

    private func presentsToken(_ headers: FieldLookup) -> Bool {
        let presented = headers.values(of: "authorization")
        return presented.count == 1 && presented.allSatisfy(token.isPresented(by:))
    }

    private func call(
        _ route: Route, _ headers: FieldLookup, _ body: RequestBody, _ context: ConnectionContext
    ) async throws -> Answer {
        let max = route == .importLines ? settings.value.importBytesMax : ConsumerAPI.bodyBytesMax
        return try await reading(body, headers, bytesMax: max) { bytes in
            guard case .cursor(_, _, .poll) = route else { return await api.answer(route, body: bytes) }
            // Only a wait is worth cancelling: everything else is done before its caller could be gone.
            return await connections.whileOpen(context.channel) { await api.answer(route, body: bytes) }
        } orElse: { failure in
            switch failure {
            case .tooLarge:
                .problem(
                    413, "too_large", title: "The body is too large.",
                    detail: "Send at most \(max) bytes."
                ).because(.bodyTooLarge)
            case .tooSlow:
                .problem(
                    408, "timeout", title: "The body did not arrive in time.", detail: "Send it at once."
                ).because(.bodyTimeout)
            case .noRoom:
                .problem(503, "busy", title: "Too many requests at once.", detail: "Try again.")
                    .with("Retry-After", "1").because(.inFlightBytes)
            case .broken: .brokenBody
            }
        }
    }

    /// Reads the body within its bounds and holds its share of the memory until it is answered.
    private func reading(
        _ stream: RequestBody, _ headers: FieldLookup, bytesMax: Int, _ work: ([UInt8]) async -> Answer,
        orElse refuse: (IncomingBody.Failure) -> Answer
    ) async throws -> Answer {
        do {
            var body = try IncomingBody(headers, bytesMax: bytesMax, budget: budget)
            defer { body.release() }
            for try await part in stream { try body.take(part) }
            // A connection that is cut ends the body as its last byte would: half a body is not a body.
            try Task.checkCancellation()
            try body.end()
            return await work(body.bytes)
        } catch let failure as IncomingBody.Failure {
            return refuse(failure).closing()
        } catch is BodyTimeout {
            return refuse(.tooSlow).closing()
        } catch is HTTPParserError {
            return refuse(.broken).closing()
        }
    }

    private func toldReadiness() async throws -> Answer {
        switch try await readiness.next().value {
        case .ready: .json(200, ["status": "ready"])
        case .notReady(let reason): .json(503, ["status": "not ready", "reason": .text(reason)])
        }
    }

    private func toldMetrics() async throws -> Answer {
        let text = try await exposition.next().value
        let field = Answer.Field(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")
        return Answer(status: 200, fields: [field], body: Array(text.utf8))
    }

    private func response(_ answer: Answer, to request: Hummingbird.Request) -> Response {
        var fields = HTTPFields()
        for field in answer.fields {
            if let name = HTTPField.Name(field.name) {
                fields.append(HTTPField(name: name, value: field.value))
            }
        }
        if answer.closes { fields[.connection] = "close" }
        let response = Response(
            status: .init(code: answer.status), headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
        return request.method == .head ? response.createHeadResponse() : response
    }
}
