import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// `service install`, `uninstall` and `status` with a stand-in for systemctl that keeps what it was told.
@Suite(
    .timeLimit(.minutes(5)), .aFewAtATime,
    .enabled(if: FileManager.default.fileExists(atPath: "/proc/self/exe"), "systemd is of Linux"))
struct ServiceCommandTests {
    @Test func `an install writes the unit, checks nothing away and starts the service`() async throws {
        let machine = try Machine()
        let run = try await machine.run(["install", "--user"])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("\(machine.unit): written"))
        let unit = try machine.read(machine.unit)
        #expect(unit.contains("ExecStart=\(try Binary.path()) serve --database \(machine.scratch.database)\n"))
        #expect(try Scratch.mode(of: machine.unit) == 0o644)
        #expect(
            try machine.told() == [
                "--user daemon-reload", "--user enable --now orgloop-queue.service",
            ])
        let status = try await machine.run(["status", "--user", "--json"])
        #expect(status.status == 0)
        #expect(status.output.contains(#""installed":true,"enabled":true,"active":true,"state":"active""#))
    }

    @Test func `a second install changes nothing; another path replaces the unit and restarts it`() async throws {
        let machine = try Machine()
        #expect(try await machine.run(["install", "--user"]).status == 0)
        let again = try await machine.run(["install", "--user"])
        #expect(again.status == 0)
        #expect(again.output.contains(": unchanged"))
        #expect(try !machine.told().contains("--user restart orgloop-queue.service"))
        let other = try await machine.run(["install", "--user", "--database", "other.db", "--json"])
        #expect(other.status == 0)
        #expect(other.output.contains(#""change":"replaced","running":true"#))
        #expect(try machine.told().last == "--user restart orgloop-queue.service")
        #expect(try machine.read(machine.unit).contains("--database \(machine.scratch.path)/other.db\n"))
    }

    @Test func `an uninstall stops it, removes the unit and leaves the database`() async throws {
        let machine = try Machine()
        #expect(try await machine.run(["install", "--user"]).status == 0)
        await (try await ServiceProcess.start(in: machine.scratch)).stop()
        let before = try machine.scratch.read("state/orgloop-queue/queue.db")
        let run = try await machine.run(["uninstall", "--user"])
        #expect(run.status == 0, "\(run.error)")
        #expect(!FileManager.default.fileExists(atPath: machine.unit))
        #expect(
            try machine.told().suffix(2) == [
                "--user disable --now orgloop-queue.service", "--user daemon-reload",
            ])
        #expect(try machine.scratch.read("state/orgloop-queue/queue.db") == before)
        let again = try await machine.run(["uninstall", "--user"])
        #expect(again.status == 0)
        #expect(again.output.contains(": absent"))
        let status = try await machine.run(["status", "--user"])
        #expect(status.status == 1)
        #expect(status.error.contains("service install"))
    }

    @Test func `a unit of somebody else is not touched without --force`() async throws {
        let machine = try Machine()
        #expect(try await machine.run(["install", "--user", "--no-start"]).status == 0)
        try Data("[Service]\nExecStart=/bin/true\n".utf8).write(to: URL(filePath: machine.unit))
        for verb in ["install", "uninstall"] {
            let run = try await machine.run([verb, "--user"])
            #expect(run.status == 1)
            #expect(run.error.contains("not written by orgloop-queue"))
            #expect(run.error.contains("--force"))
        }
        #expect(try machine.read(machine.unit) == "[Service]\nExecStart=/bin/true\n")
        #expect(try await machine.run(["install", "--user", "--force"]).status == 0)
        #expect(try machine.read(machine.unit).contains("orgloop-queue service file"))
    }

    @Test func `a configuration that could not start is refused before anything is written`() async throws {
        let machine = try Machine()
        try machine.scratch.write("listne: 1", to: "q.yaml")
        let run = try await machine.run(["install", "--user", "--config", "q.yaml"])
        #expect(run.status == 1)
        #expect(run.error.contains("q.yaml:1:1: listne: unknown key"))
        #expect(!FileManager.default.fileExists(atPath: machine.unit))
        #expect(try machine.told().isEmpty)
    }

    @Test func `variables count as the service will have them, from its own file`() async throws {
        let machine = try Machine()
        try machine.scratch.write(
            "sources: [{ id: cc, connector: \"@orgloop/connector-claude-code\", config: { secret: \"${S}\" } }]",
            to: "q.yaml")
        let here = try await machine.run(["install", "--user", "--config", "q.yaml"], environment: ["S": "hush"])
        #expect(here.status == 1)
        #expect(here.error.contains("/config/orgloop-queue/environment"))
        let directory = machine.scratch.path + "/config/orgloop-queue"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try machine.scratch.write("# mine\nS='hush'\n", to: "config/orgloop-queue/environment")
        let run = try await machine.run(["install", "--user", "--config", "q.yaml"])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("chmod 600"))
        #expect(!run.output.contains("hush"))
        #expect(try machine.read(machine.unit).contains(" --config \(machine.scratch.path)/q.yaml "))
        let unset = try await machine.run(
            ["install", "--user", "--no-start"], environment: ["CLAUDE_CODE_WEBHOOK_SECRET": "hush"])
        #expect(unset.output.contains("CLAUDE_CODE_WEBHOOK_SECRET is set here, but not for the service"))
    }

    @Test func `without a manager the unit is written and the commands are told`() async throws {
        for program in [Machine.broken, nil] {
            let machine = try Machine(systemctl: program)
            let run = try await machine.run(["install", "--user"])
            #expect(run.status == 0, "\(run.error)")
            #expect(run.output.contains("systemd does not answer here"))
            #expect(run.lines.contains("  systemctl --user enable --now orgloop-queue.service"))
            #expect(FileManager.default.fileExists(atPath: machine.unit))
            #expect(try await machine.run(["status", "--user"]).status == 1)
            let removal = try await machine.run(["uninstall", "--user", "--json"])
            #expect(removal.status == 0)
            #expect(removal.output.contains("systemctl --user disable --now orgloop-queue.service"))
        }
    }

    @Test func `a service that does not start is a failure that names the log`() async throws {
        let machine = try Machine(systemctl: Machine.failing)
        let run = try await machine.run(["install", "--user"])
        #expect(run.status == 1)
        #expect(run.error.contains("enable --now orgloop-queue.service` failed: it did not start"))
        #expect(run.error.contains("journalctl --user -u orgloop-queue"))
    }

    @Test(arguments: [
        ["install", "--user", "--system"], ["install", "--listen", "nowhere"], ["install", "--user", "--run-as", "x"],
        ["install", "--system", "--run-as", "a b"], ["status", "--user", "--system"],
    ])
    func `misuse exits 2`(_ arguments: [String]) async throws {
        let run = try await Machine().run(arguments)
        #expect(run.status == 2, "\(run.error)")
    }

    @Test func `the system's service runs as a user that has to exist`() async throws {
        let run = try await Machine().run(["install", "--system", "--run-as", "nobody-of-that-name"])
        #expect(run.status == 1)
        #expect(run.error.contains("useradd --system"))
    }

    // MARK: systemd's own judgement

    private static let analysis: ConditionTrait = .enabled(
        if: Tool.has("systemd-analyze"), "systemd-analyze is not installed")

    @Test(analysis, arguments: [["--user"], ["--system"]])
    func `systemd-analyze verify finds nothing in a unit, whatever the paths are`(_ scope: [String]) async throws {
        let machine = try Machine()
        let names = [
            "q.db", "per%cent/q.db", "sp ace/q.db", "quo\"te/q.db", "dol$lar/q.db", "back\\slash/q.db", "ü/q.db",
        ]
        for name in names {
            let arguments = ["install", "--dry-run", "--database", name, "--listen", "127.0.0.1:4811"]
            let run = try await machine.run(arguments + scope)
            #expect(run.status == 0, "\(run.error)")
            try await Self.verify(run.output, scope, in: machine.scratch)
        }
    }

    @Test(analysis)
    func `systemd-analyze verify does find a mistake`() async throws {
        let machine = try Machine()
        let unit = try await machine.run(["install", "--dry-run", "--system"]).output
        let wrong = unit.replacing("ProtectHome=", with: "ProtectHouse=")
        let run = try await Self.analyze(wrong, ["--system"], in: machine.scratch)
        #expect(run.error.contains("ProtectHouse"))
    }

    private static func verify(_ unit: String, _ scope: [String], in scratch: Scratch) async throws {
        let run = try await analyze(unit, scope, in: scratch)
        #expect(run.status == 0, "\(run.error)")
        #expect(run.error == "")
        #expect(run.output == "")
    }

    private static func analyze(_ unit: String, _ scope: [String], in scratch: Scratch) async throws -> Binary.Result {
        let directory = scratch.path + "/units"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try scratch.write(unit, to: "units/orgloop-queue.service")
        let run = try ChildProcess(
            Tool.path("systemd-analyze"), ["verify"] + scope + ["./units/orgloop-queue.service"], in: scratch,
            environment: ["XDG_RUNTIME_DIR": scratch.path])
        let output = await run.readToEnd()
        let status = await run.waitForExit()
        return Binary.Result(status: status, output: output, error: run.standardError)
    }
}

