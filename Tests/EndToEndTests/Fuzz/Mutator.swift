/// Breaks inputs in the ways in which inputs break: a byte, a word of the format, a piece of another input.
struct Mutator {
    let random: SeededRandom
    /// What the format is made of.
    let words: [[UInt8]]
    /// Whole inputs, pieces of which are moved into others.
    let corpus: [[UInt8]]

    /// Bytes on which parsers of text differ, and the first and last bytes of UTF-8's forms.
    private static let bytes: [UInt8] =
        Array("{}[]\",:;=.- \t\r\n\\/0123456789eE+tfnuUxAz\u{0}\u{1F}\u{7F}".utf8)
        + [0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF]

    /// An input that nothing has been done to yet.
    func sample() -> [UInt8] { corpus.isEmpty ? [] : corpus[random.number(in: 0...corpus.count - 1)] }

    /// `input` with one to four changes.
    func mutated(_ input: [UInt8]) -> [UInt8] {
        var output = input
        for _ in 0..<random.number(in: 1...4) { change(&output) }
        return output
    }

    private func change(_ input: inout [UInt8]) {
        let place = random.number(in: 0...input.count)
        let end = min(input.count, place + random.number(in: 1...8))
        switch random.number(in: 0...8) {
        case 0, 1: input.replaceSubrange(place..<min(place + 1, input.count), with: [byte()])
        case 2: input.insert(byte(), at: place)
        case 3: input.removeSubrange(place..<end)
        case 4: input.insert(contentsOf: input[place..<end], at: place)
        case 5:
            guard place < input.count else { return }
            input[place] ^= 1 << UInt8(random.number(in: 0...7))
        case 6 where !words.isEmpty:
            input.insert(contentsOf: words[random.number(in: 0...words.count - 1)], at: place)
        case 7: input.replaceSubrange(place..<end, with: piece())
        default: input.removeSubrange(place..<min(input.count, random.number(in: place...max(place, input.count))))
        }
    }

    private func byte() -> UInt8 { Self.bytes[random.number(in: 0...Self.bytes.count - 1)] }

    private func piece() -> ArraySlice<UInt8> {
        let other = sample()
        let start = random.number(in: 0...other.count)
        return other[start..<min(other.count, start + random.number(in: 0...24))]
    }
}
