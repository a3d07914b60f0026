import EventQueue
import Foundation
import GRDB

/// An event as one line of an export.
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
        var json = JSONBytes(capacity: 512 + 2 * ((envelope?.count ?? 0) + (body?.count ?? 0)))
        json.literal(#"{"orgloop_queue":1,"id":"#)
        json.string(event)
        json.member(#","source":"#, row.text(2))
        json.member(#","type":"#, row.text(3))
        json.member(#","platform_event":"#, row.text(4))
        json.member(#","received_at":"#, row.text(5))
        json.member(#","verification":"#, row.text(6))
        json.member(#","key_id":"#, row.text(7))
        json.member(#","idempotency_key":"#, row.text(8))
        json.literal(#","headers":"#)
        json.raw(headers ?? Array("{}".utf8))
        json.member(#","body_sha256":"#, row.bytes(10).map { hexadecimal($0) })
        json.member(#","envelope_sha256":"#, row.bytes(11).map { hexadecimal($0) })
        json.base64(#","envelope":"#, envelope)
        json.base64(#","body":"#, body)
        json.literal("}\n")
        bytes = json.bytes
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
        return bytes.filter { $0 >= 0x20 }
    }
}

extension JSONBytes {
    /// A member with a string value, or null.
    fileprivate mutating func member(_ name: StaticString, _ value: String?) {
        literal(name)
        if let value { string(value) } else { literal("null") }
    }

    /// A member with a value in standard base64 with padding, or null.
    fileprivate mutating func base64(_ name: StaticString, _ value: [UInt8]?) {
        literal(name)
        guard let value else { return literal("null") }
        literal("\"")
        raw(Data(value).base64EncodedData())
        literal("\"")
    }
}
