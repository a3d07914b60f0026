import EventQueue
import Testing

struct JSONTextTests {
    @Test(arguments: [
        "{}", "[]", "null", "true", "false", "0", "-0", "1.5", "-1.5e+10", "1E-2", "0e0",
        "123456789012345678901234567890",
        #""""#, #""a""#, " \t\r\n{} \n", #"{"a":[1,{"b":null}],"c":{}}"#, "[[],{},[]]",
        #""\"\\\/\b\f\n\r\t\u0041\uD83D\uDE00""#, #""\ud83d""#, #""\ude00\ud83d""#, #""\u0000""#,
        "\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{FEFF}\"", #"{"":0}"#, #"{"a":0,"A":0}"#,
        #"{"a":{"a":{"a":0}},"b":[{"a":0},{"a":0}]}"#, #"{"\ud83d":0,"\ud83e":0,"\ufffd":0}"#,
    ])
    func `what RFC 8259 allows is accepted`(json: String) throws {
        #expect(throws: Never.self) { try JSONText(Array(json.utf8)) }
    }

    @Test(
        arguments: [
            ("", .unexpectedEnd), (" ", .unexpectedEnd), ("{", .unexpectedEnd), ("[1", .unexpectedEnd),
            ("nul", .unexpectedEnd), ("nulx", .unexpectedByte), ("True", .unexpectedByte),
            ("NaN", .unexpectedByte),
            ("Infinity", .unexpectedByte), ("'a'", .unexpectedByte), ("\u{FEFF}{}", .unexpectedByte),
            ("[1,]", .unexpectedByte), ("[,1]", .unexpectedByte), ("[1 2]", .unexpectedByte),
            ("[1}", .unexpectedByte),
            ("{]", .unexpectedByte), (#"{"a":1,}"#, .unexpectedByte), (#"{"a" 1}"#, .unexpectedByte),
            (#"{"a":}"#, .unexpectedByte), ("{a:1}", .unexpectedByte), ("{1:1}", .unexpectedByte),
            (#"{"a":1]"#, .unexpectedByte), (#"{"a":1 "b":2}"#, .unexpectedByte),
            ("[1/*c*/]", .unexpectedByte),
            ("{}{}", .trailingBytes), ("{} x", .trailingBytes), ("[]]", .trailingBytes),
            ("{}\u{0}", .trailingBytes),
            ("1,", .trailingBytes), ("\u{A0}{}", .unexpectedByte), ("\u{B}{}", .unexpectedByte),
            ("01", .invalidNumber), ("-01", .invalidNumber), ("-", .unexpectedEnd), ("+1", .unexpectedByte),
            (".5", .unexpectedByte), ("1.", .unexpectedEnd), ("[1.]", .invalidNumber), ("1e", .unexpectedEnd),
            ("[1e+]", .invalidNumber), ("[-a]", .invalidNumber), ("0x10", .trailingBytes),
            ("1.5.5", .trailingBytes),
            (#""\a""#, .invalidEscape), (#""\u12g4""#, .invalidEscape), (#""\U0041""#, .invalidEscape),
            (#""\u12""#, .invalidEscape), (#""\"#, .unexpectedEnd), (#""a"#, .unexpectedEnd),
            ("\"\n\"", .controlCharacter),
            ("\"\t\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter),
            ("\"\u{1F}\"", .controlCharacter),
            (#"{"a":1,"a":2}"#, .duplicateName), (#"{"a":1,"\u0061":2}"#, .duplicateName),
            (#"{"\ud83d\ude00":1,"😀":2}"#, .duplicateName), (#"{"\ud83d":1,"\uD83D":2}"#, .duplicateName),
            (#"[{"x":{"b":1,"c":2,"b":3}}]"#, .duplicateName), (#"{"":1,"":2}"#, .duplicateName),
            (#"{"/":1,"\/":2}"#, .duplicateName),
        ] as [(String, JSONError.Reason)])
    func `what RFC 8259 forbids is refused with its reason`(json: String, reason: JSONError.Reason) {
        #expect(refusal(of: Array(json.utf8))?.reason == reason)
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xE2, 0x82, 0x41],
            [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98],
            [0xFE], [0xFF], [0xC2, 0xC2],
        ] as [[UInt8]])
    func `invalid UTF-8 is refused in a value and in a name`(bytes: [UInt8]) {
        #expect(refusal(of: [0x22] + bytes + [0x22])?.reason == .invalidUTF8)
        #expect(refusal(of: Array(#"{""#.utf8) + bytes + Array(#"":0}"#.utf8))?.reason == .invalidUTF8)
        #expect(refusal(of: [0x22] + bytes) != nil)
    }

    @Test func `a refusal names the place and never quotes the text`() throws {
        let refused = try #require(refusal(of: Array(#"{"token":"hunter2",}"#.utf8)) as JSONError?)
        #expect(refused.reason == .unexpectedByte)
        #expect(refused.offset == 19)
        #expect(refused.description == "this byte cannot stand here (byte 19)")
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
    func `64 levels are accepted and 65 are refused`(open: String, close: String) {
        func nested(_ depth: Int) -> [UInt8] {
            let inner = open == "[" ? "" : "0"
            return Array(
                (String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)).utf8)
        }
        #expect(refusal(of: nested(64)) == nil)
        #expect(refusal(of: nested(65))?.reason == .tooDeep)
        #expect(refusal(of: nested(100_000))?.reason == .tooDeep)
    }

    @Test func `every truncation of a document is refused`() {
        let document = Array(
            #" {"a":[1.5e+3,-0,true,false,null,"é😀\u00e9\ud83d\ude00\n"],"b":{"c":{},"d":[]},"e":12}"#.utf8)
        #expect(refusal(of: document) == nil)
        for length in 0..<document.count {
            #expect(refusal(of: Array(document.prefix(length))) != nil, "\(length) bytes")
        }
    }

    @Test(arguments: [15, 16, 17, 18, 1000])
    func `a name that comes twice is found wherever it stands among many`(count: Int) {
        func object(_ names: [String]) -> [UInt8] {
            Array("{\(names.map { "\"\($0)\":0" }.joined(separator: ","))}".utf8)
        }
        let names = (0..<count).map { "n\($0)" }
        #expect(refusal(of: object(names)) == nil)
        for repeated in [0, count / 2, count - 1] {
            #expect(refusal(of: object(names + [names[repeated]]))?.reason == .duplicateName)
            let escaped = "\\u006e\(repeated)"
            #expect(refusal(of: object(names + [escaped]))?.reason == .duplicateName)
            #expect(refusal(of: object([escaped] + names))?.reason == .duplicateName)
        }
    }

    @Test func `names of an object that is closed do not count for its neighbour or its parent`() {
        let many = (0..<40).map { "\"n\($0)\":{\"n0\":0,\"\\u006e1\":0}" }.joined(separator: ",")
        #expect(refusal(of: Array("[{\(many)},{\(many)}]".utf8)) == nil)
        #expect(refusal(of: Array("[{\(many)},{\(many),\"n39\":0}]".utf8))?.reason == .duplicateName)
    }

    @Test func `a byte counts the same wherever it stands in a string`() throws {
        for byte in UInt8(0)..<128 {
            for place in 0..<20 {
                var content = [UInt8](repeating: UInt8(ascii: "a"), count: 20)
                content[place] = byte
                let isPlain = byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                let quoted = Array("\"".utf8) + content + Array("\"".utf8)
                #expect(((try? JSONText(quoted)) != nil) == isPlain, "\(byte) at \(place)")
                let written = Array(jsonString(text(content)).utf8)
                #expect((written == quoted) == isPlain, "\(byte) at \(place)")
                let read = try JSONText(written)
                #expect(read.string(read.root) == text(content))
            }
        }
    }
}

/// Why the text is refused; `nil` when it is accepted.
func refusal(of json: [UInt8]) -> JSONError? {
    do {
        _ = try JSONText(json)
        return nil
    } catch {
        return error
    }
}
