/// What a request is answered, in terms of no library.
struct Answer: Sendable {
    /// A header field.
    struct Field: Sendable {
        let name: String
        let value: String
    }

    let status: Int
    var fields: [Field]
    var body: [UInt8]
    /// Whether the connection ends with it, because the rest of the request is not going to be read.
    var closes = false
    /// Why it turns the request away, if it does.
    var refusal: Refusal?

    init(status: Int, fields: [Field] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    static func json(_ status: Int, _ body: JSON) -> Answer {
        Answer(
            status: status, fields: [Field(name: "Content-Type", value: "application/json")], body: body.bytes
        )
    }

    /// An answer of the consumer API to a call it does not carry out (RFC 9457).
    ///
    /// - Parameter code: The stable name of what went wrong.
    /// - Parameter detail: What the caller can do about it.
    /// - Parameter more: Members beside the standard ones.
    static func problem(
        _ status: Int, _ code: String, title: String, detail: String, more: [(name: String, value: JSON)] = []
    ) -> Answer {
        let members: [(name: String, value: JSON)] = [
            ("type", "about:blank"), ("title", .text(title)), ("status", .integer(status)),
            ("detail", .text(detail)), ("error", .text(code)),
        ]
        return Answer(
            status: status, fields: [Field(name: "Content-Type", value: "application/problem+json")],
            body: JSON.object(members + more).bytes)
    }

    static func badRequest(_ detail: String) -> Answer {
        problem(400, "bad_request", title: "The request is not what this call takes.", detail: detail)
    }

    /// The answer with one more header field.
    func with(_ name: String, _ value: String) -> Answer {
        var answer = self
        answer.fields.append(Field(name: name, value: value))
        return answer
    }

    /// The answer, counted as a refusal.
    func because(_ refusal: Refusal) -> Answer {
        var answer = self
        answer.refusal = refusal
        return answer
    }

    /// The answer after which the connection is closed.
    func closing() -> Answer {
        var answer = self
        answer.closes = true
        return answer
    }
}
