import Foundation
import Testing

/// `hook install`, `uninstall` and `status` through the real binary, on files in a scratch home.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct HookCommandTests {
    private static let other = #"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]}}"#

    @Test func `an installed hook runs this program by its absolute path, and status finds it`() async throws {
        let scratch = try Scratch()
        let install = try await Binary.run(["hook", "install"], in: scratch)
        #expect(install.status == 0, "\(install.error)")
        let hook = try Self.hook("SessionEnd", in: ".claude/settings.json", scratch)
        #expect(hook.type == "command")
        #expect(hook.command == "\(try Binary.path()) hook claude-code")
        #expect(hook.timeout == 10)
        let status = try await Binary.run(["hook", "status", "--json"], in: scratch)
        #expect(status.status == 0)
        let report = try JSONDecoder().decode(Status.self, from: Data(status.output.utf8))
        #expect(report.installed)
        #expect(report.files.map(\.place) == ["user", "project", "local"])
        // The scratch directory is home and project at once.
        #expect(report.files[0].hooks.map(\.event) == ["SessionEnd"])
        #expect(report.files[2].hooks.isEmpty)
        let doctor = try await Binary.run(["doctor"], in: scratch)
        #expect(doctor.lines.contains { $0.hasPrefix("ok") && $0.contains(".claude/settings.json") })
    }

    @Test func `a second install changes nothing and says so, and an uninstall leaves the file as it was`() async throws
    {
        let scratch = try Scratch()
        let file = try Self.settings(Self.other, in: scratch)
        let first = try await Binary.run(["hook", "install", file], in: scratch)
        #expect(first.status == 0)
        #expect(first.output.contains("backup: \(file).orgloop-queue-backup"))
        let content = try scratch.read("settings.json")
        let second = try await Binary.run(["hook", "install", file], in: scratch)
        #expect(second.status == 0)
        #expect(second.output.contains("is as it should be: SessionEnd"))
        #expect(try scratch.read("settings.json") == content)
        let removal = try await Binary.run(["hook", "uninstall", file, "--json"], in: scratch)
        #expect(removal.status == 0)
        #expect(removal.output.contains(#""changed":true,"events":["SessionEnd"]"#))
        #expect(try String(decoding: scratch.read("settings.json"), as: UTF8.self) == Self.other)
        #expect(try await Binary.run(["hook", "uninstall", file], in: scratch).output.contains("as it should be"))
    }

    @Test func `a backup that differs is kept, and one that is the same is made once`() async throws {
        let scratch = try Scratch()
        let file = try Self.settings(Self.other, in: scratch)
        try scratch.write("somebody else's", to: "settings.json.orgloop-queue-backup")
        for _ in 0..<2 {
            #expect(try await Binary.run(["hook", "install", file], in: scratch).status == 0)
            #expect(try await Binary.run(["hook", "uninstall", file], in: scratch).status == 0)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
            .filter { $0.hasPrefix("settings.json.") }.sorted()
        let backup = "settings.json.orgloop-queue-backup"
        #expect(names == [backup, backup + "-2", backup + "-3"])
        #expect(try String(decoding: scratch.read(backup), as: UTF8.self) == "somebody else's")
        #expect(try String(decoding: scratch.read(backup + "-2"), as: UTF8.self) == Self.other)
    }

    @Test func `mode and link stay, and the file behind the link is changed`() async throws {
        let scratch = try Scratch()
        let directory = scratch.path + "/dotfiles"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try scratch.write(Self.other, to: "dotfiles/claude.json")
        let manager = FileManager.default
        try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: directory + "/claude.json")
        try manager.createSymbolicLink(
            atPath: scratch.path + "/settings.json", withDestinationPath: "dotfiles/claude.json")
        let run = try await Binary.run(["hook", "install", "settings.json"], in: scratch)
        #expect(run.status == 0, "\(run.error)")
        let link = try manager.destinationOfSymbolicLink(atPath: scratch.path + "/settings.json")
        #expect(link == "dotfiles/claude.json")
        #expect(try Scratch.mode(of: directory + "/claude.json") == 0o640)
        #expect(try String(decoding: scratch.read("dotfiles/claude.json"), as: UTF8.self).contains("SessionEnd"))
        #expect(try manager.contentsOfDirectory(atPath: directory) == ["claude.json"])
    }

    @Test func `other options replace the entry, and paths in it mean the same everywhere`() async throws {
        let scratch = try Scratch()
        let file = try Self.settings(Self.other, in: scratch)
        #expect(try await Binary.run(["hook", "install", file], in: scratch).status == 0)
        try scratch.write("sources: []", to: "my q.yaml")
        let arguments = ["--config", "my q.yaml", "--database", "./q.db", "--source", "cc", "--url", "http://h:1"]
        let run = try await Binary.run(
            ["hook", "install", file, "--event", "Stop", "--event", "StopFailure"] + arguments, in: scratch)
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("Stop fires once per turn"))
        let command = try #require(try Self.hook("StopFailure", in: "settings.json", scratch).command)
        // The shell that Claude Code uses sees these words.
        let shell = try ChildProcess("/bin/sh", ["-c", "printf '%s\\n' " + command], in: scratch)
        let words = await shell.readToEnd().split(separator: "\n").map(String.init)
        #expect(
            words.dropFirst(3) == [
                "--source", "cc", "--config", scratch.path + "/my q.yaml", "--database", scratch.path + "/q.db",
                "--url", "http://h:1",
            ])
        #expect(try !String(decoding: scratch.read("settings.json"), as: UTF8.self).contains("SessionEnd"))
    }

    @Test func `a dry run shows the difference and changes nothing`() async throws {
        let scratch = try Scratch()
        let file = try Self.settings("{\n  \"a\": 1\n}\n", in: scratch)
        let run = try await Binary.run(["hook", "install", file, "--dry-run"], in: scratch)
        #expect(run.status == 0)
        #expect(run.lines.first == "--- \(file)")
        #expect(run.lines.contains("-  \"a\": 1"))
        #expect(run.lines.contains("+  \"hooks\": {"))
        #expect(try String(decoding: scratch.read("settings.json"), as: UTF8.self) == "{\n  \"a\": 1\n}\n")
        #expect(!FileManager.default.fileExists(atPath: file + ".orgloop-queue-backup"))
    }

    @Test func `a file that is not strict JSON is refused with its place and left as it is`() async throws {
        let scratch = try Scratch()
        let text = "{\n  // mine\n  \"a\": 1\n}\n"
        let file = try Self.settings(text, in: scratch)
        for verb in ["install", "uninstall"] {
            let run = try await Binary.run(["hook", verb, file], in: scratch)
            #expect(run.status == 1)
            #expect(run.error.contains("\(file):2:3: "))
            #expect(run.error.contains("Remove the comment."))
        }
        #expect(try String(decoding: scratch.read("settings.json"), as: UTF8.self) == text)
        let status = try await Binary.run(["hook", "status", file], in: scratch)
        #expect(status.status == 1)
        #expect(status.output.contains("\(file):2:3: "))
    }

    @Test func `an http hook goes to the configured service and comes off again`() async throws {
        let scratch = try Scratch()
        let file = try Self.settings(Self.other, in: scratch)
        try scratch.write("listen: 127.0.0.1:4999", to: "q.yaml")
        let flags = ["--config", "q.yaml", "--http", "--secret-variable", "S"]
        let run = try await Binary.run(["hook", "install", file] + flags, in: scratch)
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("no spool"))
        #expect(
            try Self.hook("SessionEnd", in: "settings.json", scratch).url == "http://127.0.0.1:4999/webhook/claude-code"
        )
        let kept = try await Binary.run(["hook", "uninstall", file], in: scratch)
        #expect(kept.output.contains("no hook of orgloop-queue"))
        #expect(try await Binary.run(["hook", "uninstall", file, "--config", "q.yaml"], in: scratch).status == 0)
        #expect(try String(decoding: scratch.read("settings.json"), as: UTF8.self) == Self.other)
    }

    @Test func `OrgLoop's own hook stays, with a warning when it sends here as well`() async throws {
        for (flag, isTwice) in [("--port 4810", true), ("", false)] {
            let scratch = try Scratch()
            let command = "orgloop hook claude-code-stop \(flag)"
            let file = try Self.settings(
                #"{"hooks":{"Stop":[{"matcher":"","hooks":[{"type":"command","command":"\#(command)"}]}]}}"#,
                in: scratch)
            let run = try await Binary.run(["hook", "install", file], in: scratch)
            #expect(run.status == 0)
            #expect(run.output.contains("arrives twice") == isTwice)
            #expect(try Self.hook("Stop", in: "settings.json", scratch).command == command)
        }
    }

    @Test func `status exits 1 without a hook, and when the program is gone`() async throws {
        let scratch = try Scratch()
        let none = try await Binary.run(["hook", "status"], in: scratch)
        #expect(none.status == 1)
        #expect(none.error.contains("orgloop-queue hook install"))
        let file = try Self.settings(
            #"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"/gone/orgloop-queue hook claude-code"}]}]}}"#,
            in: scratch)
        let gone = try await Binary.run(["hook", "status", file], in: scratch)
        #expect(gone.status == 1)
        #expect(gone.output.contains("/gone/orgloop-queue is not there"))
    }

    @Test(arguments: [
        ["install", "--event", "Sometimes"], ["install", "--user", "--project"], ["install", "f", "--local"],
        ["install", "--secret-variable", "S"], ["install", "--http", "--secret-variable", "A-B"],
        ["install", "--http", "--event", "SessionStart"], ["install", "--source", "a b"], ["uninstall", ""],
    ])
    func `misuse exits 2`(_ arguments: [String]) async throws {
        let run = try await Binary.run(["hook"] + arguments, in: Scratch())
        #expect(run.status == 2, "\(run.error)")
        #expect(run.output.isEmpty)
    }

    // MARK: Helpers

    private struct Settings: Decodable {
        struct Group: Decodable { let hooks: [Hook] }
        let hooks: [String: [Group]]
    }

    private struct Hook: Decodable {
        let type: String
        let command: String?
        let url: String?
        let timeout: Int?
    }

    private struct Status: Decodable {
        struct File: Decodable {
            let place: String
            let hooks: [Hook]
        }
        struct Hook: Decodable { let event: String }
        let installed: Bool
        let files: [File]
    }

    private static func settings(_ text: String, in scratch: Scratch) throws -> String {
        try scratch.write(text, to: "settings.json")
    }

    /// The last hook on an event.
    private static func hook(_ event: String, in name: String, _ scratch: Scratch) throws -> Hook {
        let settings = try JSONDecoder().decode(Settings.self, from: scratch.read(name))
        return try #require(settings.hooks[event]?.last?.hooks.last)
    }
}
