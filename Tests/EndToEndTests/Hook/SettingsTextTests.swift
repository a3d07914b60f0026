import Testing

@testable import OrgLoopQueueCommand

/// The settings file as a text that is not ours.
@Suite struct SettingsTextTests {
    private static let recogniser = HookRecogniser(url: "http://127.0.0.1:4810")
    private static let entry = HookEntry(action: .command("/b/orgloop-queue hook claude-code"))

    // MARK: Inverse

    /// Files that have hooks on other events, or members beside the hooks.
    static let shapes = [
        // As Claude Code writes it.
        """
        {
          "model": "opus",
          "hooks": {
            "Stop": [
              {
                "matcher": "",
                "hooks": [
                  {
                    "type": "command",
                    "command": "orgloop hook claude-code-stop"
                  }
                ]
              }
            ]
          },
          "env": { "A": "1" }
        }

        """,
        // Minified, with and without spaces.
        #"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}]},"n":1.50e+2}"#,
        #"{"a": 1, "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say \"hi\""}]}]}}"#,
        // Tabs, and no newline at the end.
        "{\n\t\"hooks\": {\n\t\t\"PreToolUse\": [\n\t\t\t{ \"matcher\": \"Bash\", \"hooks\": [] }\n\t\t]\n\t},\n\t\"z\": null\n}",
        // Windows line ends.
        "{\r\n    \"b\": [ ],\r\n    \"hooks\": {\r\n        \"Notification\": []\r\n    }\r\n}\r\n",
        // Odd, and valid.
        "\n {\"hooks\"\n:\n{ \"Notification\" : [ ] } , \"a\":\t1e2 }\n\n",
        // Groups on the event that we use.
        #"{"hooks":{"SessionEnd":[{"hooks":[{"type":"command","command":"bye"}]}]}}"#,
        "{\n  \"hooks\": {\n    \"SessionEnd\": [\n      { \"hooks\": [ { \"command\": \"bye\" } ] }\n    ]\n  }\n}\n",
        // No hooks at all, but something else.
        #"{"permissions":{"allow":[]}}"#, "{\n  \"a\": \"\\u00e9\\/\"\n}\n",
    ]

    @Test(arguments: shapes, [[HookEvent.sessionEnd], [.stop], [.sessionEnd, .stop, .stopFailure]])
    func `an uninstall undoes an install byte for byte`(_ shape: String, _ events: [HookEvent]) throws {
        let before = try SettingsText(Array(shape.utf8))
        let installed = try before.installing(Self.entry, on: events, Self.recogniser)
        #expect(installed.ours(Self.recogniser).map(\.event).sorted() == events.map(\.rawValue).sorted())
        #expect(installed.hooks.count == before.hooks.count + events.count)
        let again = try installed.installing(Self.entry, on: events, Self.recogniser)
        #expect(again.bytes == installed.bytes)
        let after = try installed.uninstalling(Self.recogniser)
        #expect(String(decoding: after.bytes, as: UTF8.self).utf8.elementsEqual(shape.utf8))
    }

    @Test(arguments: shapes)
    func `whatever is installed over it, an uninstall leaves the file as it was`(_ shape: String) throws {
        var text = try SettingsText(Array(shape.utf8))
        let http = HookEntry(action: .http(url: "http://127.0.0.1:4810/webhook/cc", secretVariable: "S"))
        for (entry, events) in [
            (Self.entry, [HookEvent.stop]), (http, [.sessionEnd, .stop]), (Self.entry, [.sessionEnd]),
        ] {
            text = try text.installing(entry, on: events, Self.recogniser)
            #expect(text.ours(Self.recogniser).count == events.count)
        }
        #expect(try text.uninstalling(Self.recogniser).bytes == Array(shape.utf8))
    }

    @Test func `every byte outside of what is inserted stays`() throws {
        for shape in Self.shapes {
            let before = Array(shape.utf8)
            let after = try SettingsText(before).installing(Self.entry, on: [.sessionStart], Self.recogniser).bytes
            let start = zip(before, after).prefix { $0 == $1 }.count
            let end = zip(before.reversed(), after.reversed()).prefix { $0 == $1 }.count
            // The text is what it was with one piece put in somewhere.
            #expect(start + end >= before.count, "\(shape)")
            #expect(after.count > before.count)
        }
    }

