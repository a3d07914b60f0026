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