/// A home with a stand-in for systemctl before everything else in `PATH`.
private struct Machine {
    let scratch: Scratch
    /// Where the unit of the user goes.
    var unit: String { scratch.path + "/config/systemd/user/orgloop-queue.service" }

    /// Keeps its arguments, and whether the service was started.
    static let working = """
        #!/bin/sh
        echo "$*" >>"$HOME/told"
        case "$*" in
        *"enable --now"*) : >"$HOME/active" ;;
        *"disable --now"*) /bin/rm -f "$HOME/active" ;;
        *is-enabled*) [ -e "$HOME/active" ] ;;
        *is-active*) if [ -e "$HOME/active" ]; then echo active; else echo inactive; exit 3; fi ;;
        esac
        """
    /// As in a container.
    static let broken = "#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n"
    static let failing = "#!/bin/sh\ncase \"$*\" in *enable*) echo 'it did not start'; exit 1 ;; esac\n"

    init(systemctl: String? = working) throws {
        scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.path + "/bin", withIntermediateDirectories: true)
        guard let systemctl else { return }
        let path = try scratch.write(systemctl, to: "bin/systemctl")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Binary.Result {
        // Nothing else is in PATH, so the machine's own systemctl is never reached; `sh` lies at a fixed place.
        let own = ["PATH": scratch.path + "/bin", "XDG_CONFIG_HOME": scratch.path + "/config"]
        return try await Binary.run(
            ["service"] + arguments, in: scratch, environment: own.merging(environment) { $1 })
    }

    func read(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    /// What systemctl was called with, questions about the state left out.
    func told() throws -> [String] {
        guard let data = FileManager.default.contents(atPath: scratch.path + "/told") else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { !$0.contains(" is-") && $0 != "--user show-environment" }
    }
}
