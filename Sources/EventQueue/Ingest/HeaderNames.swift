/// Names of headers seen from afar: a Bloom filter with one hash. Each name is a bit, which several names share.
///
/// A receiver asks for some thirty names, of which a request has a few: this is the answer to most of its questions.
public struct HeaderNames: Sendable {
    private var bits: UInt64

    /// Every name there can be.
    public static let all = HeaderNames(bits: .max)
    /// No name.
    public static let none = HeaderNames(bits: 0)

    private init(bits: UInt64) { self.bits = bits }

    /// One name; the same for those that differ in their case only.
    public init(_ name: String) {
        let last = name.utf8.withContiguousStorageIfAvailable { $0.last } ?? name.utf8.last
        // Length and last letter tell those apart that requests have, which mostly begin alike.
        bits = 1 << UInt64((name.utf8.count &+ 5 &* Int((last ?? 0) | 0x20)) & 63)
    }

    /// Adds the names in `others`.
    public mutating func insert(_ others: HeaderNames) { bits |= others.bits }

    /// Whether a name in `others` may be here: when it is `false`, none is.
    public func mayHave(_ others: HeaderNames) -> Bool { bits & others.bits != 0 }
}
