import Crypto

/// A code of 32 bytes, computed or presented, in place: an array is an allocation.
struct Code: Sendable, Equatable {
    private let words: SIMD4<UInt64>

    init(_ digest: SHA256Digest) { words = digest.withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) } }

    /// Takes 32 bytes; `nil` for any other number of them.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == SHA256.byteCount else { return nil }
        words = bytes.withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
    }

    /// Takes the 64 hexadecimal digits behind `prefix`, in lower case as every sender writes them; `nil` for anything
    /// else.
    init?(hexadecimal text: some StringProtocol, prefix: StaticString = "") {
        var text = String(text)
        var words = SIMD4<UInt64>()
        let isCode = text.withUTF8 { text in
            let start = prefix.utf8CodeUnitCount
            guard text.count == start + 2 * SHA256.byteCount,
                prefix.withUTF8Buffer({ text[..<start].elementsEqual($0) })
            else { return false }
            return withUnsafeMutableBytes(of: &words) { bytes in
                for index in bytes.indices {
                    let place = start + 2 * index
                    guard let high = Self.digit(text[place]), let low = Self.digit(text[place + 1]) else {
                        return false
                    }
                    bytes[index] = high << 4 | low
                }
                return true
            }
        }
        guard isCode else { return nil }
        self.words = words
    }

    /// Compares in constant time: a forger learns nothing of how far a guess is right.
    static func == (one: Self, other: Self) -> Bool {
        let difference = one.words ^ other.words
        return difference[0] | difference[1] | difference[2] | difference[3] == 0
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
