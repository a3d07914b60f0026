import EventQueue
import Foundation
import Testing

/// Databases that a verb must leave as they are while the service is stopped, and what it says instead.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct UntouchedTests {
    static let verbs = [
        ["status"], ["events"], ["tail"], ["send", "claude-code"], ["poll", "claude-code"],
        ["resume", "claude-code", "--reason", "r"], ["prune", "--dry-run", "--keep", "1d"], ["import", "-"],
    ]

    @Test(.enabled(if: Tool.has("sqlite3"), "needs the sqlite3 shell"), arguments: verbs)
    func `no verb migrates a database of an older version; it names the command that does`(
        _ verb: [String]
    ) async throws {
        let scratch = try Scratch()
        try await Self.makeOld("old.db", in: scratch)
        let before = try scratch.read("old.db")
        let run = try await Binary.run(verb + ["--database", "old.db"], in: scratch, input: "")
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.error.contains("0002_operating"))
        #expect(run.error.contains("orgloop-queue migrate --database old.db"))
        #expect(try scratch.read("old.db") == before)
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "needs the sqlite3 shell"))
    func `the command that is named, and a start of the service, migrate it`() async throws {
        for isByHand in [true, false] {
            let scratch = try Scratch()
            try await Self.makeOld("old.db", in: scratch)
            if isByHand {
                let run = try await Binary.run(["migrate", "--database", "old.db"], in: scratch)
                let names = [
                    "0002_operating", "0003_buffers", "0004_quarantine_orders", "0005_secrets", "0006_cheap_checks",
                ]
                #expect(run.lines == names.map { "applied \($0)" })
            } else {
                #expect(try await ServiceProcess.start(in: scratch, ["--database", "old.db"]).stop() == 0)
            }
            let status = try await Binary.run(["status", "--database", "old.db"], in: scratch)
            #expect(status.status == 0, "\(status.error)")
        }
    }

    @Test(.enabled(if: User.isOrdinary || User.canBecomeOrdinary, "needs setpriv when root runs the tests"))
    func `a database that this user may not write is refused with what helps`() async throws {
        let scratch = try await Self.made()
        try Self.open(scratch)
        for directory in [0o755, 0o555] {
            try Self.setMode(directory, of: scratch.state)
            let run = try await User.run(["status"], in: scratch)
            #expect(run.status == 1)
            #expect(run.error.contains("This user may not write \(scratch.database)"))
            #expect(run.error.contains("as the user of the service"))
            #expect(run.error.contains("sqlite3 'file:\(scratch.database)?immutable=1'"))
            // What it says can be done can be.
            #expect(try await User.run(["verify"], in: scratch).status == 0)
        }
        try Self.setMode(0o755, of: scratch.state)
    }

    @Test(.enabled(if: User.isOrdinary || User.canBecomeOrdinary, "needs setpriv when root runs the tests"))
    func `a database that this user may not see is not called missing`() async throws {
        let scratch = try await Self.made()
        try Self.open(scratch)
        try Self.setMode(0o600, of: scratch.state)
        for verb in [["verify"], ["export"], ["backup", "b.db"], ["status"]] {
            let run = try await User.run(verb, in: scratch)
            #expect(run.status == 1)
            #expect(run.error.contains("Permission denied"), "\(run.error)")
            #expect(run.error.contains("as the user of the service"), "\(run.error)")
            #expect(!run.error.contains("no database"), "\(run.error)")
        }
        try Self.setMode(0o700, of: scratch.state)
    }

    @Test(.enabled(if: Tool.has("sqlite3"), "needs the sqlite3 shell"))
    func `what is printed for a damaged file makes a database of what can be read`() async throws {
        let scratch = try await Self.made(events: 200)
        let page = 4096
        var bytes = try scratch.read("state/orgloop-queue/queue.db")
        // A leaf of the events' table (https://www.sqlite.org/fileformat2.html): without the schema there is nothing
        // to be salvaged.
        let leaves = stride(from: 0, to: bytes.count, by: page).filter { start in
            bytes[start] == 0x0D && bytes[start..<start + page].firstRange(of: Data("\"payload\"".utf8)) != nil
        }
        let start = try #require(leaves.dropFirst(leaves.count / 2).first)
        bytes.replaceSubrange(start..<start + page, with: [UInt8](repeating: 0xA5, count: page))
        try bytes.write(to: URL(filePath: scratch.database))
        let refused = try await Binary.run(["status"], in: scratch)
        #expect(refused.status == 1)
        #expect(refused.error.contains("is damaged"))
        let line = refused.error.split(separator: "\n").first { $0.contains(".dump") } ?? ""
        let command = line.drop { $0 != "(" }
        let salvage = try await Binary.shell(String(command), in: scratch)
        #expect(salvage.status == 0, "\(salvage.error)")
        #expect(try scratch.read("state/orgloop-queue/queue.db") == bytes)
        let salvaged = scratch.database + ".salvaged"
        let status = try await Binary.run(["status", "--database", salvaged], in: scratch)
        #expect(status.status == 0, "\(status.error)")
        let events = try await SQLiteShell.rows("SELECT count(*) FROM event", of: salvaged, in: scratch)
        #expect(events.first.flatMap { Int($0) } ?? 0 > 100)
    }

    // MARK: Helpers

    private static func made(events: Int = 1) async throws -> Scratch {
        let service = try await ServiceProcess.start(in: Scratch())
        #expect(try await service.run(["send", "claude-code", "--count", "\(events)"]).status == 0)
        #expect(await service.stop() == 0)
        return service.scratch
    }

    /// Lets everybody look at everything, and nobody write the database.
    private static func open(_ scratch: Scratch) throws {
        for path in [scratch.path, scratch.path + "/state", scratch.state] { try setMode(0o755, of: path) }
        for file in try FileManager.default.contentsOfDirectory(atPath: scratch.state) where file != "token" {
            try setMode(0o444, of: scratch.state + "/" + file)
        }
    }

    private static func setMode(_ mode: Int, of path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// A database as the first version of this program made it.
    private static func makeOld(_ name: String, in scratch: Scratch) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Migrations")
        let migration = try Data(contentsOf: folder.appending(path: "0001_initial.sql"))
        let hash = Fingerprint(of: migration).description
        let script = """
            PRAGMA journal_mode = WAL;
            \(String(decoding: migration, as: UTF8.self))
            INSERT INTO migration VALUES (1, '0001_initial', '\(hash)', '2026-01-01T00:00:00.000Z');
            PRAGMA user_version = 1;
            PRAGMA application_id = \(0x4F4C_5051);
            """
        let shell = try ChildProcess(Tool.path("sqlite3"), ["-bail", name], in: scratch, input: script)
        _ = await shell.readToEnd()
        #expect(await shell.waitForExit() == 0, "\(shell.standardError)")
    }
}

/// A user for whom the modes of files mean something.
enum User {
    private static let nobody = "65534"

    static var isOrdinary: Bool { geteuid() != 0 }
    static var canBecomeOrdinary: Bool { !isOrdinary && Tool.has("setpriv") }

    /// Runs a verb as an ordinary user: as whoever runs the tests, unless that is root.
    static func run(_ verb: [String], in scratch: Scratch) async throws -> Binary.Result {
        guard !isOrdinary else { return try await Binary.run(verb, in: scratch) }
        let drop = ["--reuid", nobody, "--regid", nobody, "--clear-groups", try Binary.path()]
        let run = try ChildProcess(Tool.path("setpriv"), drop + verb, in: scratch)
        let output = await run.readToEnd()
        let status = await run.waitForExit()
        return Binary.Result(status: status, output: output, error: run.standardError)
    }
}
