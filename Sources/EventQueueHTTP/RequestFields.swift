import EventQueue
import NIOHTTP1

/// Looks headers up in what NIO's parser has made of them.
struct RequestFields: HeaderLookup {
    private let fields: HTTPHeaders
    let namesFromAfar: HeaderNames

    init(_ fields: HTTPHeaders) {
        self.fields = fields
        namesFromAfar = fields.reduce(into: HeaderNames.none) { $0.insert(HeaderNames($1.name)) }
    }

    /// Whether the header with this lower-case name is there, or another one that looks alike from afar.
    func mayHave(_ name: String) -> Bool { namesFromAfar.mayHave(HeaderNames(name)) }

    func values(of name: String) -> [String] {
        guard mayHave(name) else { return [] }
        var values: [String] = []
        for field in fields where Self.isSame(field.name, name) { values.append(Self.trimmed(field.value)) }
        return values
    }

    func value(of name: String) -> HeaderValue {
        guard mayHave(name) else { return .none }
        var found: String?
        for field in fields where Self.isSame(field.name, name) {
            if found != nil { return .several(values(of: name)) }
            found = Self.trimmed(field.value)
        }
        guard let found else { return .none }
        return .one(found)
    }

    var names: [String] { fields.map { $0.name.lowercased() } }

    private static func isSame(_ name: String, _ lowercase: String) -> Bool {
        guard name.utf8.count == lowercase.utf8.count else { return false }
        // Bytes that lie in a row are compared without asking the string for each of them.
        let isSame = name.utf8.withContiguousStorageIfAvailable { name in
            lowercase.utf8.withContiguousStorageIfAvailable { areSame(name, $0) }
        }
        return (isSame ?? nil) ?? areSame(name.utf8, lowercase.utf8)
    }

    private static func areSame(_ name: some Sequence<UInt8>, _ lowercase: some Sequence<UInt8>) -> Bool {
        name.elementsEqual(lowercase) { one, other in
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
