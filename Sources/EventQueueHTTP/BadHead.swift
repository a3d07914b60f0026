import NIOHTTP1

/// A head behind which nothing is looked at: the end of its request, or its meaning, is not the same to everybody.
///
/// What two programs in a row read differently is how a request is smuggled past the first of them (RFC 9112,
/// section 11.2). So the answer is the last one of the connection.
struct BadHead {
    /// What it is counted as.
    let reason: Refusal
    private let status: HTTPResponseStatus
    private let error: String
    private let detail: String

    /// Judges a head that the parser understood.
    init?(_ head: HTTPRequestHead) {
        let codings = head.headers["transfer-encoding"]
        if !head.uri.hasPrefix("/") {
            // A target with a host in it says twice for whom it is, and only one of the two is checked.
            self.init(.badRequest, "Bad request target", "Send a path that begins with a slash, and the host in Host.")
        } else if !codings.isEmpty, head.version == .http1_0 {
            self.init(.badRequest, "Bad request", "HTTP/1.0 has no Transfer-Encoding: send Content-Length.")
        } else if !codings.isEmpty, codings.map({ $0.lowercased() }) != ["chunked"] {
            self.init(
                .notImplemented, "Unsupported Transfer-Encoding",
                "Send the body as it is, with its length or in chunks.")
        } else {
            return nil
        }
    }

    /// Judges what the parser did not understand; `nil` for a peer that only went away.
    init?(parsing error: any Error) {
        switch error as? HTTPParserError {
        case nil, .invalidEOFState:
            return nil
        case .headerOverflow:
            self.init(
                .requestHeaderFieldsTooLarge, "Request head too large",
                "`limits.header_bytes_max` and `limits.header_fields_max` set how large it may be.",
                reason: .headerTooLarge)
        case .invalidVersion:
            self.init(.httpVersionNotSupported, "Unsupported HTTP version", "This service speaks HTTP/1.1.")
        default:
            self.init(.badRequest, "Bad request", "These bytes are no request (RFC 9112).")
        }
    }

    private init(_ status: HTTPResponseStatus, _ error: String, _ detail: String, reason: Refusal = .malformed) {
        (self.status, self.error, self.detail, self.reason) = (status, error, detail, reason)
    }

    var body: [UInt8] { JSON.object([("error", .text(error)), ("detail", .text(detail))]).bytes }

    var head: HTTPResponseHead {
        HTTPResponseHead(
            version: .http1_1, status: status,
            headers: [
                "Content-Type": "application/json", "Content-Length": "\(body.count)", "Connection": "close",
            ])
    }
}

/// The length of a body as its head says it.
enum DeclaredLength {
    /// How many bytes `text` says, which the parser has found to be digits: a number too large for an `Int` is
    /// larger than every limit.
    static func bytes(_ text: String) -> Int { Int(text) ?? .max }
}
