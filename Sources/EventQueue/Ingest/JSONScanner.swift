/// The single pass of ``JSONText``: no recursion, no allocation per nested value.
///
/// The bytes are passed to each step because a span cannot be stored; the scanner holds only positions.
struct JSONScanner {
    private(set) var members: [JSONText.Member] = []
    /// The elements of the outermost value when it is an array.
    private(set) var elements: [JSONText.Value] = []
    private var position: Int
    private let end: Int
    private let depthMax: Int
    private var containers: [Container] = []
    private var names = JSONNames()
    /// The name of the outermost object's member whose value is being read.
    private var pendingName: (range: Range<Int>, isEscaped: Bool)?

    private struct Container {
        let start: Int
        let isObject: Bool
    }

    init(start: Int, end: Int, depthMax: Int) {
        position = start
        self.end = end
        self.depthMax = depthMax
        // What an ordinary body needs, so that it is scanned without growing anything.
        members.reserveCapacity(16)
        containers.reserveCapacity(8)
    }

    /// Checks the text from start to end and returns its outermost value.
    mutating func scan(_ bytes: Span<UInt8>) throws(JSONError) -> JSONText.Value {
        while true {
            guard var value = try beginValue(bytes) else { continue }
            // A value may end several containers.
            while let container = containers.last {
                if containers.count == 1 {
                    if let name = pendingName {
                        members.append(.init(name: name.range, nameIsEscaped: name.isEscaped, value: value))
                    } else {
                        elements.append(value)
                    }
                }
                guard try endsContainer(container, bytes) else { break }
                value = close(container)
            }
            if containers.isEmpty {
                skipWhitespace(bytes)
                guard position == end else { throw failure(.trailingBytes) }
                return value
            }
        }
    }

    // MARK: Structure

    /// Reads a scalar or an empty container; `nil` when it opened a container whose first value comes next.
    private mutating func beginValue(_ bytes: Span<UInt8>) throws(JSONError) -> JSONText.Value? {
        skipWhitespace(bytes)
        let start = position
        switch try current(bytes) {
        case UInt8(ascii: "{"): return try open(isObject: true, bytes)
        case UInt8(ascii: "["): return try open(isObject: false, bytes)
        case UInt8(ascii: "\""):
            _ = try scanString(bytes)
            return .init(kind: .string, range: start..<position)
        case UInt8(ascii: "t"): return try scanWord("true", .true, bytes)
        case UInt8(ascii: "f"): return try scanWord("false", .false, bytes)
        case UInt8(ascii: "n"): return try scanWord("null", .null, bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try scanNumber(bytes)
            return .init(kind: .number, range: start..<position)
        default: throw failure(.unexpectedByte)
        }
    }

    private mutating func open(isObject: Bool, _ bytes: Span<UInt8>) throws(JSONError) -> JSONText.Value? {
        guard containers.count < depthMax else { throw failure(.tooDeep) }
        let container = Container(start: position, isObject: isObject)
        containers.append(container)
        if isObject { names.open() }
        position += 1
        skipWhitespace(bytes)
        if try current(bytes) == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            position += 1
            return close(container)
        }
        if isObject { try scanName(bytes) }
        return nil
    }

    /// Reads what follows a value in a container: `true` for its end, `false` for a comma.
    private mutating func endsContainer(
        _ container: Container, _ bytes: Span<UInt8>
    ) throws(JSONError) -> Bool {
        skipWhitespace(bytes)
        switch (try current(bytes), container.isObject) {
        case (UInt8(ascii: ","), let isObject):
            position += 1
            if isObject {
                skipWhitespace(bytes)
                try scanName(bytes)
            }
            return false
        case (UInt8(ascii: "}"), true), (UInt8(ascii: "]"), false):
            position += 1
            return true
        default: throw failure(.unexpectedByte)
        }
    }

    private mutating func close(_ container: Container) -> JSONText.Value {
        containers.removeLast()
        if container.isObject { names.close() }
        return .init(kind: container.isObject ? .object : .array, range: container.start..<position)
    }

