import Foundation
import OrgLoopConnector
import Testing

/// A project with the connector, and engines that are started in it one after the other.
struct ConnectorScene {
    /// What the stand-in engine is told; `engine.mjs` explains it.
    struct Settings: Encodable {
        struct Source: Encodable {
            var id = "claude-code"
            var config: [String: String]
        }

        struct Route: Encodable {
            let name: String
            let actor: String
            var drop = false
            var type: String?
        }

        /// Numbers of deliveries to an actor, from 1.
        struct Actor: Encodable {
            var delayMilliseconds: Int?
            var holdAt: Int?
            var throwAt: Int?
            var failAt: Int?

            enum CodingKeys: String, CodingKey {
                case delayMilliseconds = "delay_ms"
                case holdAt = "hold_at"
                case throwAt = "throw_at"
                case failAt = "fail_at"
            }
        }

        var module = ""
        var project = ""
        var source = Source(config: [:])
        var interval = 20
        var routes = [Route(name: "all", actor: "agent")]
        var actors: [String: Actor] = [:]
        var logger = true
        var loggerURL = ""

        enum CodingKeys: String, CodingKey {
            case module, project, source, routes, actors, logger
            case interval = "interval_ms"
            case loggerURL = "logger_url"
        }
    }

    /// One line of an engine's output.
    struct Line: Decodable {
        var started: Int?
        var batch: [String]?
        var deliver: String?
        var count: Int?
        var done: Int?
        var aborted: Bool?
        var stopped: Int?
        /// Of the proxy.
        var url: String?
        var spoilt: Int?
    }

    let scratch: Scratch
    let project: String

    /// Where the JavaScript of these tests stands.
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().path
    static let hasNode = Tool.has("node")

    init(in scratch: Scratch) throws {
        self.scratch = scratch
        project = scratch.path + "/project"
        try FileManager.default.createDirectory(atPath: project, withIntermediateDirectories: true)
        try Data(ConnectorModule.content).write(to: URL(filePath: project + "/" + ConnectorModule.fileName))
    }

    /// Starts an engine that reads from `url`.
    func engine(
        _ url: String, _ change: (inout Settings) -> Void = { _ in }
    ) throws -> ScriptProcess {
        var settings = Settings()
        settings.module = project + "/" + ConnectorModule.fileName
        settings.project = project
        settings.source.config["url"] = url
        change(&settings)
        let text = String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)
        let file = try scratch.write(text, to: "engine-\(UUID().uuidString).json")
        return try ScriptProcess("engine.mjs", [file], in: scratch)
    }

    /// Every handing-over to an actor, as `id actor`, in order and over all engines.
    var deliveries: [String] {
        let text = try? String(contentsOfFile: project + "/deliveries", encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    /// The checkpoint that the engine has saved.
    var checkpointFile: URL {
        URL(filePath: project + "/.orgloop/checkpoints/checkpoints/claude-code.json")
    }
}

/// A program in JavaScript that tells its steps in JSON lines.
struct ScriptProcess {
    let child: ChildProcess

    init(_ name: String, _ arguments: [String], in scratch: Scratch) throws {
        child = try ChildProcess(
            Tool.path("node"), ["\(ConnectorScene.directory)/\(name)"] + arguments, in: scratch)
    }

    /// Reads on to the first line that `isWanted`.
    func line(_ isWanted: (ConnectorScene.Line) -> Bool) async throws -> ConnectorScene.Line {
        while let text = await child.readLine() {
            let line = try JSONDecoder().decode(ConnectorScene.Line.self, from: Data(text.utf8))
            if isWanted(line) { return line }
        }
        throw Binary.Missing(description: "it ended without the line that was waited for: \(child.standardError)")
    }

    func kill() async {
        child.send(signal: SIGKILL)
        _ = await child.waitForExit()
    }

    /// Ends it in order.
    func stop() async {
        child.send(signal: SIGTERM)
        #expect(await child.waitForExit() == 0, "\(child.standardError)")
    }
}

extension ServiceProcess {
    /// Waits until as many events as said are in each state, and no other.
    func waitForStates(_ expected: [String: Int]) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var states = try await states()
        while states != expected, ContinuousClock.now < deadline {
            await Task.yield()
            states = try await self.states()
        }
        #expect(states == expected)
    }

    /// The ids of the events in a state.
    func ids(_ state: String) async throws -> [String] { try await listed("--state", state) }

    /// What no history may ever show.
    func expectNoDoubleEmission() async throws {
        let rows = try await SQLiteShell.rows("SELECT * FROM double_emissions", of: scratch.database, in: scratch)
        #expect(rows == [])
    }
}
