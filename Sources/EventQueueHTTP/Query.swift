import EventQueue

/// The parameters behind the `?` of a request target.
struct Query: Sendable, Equatable {
    private let items: [String: String]
    private let isBroken: Bool

    init(_ text: some StringProtocol) {
        var items: [String: String] = [:]
        var isBroken = false
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(pair[0]), let value = Self.decoded(pair.count > 1 ? pair[1] : ""),
                items[name] == nil
            else {
                isBroken = true
                continue
            }
            items[name] = value
        }
        self.items = items
        self.isBroken = isBroken
    }

    /// Refuses a parameter that is not one of `names`: a misspelt filter would list everything.
    func check(_ names: Set<String>) throws(BadRequest) {
        if isBroken { throw BadRequest(detail: "The query is not well-formed, or has a parameter twice.") }
        guard let unknown = items.keys.first(where: { !names.contains($0) }) else { return }
        throw BadRequest(
            detail: "Unknown parameter `\(unknown.prefix(64))`; there may be: "
                + names.sorted().joined(separator: ", "))
    }

    /// The value as `parse` reads it; `nil` when it is not given.
    func value<Value>(_ name: String, _ allowed: String, _ parse: (String) -> Value?) throws(BadRequest) -> Value? {
        guard let text = items[name] else { return nil }
        guard let value = parse(text) else { throw BadRequest(detail: "`\(name)` is \(allowed).") }
        return value
    }

    /// A number of rows.
    func limit() throws(BadRequest) -> Int {
        try value("limit", "1 to \(Limits.pageRowsMax)") { text in
            Int(text).flatMap { (1...Limits.pageRowsMax).contains($0) ? $0 : nil }
        } ?? Limits.pageRowsDefault
    }

    /// Undoes percent-encoding; `nil` for what is not well-formed.
    private static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                guard digits.utf8.count == 2, let value = EventQueue.bytes(hexadecimal: digits)?.first else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
