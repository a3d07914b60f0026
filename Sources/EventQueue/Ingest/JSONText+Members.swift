extension JSONText {
    /// The value of the outermost object's member with this name.
    package subscript(_ name: String) -> Value? {
        member(name, in: members)?.value
    }

    /// The value that a path of member names leads to, from the outermost object inwards.
    package func value(at path: [String]) -> Value? {
        guard let first = path.first, var value = self[first] else { return nil }
        for name in path.dropFirst() {
            guard let inner = member(name, in: members(of: value)) else { return nil }
            value = inner.value
        }
        return value
    }

    /// The members of a nested object; none for a value of another kind.
    package func members(of value: Value) -> [Member] {
        guard value.kind == .object else { return [] }
        // The bytes passed the same scanner when the text was made.
        var scanner = JSONScanner(start: value.range.lowerBound, end: value.range.upperBound, depthMax: .max)
        _ = try? scanner.scan(bytes.span)
        return scanner.members
    }

    /// The elements of an array; none for a value of another kind.
    package func elements(of value: Value) -> [Value] {
        guard value.kind == .array else { return [] }
        var scanner = JSONScanner(start: value.range.lowerBound, end: value.range.upperBound, depthMax: .max)
        _ = try? scanner.scan(bytes.span)
        return scanner.elements
    }

    /// The decoded name of a member.
    package func name(of member: Member) -> String {
        decoded(member.name)
    }

    /// The bytes of a value, exactly as they were sent.
    package func raw(_ value: Value) -> ArraySlice<UInt8> { bytes[value.range] }

    /// The bytes between the quotes of a string value, exactly as they were sent.
    package func content(_ value: Value) -> ArraySlice<UInt8> {
        precondition(value.kind == .string, "only a string has content")
        return bytes[value.range.dropFirst().dropLast()]
    }

    /// The text of a string value, with U+FFFD for each surrogate that stands alone; `nil` for other kinds.
    package func string(_ value: Value) -> String? {
        guard value.kind == .string else { return nil }
        return decoded(value.range.lowerBound + 1..<value.range.upperBound - 1)
    }

    /// The value of a number that is a whole one, however it is written (`1`, `1.0`, `10e-1`); `nil` for
    /// other numbers, for other kinds, and beyond 18 digits.
    package func integer(_ value: Value) -> Int? {
        guard value.kind == .number else { return nil }
        if let plain = plainInteger(value.range) { return plain }
        let isNegative = bytes[value.range.lowerBound] == UInt8(ascii: "-")
        let parts = raw(value).dropFirst(isNegative ? 1 : 0)
            .split(maxSplits: 1, omittingEmptySubsequences: false) { $0 | 0x20 == UInt8(ascii: "e") }
        let mantissa = parts[0].split(separator: UInt8(ascii: "."), maxSplits: 1)
        // The value is digits × 10^scale, with neither zero at the end of the digits nor at their start.
        var digits = mantissa.joined().drop { $0 == UInt8(ascii: "0") }.map { Int($0 - UInt8(ascii: "0")) }
        if digits.isEmpty { return 0 }
        guard let exponent = parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) : 0,
            (-1 << 32...1 << 32).contains(exponent)
        else { return nil }
        var scale = exponent - (mantissa.count > 1 ? mantissa[1].count : 0)
        while digits.last == 0 {
            digits.removeLast()
            scale += 1
        }
        guard scale >= 0, digits.count + scale <= 18 else { return nil }
        let magnitude = (digits + Array(repeating: 0, count: scale)).reduce(0) { $0 * 10 + $1 }
        return isNegative ? -magnitude : magnitude
    }

    /// The value of at most 18 digits with nothing else, as nearly every whole number is written.
    private func plainInteger(_ range: Range<Int>) -> Int? {
        guard range.count <= 18 else { return nil }
        var number = 0
        for index in range {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = number * 10 + Int(digit)
        }
        return number
    }

    private func member(_ name: String, in members: [Member]) -> Member? {
        var name = name
        return name.withUTF8 { name in
            let text = bytes.span
            return members.first { member in
                guard !member.nameIsEscaped else { return decoded(member.name).utf8.elementsEqual(name) }
                // Most members that are not meant have a name of another length.
                guard member.name.count == name.count else { return false }
                return name.indices.allSatisfy { name[$0] == text[member.name.lowerBound + $0] }
            }
        }
    }

    private func decoded(_ range: Range<Int>) -> String {
        guard bytes[range].contains(UInt8(ascii: "\\")) else { return String(decoding: bytes[range], as: UTF8.self) }
        var output: [UInt8] = []
        output.reserveCapacity(range.count)
        JSONEscape.decode(range, of: bytes.span, surrogates: .replaced, into: &output)
        return String(decoding: output, as: UTF8.self)
    }
}
