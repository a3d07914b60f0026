/// The names of the objects that are open, for refusing a name that comes twice.
///
/// All objects share one stack of names. An object with few names compares them one by one; one with many
/// keeps a set of their hashes, seeded by Swift for each process, so a sender cannot make them collide.
struct JSONNames {
    private struct Object {
        let firstName: Int
        let firstDecoded: Int
        /// Present once the object has more than `comparedMax` names.
        var hashes: Set<Int>?
    }

    /// A name's bytes: in the text, or in `decoded` when it was written with escapes.
    private struct Name {
        let range: Range<Int>
        let isDecoded: Bool
    }

    /// Up to here comparing is cheaper than hashing.
    private static let comparedMax = 16

    private var objects: [Object] = []
    private var names: [Name] = []
    private var decoded: [UInt8] = []

    init() {
        objects.reserveCapacity(8)
        names.reserveCapacity(32)
    }

    mutating func open() {
        objects.append(Object(firstName: names.count, firstDecoded: decoded.count))
    }

    mutating func close() {
        guard let object = objects.popLast() else { return }
        names.removeSubrange(object.firstName...)
        decoded.removeSubrange(object.firstDecoded...)
    }

    /// Adds a name to the innermost object; `false` when it has the name already.
    ///
    /// - Parameter content: The name's place in `text`, without the quotes; the name has been checked.
    mutating func insert(_ content: Range<Int>, isEscaped: Bool, _ text: Span<UInt8>) -> Bool {
        let name = isEscaped ? decode(content, text) : Name(range: content, isDecoded: false)
        defer { names.append(name) }
        let last = objects.count - 1
        let earlier = objects[last].firstName..<names.count
        if earlier.count < Self.comparedMax { return !contains(name, in: earlier, text) }
        if objects[last].hashes == nil {
            objects[last].hashes = Set(earlier.map { self.hash(names[$0], text) })
        }
        // Equal hashes of different names are possible, if hardly ever seen: only the names decide.
        let hash = hash(name, text)
        let isNew = objects[last].hashes?.insert(hash).inserted == true
        return isNew || !contains(name, in: earlier, text)
    }

    private mutating func decode(_ content: Range<Int>, _ text: Span<UInt8>) -> Name {
        let start = decoded.count
        JSONEscape.decode(content, of: text, surrogates: .kept, into: &decoded)
        return Name(range: start..<decoded.count, isDecoded: true)
    }

    private func contains(_ name: Name, in earlier: Range<Int>, _ text: Span<UInt8>) -> Bool {
        let decoded = decoded.span
        return earlier.contains { index in
            let other = names[index]
            guard other.range.count == name.range.count else { return false }
            for offset in 0..<name.range.count {
                let one = (name.isDecoded ? decoded : text)[name.range.lowerBound + offset]
                let two = (other.isDecoded ? decoded : text)[other.range.lowerBound + offset]
                if one != two { return false }
            }
            return true
        }
    }

    private func hash(_ name: Name, _ text: Span<UInt8>) -> Int {
        var hasher = Hasher()
        if name.isDecoded {
            decoded.span.extracting(name.range).withUnsafeBytes { hasher.combine(bytes: $0) }
        } else {
            text.extracting(name.range).withUnsafeBytes { hasher.combine(bytes: $0) }
        }
        return hasher.finalize()
    }
}
