import NIOCore

/// What the answer to a poll brought, found without parsing it: the generator shares its cores with the service.
///
/// It relies on how the service writes its answer: envelopes as they were stored, each beginning with its id, then the
/// checkpoint.
struct HandoverScan {
    /// The numbers in the ids of the events, in their order.
    let ids: [UInt64]
    let checkpoint: String?

    private static let idStart = BytePattern(#"{"id":"evt_"#)
    /// What an id of the queue's own has behind its prefix.
    private static let idDigits = 16
    private static let checkpointStart = BytePattern(#""checkpoint":""#)

    /// What stands behind the events is shorter than this.
    private static let tailBytes = 1024

    init(_ body: ByteBuffer) {
        let found = body.withUnsafeReadableBytes { bytes in
            let ids = Self.idStart.positions(in: bytes).compactMap { position in
                let start = position + Self.idStart.count
                return Self.number(bytes[start..<min(start + Self.idDigits, bytes.count)])
            }
            return (ids, Self.checkpoint(in: bytes))
        }
        ids = found.0
        checkpoint = found.1
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit & 0x0F)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    private static func checkpoint(in bytes: UnsafeRawBufferPointer) -> String? {
        // The last one: a payload may have such a member, too.
        let tail = max(0, bytes.count - tailBytes)
        guard let position = checkpointStart.positions(in: bytes, from: tail).last else { return nil }
        let text = bytes[(position + checkpointStart.count)...].prefix { $0 != UInt8(ascii: "\"") }
        return String(decoding: text, as: UTF8.self)
    }
}
