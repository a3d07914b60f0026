import EventQueue
import Foundation
import GRDB

/// An event as one line of an export, as `ExportLineParser` reads it.
///
/// Envelope and body are base64, because they come back byte for byte whatever their senders wrote. `seq` is
/// not in it: the database that imports the line gives its own.
struct ExportLine {
    /// How every line begins, up to the id; a later form of the line gets another number.
    static let start = #"{"orgloop_queue":1,"id":""#

    let event: String
    /// With the newline.
    let bytes: [UInt8]
    /// What is wrong with the row; it is written as it is stored.
    let damage: String?

    /// Reads the columns that ``Export`` asks for.
    init(_ row: Row) {
        event = row.text(1) ?? ""
        let envelope = row.bytes(12)
        let body = row.bytes(13)
        let headers = Self.object(row.bytes(9) ?? [])
        var line = LineBytes(capacity: 1024 + 2 * ((envelope?.count ?? 0) + (body?.count ?? 0)))
        line.literal(#"{"orgloop_queue":1,"id":"#)
        line.string(event)
        line.member(#","source":"#, row.text(2))
        line.member(#","type":"#, row.text(3))
        line.member(#","platform_event":"#, row.text(4))
        line.member(#","received_at":"#, row.text(5))
        line.member(#","verification":"#, row.text(6))
        line.member(#","key_id":"#, row.text(7))
        line.member(#","idempotency_key":"#, row.text(8))
        line.literal(#","headers":"#)
        line.bytes += headers ?? Array("{}".utf8)
        line.hexadecimal(#","body_sha256":"#, row.bytes(10))
        line.hexadecimal(#","envelope_sha256":"#, row.bytes(11))
        line.base64(#","envelope":"#, envelope)
        line.base64(#","body":"#, body)
        line.literal("}\n")
        bytes = line.bytes
        damage =
            Self.lost(envelope, row.bytes(11), "envelope") ?? Self.lost(body, row.bytes(10), "body")
            ?? (headers == nil ? "the stored headers are not a JSON object and were left out" : nil)
    }

    private static func lost(_ content: [UInt8]?, _ hash: [UInt8]?, _ name: String) -> String? {
        guard let content, Fingerprint(of: content).bytes != hash else { return nil }
        return "the stored \(name) does not have its SHA-256"
    }

    /// The text of a JSON object as part of one line; `nil` for anything else.
    private static func object(_ bytes: [UInt8]) -> [UInt8]? {
        guard let text = try? JSONText(bytes), text.root.kind == .object else { return nil }
        // In valid JSON a control character can only be white space between tokens.
        return bytes.contains { $0 < 0x20 } ? bytes.filter { $0 >= 0x20 } : bytes
    }
}

/// A line as it grows.
///
/// ``JSONBytes`` would do, but its functions are generic and belong to another module, which makes an export
/// take twice as long.
private struct LineBytes {
    private static let digits = Array("0123456789abcdef".utf8)

    var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func literal(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ text: String) {
        var text = text
        let isPlain = text.withUTF8 { utf8 in
            utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        }
        guard isPlain else { return bytes.append(contentsOf: Array(jsonString(text).utf8)) }
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// A member with a string value, or null.
    mutating func member(_ name: StaticString, _ value: String?) {
        literal(name)
        if let value { string(value) } else { literal("null") }
    }

    /// A member with a value in lower-case hexadecimal digits, or null.
    mutating func hexadecimal(_ name: StaticString, _ value: [UInt8]?) {
        literal(name)
        guard let value else { return literal("null") }
        literal("\"")
        for byte in value {
            bytes.append(Self.digits[Int(byte >> 4)])
            bytes.append(Self.digits[Int(byte & 0xF)])
        }
        literal("\"")
    }

    /// A member with a value in standard base64 with padding, or null.
    mutating func base64(_ name: StaticString, _ value: [UInt8]?) {
        literal(name)
        guard let value else { return literal("null") }
        literal("\"")
        Data(value).base64EncodedData().withUnsafeBytes { bytes.append(contentsOf: $0) }
        literal("\"")
    }
}
