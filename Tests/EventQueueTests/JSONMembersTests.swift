import EventQueue
import Testing

struct JSONMembersTests {
    @Test func `the outermost members are listed in order with the bytes they were sent as`() throws {
        let json = try JSONText(
            Array(#" { "a" : 1.0e+2 , "\u0062":[ 1 ] ,"c":"x\ty","d":{"a":{}},"e":null} "#.utf8))
        #expect(json.members.map { json.name(of: $0) } == ["a", "b", "c", "d", "e"])
        #expect(
            json.members.map { text(json.raw($0.value)) } == [
                "1.0e+2", "[ 1 ]", #""x\ty""#, #"{"a":{}}"#, "null",
            ])
        #expect(json.members.map(\.value.kind) == [.number, .array, .string, .object, .null])
        #expect(text(json.raw(json.root)).hasPrefix("{") && text(json.raw(json.root)).hasSuffix("}"))
        #expect(json["b"]?.kind == .array)
        #expect(json["B"] == nil)
    }

    @Test(arguments: ["[]", "[{\"a\":1}]", "1", "\"a\"", "null"])
    func `a text that is no object has no members`(source: String) throws {
        let json = try JSONText(Array(source.utf8))
        #expect(json.members.isEmpty)
        #expect(json["a"] == nil)
    }

    @Test func `the elements of an array are listed in order, of nested ones too`() throws {
        let json = try JSONText(Array(#"{"a":[1, [2,3] ,{"b":4},"x"],"e":[ ]}"#.utf8))
        let array = try #require(json["a"])
        #expect(json.elements(of: array).map { text(json.raw($0)) } == ["1", "[2,3]", #"{"b":4}"#, #""x""#])
        #expect(json.elements(of: try #require(json["e"])).isEmpty)
        #expect(json.elements(of: json.root).isEmpty)
    }

    @Test func `a path leads through nested objects only`() throws {
        let json = try JSONText(Array(#"{"a":{"b":{"c":"deep"},"b2":1},"x.y":2,"l":[{"c":1}]}"#.utf8))
        #expect(json.value(at: ["a", "b", "c"]).flatMap(json.string) == "deep")
        #expect(json.value(at: ["a", "b2"]).flatMap(json.integer) == 1)
        #expect(json.value(at: ["x.y"]).flatMap(json.integer) == 2)
        #expect(json.value(at: []) == nil)
        #expect(json.value(at: ["a", "c"]) == nil)
        #expect(json.value(at: ["l", "c"]) == nil)
        #expect(json.value(at: ["a", "b2", "c"]) == nil)
    }

    @Test func `names are compared by their bytes, not as Swift compares strings`() throws {
        let json = try JSONText(Array("{\"e\u{301}\":1,\"\u{E9}\":2}".utf8))
        #expect(json["\u{E9}"].flatMap(json.integer) == 2)
        #expect(json["e\u{301}"].flatMap(json.integer) == 1)
    }

    @Test(arguments: [
        (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u20AC""#, "Aé€"),
        (#""\ud83d\ude00!""#, "😀!"), (#""a\ud83d""#, "a\u{FFFD}"), (#""\ude00b""#, "\u{FFFD}b"),
        (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ud83d\n""#, "\u{FFFD}\n"), (#""é😀""#, "é😀"),
        (#""\ud83d\u0041""#, "\u{FFFD}A"),
    ])
    func `a string is decoded, a surrogate that stands alone becomes U+FFFD`(source: String, decoded: String)
        throws
    {
        let json = try JSONText(Array(source.utf8))
        #expect(json.string(json.root) == decoded)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("1.0", 1), ("1e0", 1), ("10e-1", 1), ("1.50E1", 15),
            ("0.0e99999999999999999999", 0), ("100", 100), ("1e17", 100_000_000_000_000_000), ("2.000", 2),
            ("1.5", nil), ("1e-1", nil), ("0.99999999999999999999999", nil), ("1e18", nil),
            ("1e99999999999999999999", nil),
            ("1e-99999999999999999999", nil), ("\"1\"", nil), ("true", nil), ("1e4000000000", nil),
        ] as [(String, Int?)])
    func `a number is an integer by its value, not by its spelling`(source: String, value: Int?) throws {
        let json = try JSONText(Array(source.utf8))
        #expect(json.integer(json.root) == value)
    }

    @Test func `what is written as a JSON string reads back the same`() throws {
        let hard = "\"\\/\u{0}\u{1}\u{8}\u{C}\n\r\t\u{1F}\u{7F}\u{2028}é😀"
        let json = try JSONText(Array(jsonString(hard).utf8))
        #expect(json.string(json.root) == hard)
        #expect(jsonString("a\u{1}\"") == #""a\u0001\"""#)
    }

    @Test func `built bytes are the concatenation of what was appended`() {
        var json = JSONBytes()
        json.literal(#"{"a":"#)
        json.array([1, -2]) { $0.integer($1) }
        json.literal(#","b":"#)
        json.array([String]()) { $0.string($1) }
        json.literal(#","c":"#)
        json.boolean(false)
        json.raw(Array("}".utf8))
        #expect(text(json.bytes) == #"{"a":[1,-2],"b":[],"c":false}"#)
    }
}