    /// Reads a member's name and the colon behind it.
    private mutating func scanName(_ bytes: Span<UInt8>) throws(JSONError) {
        guard try current(bytes) == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
        let start = position
        let isEscaped = try scanString(bytes)
        let content = start + 1..<position - 1
        guard names.insert(content, isEscaped: isEscaped, bytes) else {
            throw JSONError(reason: .duplicateName, offset: start)
        }
        if containers.count == 1 { pendingName = (content, isEscaped) }
        skipWhitespace(bytes)
        guard try current(bytes) == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
        position += 1
    }

    private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private func current(_ bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
        guard position < end else { throw failure(.unexpectedEnd) }
        return bytes[position]
    }

    private func failure(_ reason: JSONError.Reason) -> JSONError { .init(reason: reason, offset: position) }
}

// MARK: - Scalars

extension JSONScanner {
    private mutating func scanWord(
        _ word: StaticString, _ kind: JSONText.Kind, _ bytes: Span<UInt8>
    ) throws(JSONError) -> JSONText.Value {
        let start = position
        for index in 0..<word.utf8CodeUnitCount {
            guard try current(bytes) == word.utf8Start[index] else { throw failure(.unexpectedByte) }
            position += 1
        }
        return .init(kind: kind, range: start..<position)
    }

    private mutating func scanNumber(_ bytes: Span<UInt8>) throws(JSONError) {
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if try current(bytes) == UInt8(ascii: "0") {
            position += 1
        } else {
            try scanDigits(bytes)
        }
        if position < end, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try scanDigits(bytes)
        }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            let sign = try current(bytes)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try scanDigits(bytes)
        }
        // A digit here follows a leading zero, for anything else the value has ended.
        if position < end, isDigit(bytes[position]) { throw failure(.invalidNumber) }
    }

    private mutating func scanDigits(_ bytes: Span<UInt8>) throws(JSONError) {
        guard isDigit(try current(bytes)) else { throw failure(.invalidNumber) }
        while position < end, isDigit(bytes[position]) { position += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Reads a string with its quotes and tells whether it contains an escape.
    private mutating func scanString(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
        var isEscaped = false
        position += 1
        while true {
            // Most bytes of most texts are passed here; a local variable stays in a register.
            var next = position
            while next + 8 <= end,
                JSONEscape.arePlain(bytes.bytes.unsafeLoadUnaligned(fromByteOffset: next, as: UInt64.self))
            { next += 8 }
            while next < end {
                let byte = bytes[next]
                let isPlain = byte &- 0x20 < 0x60 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                guard isPlain else { break }
                next += 1
            }
            position = next
            switch try current(bytes) {
            case UInt8(ascii: "\""):
                position += 1
                return isEscaped
            case UInt8(ascii: "\\"):
                isEscaped = true
                try scanEscape(bytes)
            case 0..<0x20: throw failure(.controlCharacter)
            default: try scanMultibyte(bytes)
            }
        }
    }

    private mutating func scanEscape(_ bytes: Span<UInt8>) throws(JSONError) {
        position += 1
        switch try current(bytes) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard JSONEscape.digit(try current(bytes)) != nil else { throw failure(.invalidEscape) }
                position += 1
            }
        default: throw failure(.invalidEscape)
        }
    }

    /// Reads one character beyond ASCII. The ranges are those of the Unicode standard's table 3-7, which
    /// leave out overlong forms, surrogates and what lies beyond U+10FFFF.
    private mutating func scanMultibyte(_ bytes: Span<UInt8>) throws(JSONError) {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[position] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: throw failure(.invalidUTF8)
        }
        guard position + length <= end, second.contains(bytes[position + 1]),
            (position + 2..<position + length).allSatisfy({ bytes[$0] & 0xC0 == 0x80 })
        else { throw failure(.invalidUTF8) }
        position += length
    }
}
