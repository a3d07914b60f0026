import NIOHTTP1

/// A head behind which nothing is looked at: the end of its request, or its meaning, is not the same to everybody.
///
/// What two programs in a row read differently is how a request is smuggled past the first of them (RFC 9112,
/// section 11.2). So each of these answers is the last one of its connection.
enum BadHead {
    /// What a head is refused with that the parser understood; `nil` for one that may come in.
    static func refusal(of head: HTTPRequestHead, _ headers: RequestFields) -> Answer? {
        // As it was sent, with what is around it: others may not read over that.
        let codings = headers.mayHave("transfer-encoding") ? head.headers["transfer-encoding"] : []
        if !head.uri.hasPrefix("/") {
            // A target with a host in it says twice for whom it is, and only one of the two is checked.
            return refused(400, "Bad request target", "Send a path that begins with a slash, and the host in Host.")
        }
        if !codings.isEmpty, head.version == .http1_0 {
            return refused(400, "Bad request", "HTTP/1.0 has no Transfer-Encoding: send Content-Length.")
        }
        if !codings.isEmpty, codings.map({ $0.lowercased() }) != ["chunked"] {
            return refused(
                501, "Unsupported Transfer-Encoding", "Send the body as it is, with its length or in chunks.")
        }
        return nil
    }

    /// What is answered to bytes that the parser did not understand; `nil` for a peer that only went away.
    static func refusal(parsing error: any Error) -> Answer? {
        switch error as? HTTPParserError {
        case nil, .invalidEOFState:
            nil
        case .headerOverflow:
            refused(
                431, "Request head too large",
                "`limits.header_bytes_max` and `limits.header_fields_max` set how large it may be."
            ).because(.headerTooLarge)
        case .invalidVersion:
            refused(505, "Unsupported HTTP version", "This service speaks HTTP/1.1, whose lines end with CR LF.")
        default:
            refused(400, "Bad request", "These bytes are no request (RFC 9112).")
        }
    }

    private static func refused(_ status: Int, _ error: String, _ detail: String) -> Answer {
        .json(status, ["error": .text(error), "detail": .text(detail)]).because(.malformed)
    }
}

/// The length of a body as its head says it.
enum DeclaredLength {
    /// How many bytes `text` says, which the parser has found to be digits: a number too large for an `Int` is
    /// larger than every limit.
    static func bytes(_ text: String) -> Int { Int(text) ?? .max }
}
