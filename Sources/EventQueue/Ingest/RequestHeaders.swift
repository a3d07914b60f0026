/// The sender's delivery id, which makes a delivery that is sent twice one event.
enum IdempotencyKey {
    static let header = "idempotency-key"

    /// The key of a request; `nil` when it has none or an empty one.
    ///
    /// A key that is too long for an index is replaced by its hash: equal keys stay equal.
    static func read(from headers: some HeaderLookup) -> String? {
        switch headers.value(of: header) {
        case .none: nil
        case .one(let value): bounded(value)
        case .several(let values): bounded(values.filter { !$0.isEmpty }.joined(separator: ", "))
        }
    }

    /// A key as it is stored; `nil` for an empty one.
    ///
    /// A key from within a body may have a zero byte, behind which neither SQLite's shell nor a look-up reads on.
    static func bounded(_ key: String) -> String? {
        guard !key.isEmpty else { return nil }
        if key.utf8.count <= Limits.idempotencyKeyLengthMax, !key.utf8.contains(0) { return key }
        return "sha256:\(Fingerprint(of: Array(key.utf8)))"
    }
}

/// The headers that are stored with a request.
///
/// What is needed to verify it again or to understand it, and nothing else: `authorization` and `cookie`
/// carry credentials, which must not rest in a database.
enum AuditedHeaders {
    static let names = [
        "content-type", "user-agent", IdempotencyKey.header,
        "x-hub-signature-256", "x-signature",
        "x-github-event", "x-github-delivery",
        "webhook-id", "webhook-timestamp", "webhook-signature",
        "svix-id", "svix-timestamp", "svix-signature",
        "linear-signature", "linear-delivery", "linear-event",
        "stripe-signature",
        "x-slack-signature", "x-slack-request-timestamp",
        "ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time",
    ]
    /// Those names as a request is asked for them and as they are written.
    private static let audited = names.map { (member: JSONName($0), fromAfar: HeaderNames($0)) }
    /// A CloudEvent's attributes are part of it, whatever its sender calls them.
    private static let attributePrefix = "ce-"

    /// A JSON object: a string for each header that is there, an array of strings for a repeated one.
    static func json(_ headers: some HeaderLookup) -> String {
        var json = JSONBytes(capacity: 256)
        var separator: StaticString = "{"
        func append(_ name: JSONName) {
            func begin() {
                json.literal(separator)
                separator = ","
                json.name(name)
            }
            switch headers.value(of: name.text) {
            case .none: break
            case .one(let value):
                begin()
                json.string(value)
            case .several(let values):
                begin()
                json.array(values) { $0.string($1) }
            }
        }
        let given = headers.namesFromAfar
        for name in audited where given.mayHave(name.fromAfar) { append(name.member) }
        for name in attributes(headers) { append(JSONName(name)) }
        if json.bytes.isEmpty { json.literal("{") }
        json.literal("}")
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// What a CloudEvent has beside the attributes that every one may have; of most requests only one name is
    /// looked up.
    private static func attributes(_ headers: some HeaderLookup) -> [String] {
        guard !headers.values(of: "ce-specversion").isEmpty else { return [] }
        let given = Set(headers.names.map { $0.lowercased() }.filter { $0.hasPrefix(attributePrefix) })
        return given.subtracting(names).sorted()
    }
}
