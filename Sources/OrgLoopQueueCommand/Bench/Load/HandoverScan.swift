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

/// Bytes that are looked for in many others, most of which are not looked at (Horspool's algorithm).
struct BytePattern {
    private let bytes: [UInt8]
    /// How far to go on by the byte under the pattern's end.
    private let skips: [Int]

    /// - Parameter text: Not empty.
    init(_ text: String) {
        bytes = Array(text.utf8)
        precondition(!bytes.isEmpty, "nothing is everywhere")
        var skips = [Int](repeating: bytes.count, count: 256)
        for (place, byte) in bytes.dropLast().enumerated() { skips[Int(byte)] = bytes.count - 1 - place }
        self.skips = skips
    }

    var count: Int { bytes.count }

    /// Where it begins in `text`, at `first` and behind.
    func positions(in text: UnsafeRawBufferPointer, from first: Int = 0) -> [Int] {
        var positions: [Int] = []
        var start = first
        while start + bytes.count <= text.count {
            if matches(text, at: start) {
                positions.append(start)
                start += bytes.count
            } else {
                start += skips[Int(text[start + bytes.count - 1])]
            }
        }
        return positions
    }

    private func matches(_ text: UnsafeRawBufferPointer, at start: Int) -> Bool {
        var place = bytes.count - 1
        while text[start + place] == bytes[place] {
            guard place > 0 else { return true }
            place -= 1
        }
        return false
    }
}