    @Test(arguments: [nil, "", " \n", "{}", "{}\n"] as [String?])
    func `a file without anything gets the layout of Claude Code, and is an empty object afterwards`(
        _ content: String?
    ) throws {
        let text = try SettingsText(content.map { Array($0.utf8) })
        let installed = try text.installing(Self.entry, on: [.sessionEnd], Self.recogniser)
        let written = String(decoding: installed.bytes, as: UTF8.self)
        #expect(
            written.trimmingSuffix(while: \.isNewline) == """
                {
                  "hooks": {
                    "SessionEnd": [
                      {
                        "hooks": [
                          {
                            "type": "command",
                            "command": "/b/orgloop-queue hook claude-code",
                            "timeout": 10
                          }
                        ]
                      }
                    ]
                  }
                }
                """)
        let after = try installed.uninstalling(Self.recogniser)
        #expect(after.bytes == Array((content == "{}" ? "{}" : "{}\n").utf8))
    }

    @Test func `an array that our hook alone kept from being empty goes with it`() throws {
        let text = try SettingsText(Array(#"{"hooks":{"SessionEnd":[],"Stop":[{}]},"a":1}"#.utf8))
        let after = try text.installing(Self.entry, on: [.sessionEnd], Self.recogniser).uninstalling(Self.recogniser)
        #expect(String(decoding: after.bytes, as: UTF8.self) == #"{"hooks":{"Stop":[{}]},"a":1}"#)
    }

    // MARK: Style

    @Test func `what is inserted follows the file's indentation and line ends`() throws {
        let tabs = try Self.installed("{\n\t\"hooks\": {\n\t\t\"Stop\": []\n\t}\n}")
        #expect(tabs.contains("\n\t\t\"SessionEnd\": [\n\t\t\t{\n\t\t\t\t\"hooks\": [\n\t\t\t\t\t{\n"))
        #expect(tabs.hasSuffix("\n\t\t]\n\t}\n}"))
        let windows = try Self.installed("{\r\n    \"hooks\": {}\r\n}\r\n")
        #expect(windows.contains("{\r\n        \"SessionEnd\": [\r\n            {\r\n"))
        #expect(windows.utf8.count { $0 == 0x0A } == windows.utf8.count { $0 == 0x0D })
        let minified = try Self.installed(#"{"hooks":{"Stop":[]}}"#)
        #expect(
            minified == #"{"hooks":{"Stop":[],"SessionEnd":[{"hooks":[{"type":"command","#
                + #""command":"/b/orgloop-queue hook claude-code","timeout":10}]}]}}"#)
    }

    @Test func `an http hook names its variable and nothing more`() throws {
        let entry = HookEntry(action: .http(url: "http://127.0.0.1:4810/webhook/cc", secretVariable: "S"))
        let text = try SettingsText(Array(#"{"a":1}"#.utf8)).installing(entry, on: [.stop], Self.recogniser)
        #expect(
            String(decoding: text.bytes, as: UTF8.self)
                == #"{"a":1,"hooks":{"Stop":[{"hooks":[{"type":"http","url":"http://127.0.0.1:4810/webhook/cc","#
                + #""timeout":10,"headers":{"Authorization":"Bearer ${S}"},"allowedEnvVars":["S"]}]}]}}"#)
    }

    // MARK: Ours and others'

    @Test func `a hook that somebody moved into another group is removed alone`() throws {
        let shape =
            #"{"hooks":{"Stop":[{"hooks":[{"command":"a"},{"command":"/x/orgloop-queue hook claude-code"},{"command":"b"}]}]}}"#
        let text = try SettingsText(Array(shape.utf8)).uninstalling(Self.recogniser)
        #expect(
            String(decoding: text.bytes, as: UTF8.self)
                == #"{"hooks":{"Stop":[{"hooks":[{"command":"a"},{"command":"b"}]}]}}"#)
    }

    @Test func `a hook of ours that says the same in other white space is left as it is`() throws {
        let shape =
            #"{"hooks":{"SessionEnd":[{"hooks":[ {"type":"command" ,"#
            + #""command" : "/b/orgloop-queue hook claude-code", "timeout": 10 }]}]}}"#
        #expect(try Self.installed(shape) == shape)
    }

    static let commands: [(String, HookOrigin)] = [
        ("/b/orgloop-queue hook claude-code", .command(program: "/b/orgloop-queue")),
        ("orgloop-queue hook claude-code --source x", .command(program: "orgloop-queue")),
        ("'/my bin/orgloop-queue' hook claude-code", .command(program: "/my bin/orgloop-queue")),
        (#""/my bin/orgloop-queue"  hook "claude-code""#, .command(program: "/my bin/orgloop-queue")),
        (#"/my\ bin/orgloop-queue hook claude-code"#, .command(program: "/my bin/orgloop-queue")),
        ("A=1 exec /b/orgloop-queue hook claude-code; true", .wrapped),
        ("echo 'it'\\''s' && /b/orgloop-queue hook claude-code", .wrapped),
        ("/b/orgloop-queue hook claude-codex", .foreign), ("/b/my-orgloop-queue hook claude-code", .foreign),
        ("orgloop-queue status", .foreign), ("echo 'orgloop-queue hook claude-code'", .foreign), ("", .foreign),
        ("orgloop hook claude-code-stop", .orgLoop(port: 4800)),
        ("npx orgloop hook claude-code-stop --timeout 5 --port 4810", .orgLoop(port: 4810)),
        ("orgloop hook claude-code-stop --port=4810", .orgLoop(port: 4810)),
        ("ORGLOOP_PORT=4811 orgloop hook claude-code-stop", .orgLoop(port: 4811)),
    ]

    @Test(arguments: commands.indices)
    func `a hook is recognised by what it runs`(_ index: Int) {
        let (command, origin) = Self.commands[index]
        #expect(Self.recogniser.origin(command: command, arguments: nil, target: nil) == origin)
    }

    @Test func `a hook that runs without a shell and an http hook are recognised, too`() {
        let words = ["hook", "claude-code"]
        #expect(
            Self.recogniser.origin(command: "/my bin/orgloop-queue", arguments: words, target: nil)
                == .command(program: "/my bin/orgloop-queue"))
        for (target, isOurs) in [
            ("http://127.0.0.1:4810/webhook/cc", true), ("http://localhost:4810/webhook/cc", true),
            ("http://127.0.0.1:4800/webhook/cc", false), ("http://127.0.0.1:4810/other", false),
            ("http://127.0.0.1:48101/webhook/cc", false),
        ] {
            #expect(Self.recogniser.origin(command: nil, arguments: nil, target: target).isOurs == isOurs)
        }
    }

    // MARK: Refusals

    static let problems = [
        ("{\n  \"a\": 1,\n}", 3, 1, "comma"), ("{\n  // mine\n}", 2, 3, "comment"), ("[]", 1, 1, "object"),
        ("{\"é\": 1 \"b\": 2}", 1, 9, "comma"), ("{\"a\": 'b'}", 1, 7, "double quotes"), ("{", 1, 2, "end"),
        ("{\"a\":1,\"a\":2}", 1, 8, "one of the two"), ("\u{FEFF}{}", 1, 1, "byte order mark"),
        ("{} x", 1, 4, "follows"),
    ]

    @Test(arguments: problems.indices)
    func `what is not strict JSON is refused with its place and what mends it`(_ index: Int) {
        let (text, line, column, word) = Self.problems[index]
        let problem = #expect(throws: SettingsText.Problem.self) { try SettingsText(Array(text.utf8)) }
        #expect(problem?.line == line)
        #expect(problem?.column == column)
        #expect((problem.map { $0.mend + $0.message } ?? "").contains(word), "\(problem?.mend ?? "")")
    }

    @Test(arguments: [#"{"hooks":[]}"#, #"{"hooks":{"SessionEnd":{}}}"#, #"{"hooks":null}"#])
    func `something else in the place of the hooks is refused and not replaced`(_ shape: String) throws {
        let text = try SettingsText(Array(shape.utf8))
        let problem = #expect(throws: SettingsText.Problem.self) {
            try text.installing(Self.entry, on: [.sessionEnd], Self.recogniser)
        }
        #expect(problem?.message.contains("is not an") == true)
        #expect(try text.uninstalling(Self.recogniser).bytes == text.bytes)
    }

    private static func installed(_ shape: String) throws -> String {
        let text = try SettingsText(Array(shape.utf8)).installing(entry, on: [.sessionEnd], recogniser)
        return String(decoding: text.bytes, as: UTF8.self)
    }
}

@Suite struct WrappedHookTests {
    private static let recogniser = HookRecogniser(url: "http://127.0.0.1:4810")

    @Test(arguments: [
        "notify-send done; tee -a ~/log | orgloop-queue hook claude-code && rm -f /tmp/lock",
        "echo orgloop-queue hook claude-code # just text", "orgloop-queue hook claude-code # mine",
        "orgloop-queue hook claude-code >> log", "/bin/x/orgloop-queue hook claude-code --exit-status $(status)",
        "/bin/x/orgloop-queue hook claude-code --exit-status \"`status`\"", "sudo orgloop-queue hook claude-code",
        "orgloop-queue hook claude-code\nother",
    ])
    func `a command of the user's own around ours is left alone, and known to send here`(_ command: String) throws {
        #expect(Self.recogniser.origin(command: command, arguments: nil, target: nil) == .wrapped)
        let quoted = JSONOutput.quoted(command)
        let file = #"{"hooks":{"SessionEnd":[{"hooks":[{"type":"command","command":\#(quoted)}]}]}}"#
        let text = try SettingsText(Array(file.utf8))
        #expect(text.ours(Self.recogniser).isEmpty)
        #expect(HookReport.doubles(text, Self.recogniser).count == 1)
    }

    @Test(arguments: [
        "orgloop-queue hook claude-code", "'/a b/orgloop-queue' hook claude-code --config '/c;d/#e&.yaml'",
        "$HOME/bin/orgloop-queue hook claude-code", "/x/orgloop-queue hook claude-code --source 'a|b'",
        "/x/orgloop-queue hook claude-code --config a#b",
    ])
    func `a command that is ours alone is ours, whatever its arguments are spelled like`(_ command: String) {
        #expect(Self.recogniser.origin(command: command, arguments: nil, target: nil).isOurs)
    }
}

extension String {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        var text = self
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return text
    }
}
