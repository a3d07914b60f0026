import Testing

@testable import OrgLoopQueueCommand

/// How the verbs write what they were told.
@Suite struct OutputTests {
    @Test(arguments: [
        (#"{"a":1,"event":{"x": [1, 2]},"b":2}"#, #"{"x": [1, 2]}"#),
        ("{ \"event\" : {\n \"k\":\"}\\\"\" } }", "{\n \"k\":\"}\\\"\" }"),
        (#"{"a":"event","b":{"event":1},"event":null}"#, "null"), (#"{"event":-1.50e3}"#, "-1.50e3"),
        (#"{"event":"a, b: c"}"#, #""a, b: c""#), (#"{"event":[]}"#, "[]"),
    ])
    func `a member is cut out byte for byte`(_ document: String, _ value: String) {
        let found = JSONOutput.member("event", in: Array(document.utf8))
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == value)
    }

    @Test(arguments: ["{}", #"{"events":1}"#, #"{"a":{"event":1}}"#, #"{"a":"event"}"#])
    func `a member that is not there is not found`(_ document: String) {
        #expect(JSONOutput.member("event", in: Array(document.utf8)) == nil)
    }

    @Test func `control characters are shown and not obeyed`() {
        #expect("a\u{1B}[2J\u{9B}\n\u{202E}b".printable == "a\\u{1b}[2J\\u{9b}\\u{a}\\u{202e}b")
        #expect("Grüße, 世界 👩‍👩‍👧".printable == "Grüße, 世界 👩‍👩‍👧")
    }

    @Test func `a printed command can be copied into a shell`() {
        #expect(
            CommandText.line(["replay", "--database", "my q.db", "--reason", "it's"])
                == #"orgloop-queue replay --database 'my q.db' --reason 'it'\''s'"#)
        #expect(CommandText.line(["a", "", "$HOME", "a;b"]) == "orgloop-queue a '' '$HOME' 'a;b'")
    }

    @Test func `columns that say nothing are left out`() {
        var table = Table([("A", .leading), ("B", .leading), ("C", .trailing)])
        table.add([.init("x"), .init("-"), .init("1")])
        table.add([.init("y"), .init("-"), .init("22")])
        #expect(table.withoutEmptyColumns().lines(colour: false) == ["A   C", "x   1", "y  22"])
    }
}
