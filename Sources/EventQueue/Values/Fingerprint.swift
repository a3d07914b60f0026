import Crypto

/// The SHA-256 of some bytes, as it is stored beside them.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes in place: every event has two fingerprints, and an array is an allocation.
    private struct Digest: Hashable {
        let words: (UInt64, UInt64, UInt64, UInt64)

        static func == (one: Self, other: Self) -> Bool { one.words == other.words }

        func hash(into hasher: inout Hasher) {
            // One part of a hash is as good as the whole.
            hasher.combine(words.0)
        }
    }

    private let digest: Digest

    /// Always 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// Hashes `content`.
    public init(of content: some Sequence<UInt8>) {
        var hash = SHA256()
        let hashed: Void? = content.withContiguousStorageIfAvailable {
            hash.update(bufferPointer: UnsafeRawBufferPointer($0))
        }
        if hashed == nil { hash.update(data: Array(content)) }
        digest = hash.finalize().withUnsafeBytes { $0.loadUnaligned(as: Digest.self) }
    }

    /// Takes a stored hash; `nil` when it is not 32 bytes long.
    public init?(stored bytes: [UInt8]) {
        guard let fingerprint = bytes.withUnsafeBytes({ Self(stored: $0) }) else { return nil }
        self = fingerprint
    }

    /// Takes a stored hash from where it lies.
    package init?(stored bytes: UnsafeRawBufferPointer) {
        guard bytes.count == SHA256.byteCount else { return nil }
        digest = bytes.loadUnaligned(as: Digest.self)
    }

    /// Lends the 32 bytes without a copy of them.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: digest, body)
    }

    /// 64 lower-case hexadecimal digits.
    public var description: String { hexadecimal(bytes) }
}

/// Lower-case hexadecimal digits, two a byte.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    var digits: [UInt8] = []
    digits.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
        digits.append(hexadecimalDigit(byte >> 4))
        digits.append(hexadecimalDigit(byte & 0xF))
    }
    return String(decoding: digits, as: UTF8.self)
}

/// The lower-case digit of a value below 16.
func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
}

/// The bytes that hexadecimal `text` names, of either case; `nil` when it is not pairs of digits.
package func bytes(hexadecimal text: some StringProtocol) -> [UInt8]? {
    // Bytes that lie in a row are read at a third of the price.
    text.utf8.withContiguousStorageIfAvailable { bytes(hexadecimalDigits: $0) } ?? bytes(hexadecimalDigits: text.utf8)
}

/// The same of the text's UTF-8.
private func bytes(hexadecimalDigits digits: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.underestimatedCount / 2)
    var high: UInt8?
    for digit in digits {
        guard let value = JSONEscape.digit(digit) else { return nil }
        if let first = high {
            bytes.append(first << 4 | UInt8(value))
            high = nil
        } else {
            high = UInt8(value)
        }
    }
    return high == nil ? bytes : nil
}
