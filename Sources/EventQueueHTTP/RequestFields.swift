import EventQueue
import NIOHTTP1

/// Looks headers up in what NIO's parser has made of them.
struct RequestFields: HeaderLookup {
    private let fields: HTTPHeaders
    /// A bit for each name that is there: a receiver asks for some thirty names, of which a request has a few.
    private let present: UInt64

    init(_ fields: HTTPHeaders) {
        self.fields = fields
        present = fields.reduce(into: 0) { $0 |= Self.bit(of: $1.name) }
    }

    /// Whether the header with this lower-case name is there, or another one that looks alike from afar.
    func mayHave(_ name: String) -> Bool { present & Self.bit(of: name) != 0 }

    func values(of name: String) -> [String] {
        guard mayHave(name) else { return [] }
        var values: [String] = []
        for field in fields where Self.isSame(field.name, name) { values.append(Self.trimmed(field.value)) }
        return values
    }

    var names: [String] { fields.map { $0.name.lowercased() } }

    /// The same for names that differ in their case only.
    private static func bit(of name: String) -> UInt64 {
        let last = name.utf8.last ?? 0
        return 1 << UInt64((name.utf8.count &+ 5 &* Int(last | 0x20)) & 63)
    }

    private static func isSame(_ name: String, _ lowercase: String) -> Bool {
        guard name.utf8.count == lowercase.utf8.count else { return false }
        return name.utf8.elementsEqual(lowercase.utf8) { one, other in
            one == other || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(one) && one | 0x20 == other
        }
    }

    /// What is around a value is none of it (RFC 9112, section 5.1), and the parser leaves it at the end.
    private static func trimmed(_ value: String) -> String {
        let blanks = " \t".utf8
        guard let first = value.utf8.first, let last = value.utf8.last, blanks.contains(first) || blanks.contains(last)
        else { return value }
        return String(value[...].trimming(" \t"))
    }
}
