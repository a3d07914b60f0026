/// The opaque token that names a batch: what the engine stores and presents at its next poll.
///
/// It carries the database's lineage, the cursor, the batch's number and a random nonce, so that the
/// checkpoint of another database, of another source, or of this database before an older backup was
/// restored is recognised and refused, never taken for a position.
public struct Checkpoint: Hashable, Sendable, CustomStringConvertible {
    /// Which database issued it: 16 random bytes drawn when the file was created.
    public struct Lineage: Hashable, Sendable {
        public let bytes: [UInt8]

        /// Takes the stored bytes; `nil` when they are not 16.
        public init?(stored bytes: [UInt8]) {
            guard bytes.count == Checkpoint.lineageLength else { return nil }
            self.bytes = bytes
        }

        /// Draws a new lineage.
        public static func random(using generator: inout some RandomNumberGenerator) -> Lineage {
            Lineage(made: (0..<Checkpoint.lineageLength).map { _ in .random(in: 0...255, using: &generator) })
        }

        private init(made bytes: [UInt8]) { self.bytes = bytes }
    }

    public let lineage: Lineage
    public let batch: Batch.Number
    /// What tells two batches of one number apart when a backup was restored between them.
    public let nonce: UInt64
    /// The first bytes of a hash over consumer and source.
    private let cursor: [UInt8]

    /// Names batch `batch` of `cursor`.
    public init(lineage: Lineage, cursor: Cursor.Key, batch: Batch.Number, nonce: UInt64) {
        self.lineage = lineage
        self.batch = batch
        self.nonce = nonce
        self.cursor = Self.mark(of: cursor)
    }

    /// Reads a token; `nil` for any text that this type did not print.
    public init?(_ text: String) {
        guard text.hasPrefix(Self.prefix),
            let bytes = EventQueue.bytes(hexadecimal: text.dropFirst(Self.prefix.count)),
            bytes.count == Self.length,
            let lineage = Lineage(stored: Array(bytes.prefix(Self.lineageLength)))
        else { return nil }
        let numbers = bytes.dropFirst(Self.lineageLength + Self.markLength)
        self.lineage = lineage
        cursor = Array(bytes.dropFirst(Self.lineageLength).prefix(Self.markLength))
        batch = Batch.Number(rawValue: Int64(bitPattern: Self.integer(numbers.prefix(8))))
        nonce = Self.integer(numbers.dropFirst(8))
        // One batch has one token: another spelling of the same bytes is not ours.
        guard description == text else { return nil }
    }

    /// Whether it was issued to `key`.
    public func isFor(_ key: Cursor.Key) -> Bool { cursor == Self.mark(of: key) }

    public var description: String {
        Self.prefix + hexadecimal(lineage.bytes) + hexadecimal(cursor)
            + hexadecimal(Self.bytes(UInt64(bitPattern: batch.rawValue))) + hexadecimal(Self.bytes(nonce))
    }

    private static let prefix = "ckp_"
    private static let lineageLength = 16
    private static let markLength = 8
    private static let length = lineageLength + markLength + 16

    private static func mark(of key: Cursor.Key) -> [UInt8] {
        // Neither name can contain a NUL, so the pair has one spelling.
        Array(Fingerprint(of: Array("\(key.consumer)\u{0}\(key.source)".utf8)).bytes.prefix(markLength))
    }

    private static func bytes(_ integer: UInt64) -> [UInt8] {
        withUnsafeBytes(of: integer.bigEndian) { Array($0) }
    }

    private static func integer(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// An immutable, ordered, numbered list of events handed to one consumer in one poll.
public enum Batch {
    /// The number of a batch within its cursor: 1, 2, …
    public struct Number: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
        public let rawValue: Int64

        public init(rawValue: Int64) { self.rawValue = rawValue }

        public var next: Number { Number(rawValue: rawValue + 1) }
        public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
        public var description: String { String(rawValue) }
    }
}
