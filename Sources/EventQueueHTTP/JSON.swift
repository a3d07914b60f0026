import EventQueue

/// An answer's JSON, written in the order it was put together: the receiver's bodies are a contract to
/// the byte, and stored envelopes are passed on without being read.
enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case text(String)
    case list([JSON])
    case object([(name: String, value: JSON)])
    /// Bytes that are JSON already.
    case stored([UInt8])
    /// A member that is left out of its object.
    case absent

    var bytes: [UInt8] {
        var json = JSONBytes()
        write(to: &json)
        return json.bytes
    }

    static func integer(_ value: Int) -> JSON { .integer(Int64(value)) }

    static func textOrNull(_ value: String?) -> JSON { value.map { .text($0) } ?? .null }

    private func write(to json: inout JSONBytes) {
        switch self {
        case .null, .absent: json.literal("null")
        case .bool(let value): json.boolean(value)
        case .integer(let value): json.integer(value)
        case .text(let value): json.string(value)
        case .stored(let stored): json.raw(stored)
        case .list(let elements): json.array(elements) { $1.write(to: &$0) }
        case .object(let members): Self.write(members, to: &json)
        }
    }

    private static func write(_ members: [(name: String, value: JSON)], to json: inout JSONBytes) {
        var isFirst = true
        json.literal("{")
        for member in members {
            if case .absent = member.value { continue }
            if !isFirst { json.literal(",") }
            isFirst = false
            json.string(member.name)
            json.literal(":")
            member.value.write(to: &json)
        }
        json.literal("}")
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByDictionaryLiteral {
    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(dictionaryLiteral members: (String, JSON)...) { self = .object(members.map { ($0, $1) }) }
}
