/// One JSON text (RFC 8259) that was checked byte by byte, with an index of its outermost members.
///
/// The check is stricter than most parsers: valid UTF-8 throughout, no byte order mark, no name twice in an
/// object (names are compared after unescaping), nesting of at most ``Limits/jsonDepthMax``, nothing behind
/// the value. Escaped surrogates may stand alone: a sender that cuts a text in the middle of an emoji
/// makes them. The cost grows with the length of the text and with nothing else.
package struct JSONText: Sendable {
    /// What a value is.
    package enum Kind: Sendable { case string, number, `true`, `false`, null, object, array }

    /// A value and the place of its bytes in the text.
    package struct Value: Sendable, Equatable {
        package let kind: Kind
        package let range: Range<Int>
    }

    /// A member of the outermost object.
    package struct Member: Sendable {
        /// The name's bytes between its quotes, as they were written.
        package let name: Range<Int>
        let nameIsEscaped: Bool
        package let value: Value
    }

    package let bytes: [UInt8]
    /// The outermost value, without the whitespace around it.
    package let root: Value
    /// The members of the outermost value when it is an object, in the order of the text.
    package let members: [Member]

    /// Checks `bytes` and indexes them.
    ///
    /// - Throws: ``JSONError`` at the first byte that cannot stand where it stands.
    package init(_ bytes: [UInt8], depthMax: Int = Limits.jsonDepthMax) throws(JSONError) {
        var scanner = JSONScanner(start: 0, end: bytes.count, depthMax: depthMax)
        root = try scanner.scan(bytes.span)
        members = scanner.members
        self.bytes = bytes
    }
}

/// Where a text stops being JSON, and why. It never quotes the text.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case unexpectedEnd = "the text ends too early"
        case unexpectedByte = "this byte cannot stand here"
        case invalidUTF8 = "invalid UTF-8"
        case controlCharacter = "unescaped control character in a string"
        case invalidEscape = "invalid escape in a string"
        case invalidNumber = "malformed number"
        case duplicateName = "the object has this name twice"
        case tooDeep = "nested too deeply"
        case trailingBytes = "bytes behind the value"
    }

    package let reason: Reason
    /// Counted from zero.
    package let offset: Int

    package var description: String { "\(reason.rawValue) (byte \(offset))" }
}
