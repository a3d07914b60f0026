/// Breaks inputs in the ways in which inputs break: a byte, a word of the format, a piece of another input.
package struct Mutator {
    private let random: SeededRandom
    /// What the format is made of.
    private let words: [[UInt8]]
    /// Whole inputs, pieces of which are moved into others.
    private let corpus: [[UInt8]]

    package init(random: SeededRandom, words: [[UInt8]], corpus: [[UInt8]]) {
        (self.random, self.words, self.corpus) = (random, words, corpus)
    }

    /// Bytes on which parsers of text differ, and the first and last bytes of UTF-8's forms.
    private static let bytes: [UInt8] =
        Array("{}[]\",:;=.- \t\r\n\\/0123456789eE+tfnuUxAz\u{0}\u{1F}\u{7F}".utf8)
        + [0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF]

    /// What stands between the parts of a text: next to it one byte more or less is another meaning.
    private static let marks = Set("{}[]\",:;=\n&?/".utf8)

    /// Overlong forms, surrogates, what lies beyond Unicode, and characters that are cut off.
    private static let brokenCharacters: [[UInt8]] = [
        [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
        [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
    ]

    /// An input that nothing has been done to yet.
    package func sample() -> [UInt8] { corpus.isEmpty ? [] : corpus[random.number(in: 0...corpus.count - 1)] }

    /// `input` with one to four changes.
    package func mutated(_ input: [UInt8]) -> [UInt8] {
        var output = input
        for _ in 0..<random.number(in: 1...4) { change(&output) }
        return output
    }

    private func change(_ input: inout [UInt8]) {
        let place = random.happens(onceIn: 2) ? random.number(in: 0...input.count) : mark(in: input)
        let end = min(input.count, place + (random.happens(onceIn: 2) ? 1 : random.number(in: 1...8)))
        switch random.number(in: 0...10) {
        case 0, 1: input.replaceSubrange(place..<min(place + 1, input.count), with: [byte()])
        case 2: input.insert(byte(), at: place)
        case 3: input.removeSubrange(place..<end)
        case 4: input.insert(contentsOf: input[place..<end], at: place)
        case 5:
            guard place < input.count else { return }
            input[place] ^= 1 << UInt8(random.number(in: 0...7))
        case 6 where !words.isEmpty:
            input.insert(contentsOf: words[random.number(in: 0...words.count - 1)], at: place)
        case 7: input.insert(UInt8(ascii: ","), at: place)
        case 8: input.insert(contentsOf: Self.brokenCharacters[random.number(in: 0...9)], at: place)
        case 9: input.replaceSubrange(place..<end, with: piece())
        default: input.removeSubrange(place..<min(input.count, random.number(in: place...max(place, input.count))))
        }
    }

    /// A place before or behind one of the marks.
    private func mark(in input: [UInt8]) -> Int {
        let start = random.number(in: 0...input.count)
        let mark = input[start...].firstIndex(where: Self.marks.contains) ?? input.count
        return max(0, min(input.count, mark + random.number(in: -1...1)))
    }

    private func byte() -> UInt8 { Self.bytes[random.number(in: 0...Self.bytes.count - 1)] }

    private func piece() -> ArraySlice<UInt8> {
        let other = sample()
        let start = random.number(in: 0...other.count)
        return other[start..<min(other.count, start + random.number(in: 0...24))]
    }
}
