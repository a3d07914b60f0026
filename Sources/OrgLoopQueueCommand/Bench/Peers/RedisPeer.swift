import Foundation

/// Redis with an append-only file that is synced before each answer, spoken to in its own protocol.
struct RedisPeer: Peer {
    let port: Int
    private let program: SpawnedProgram
    private let scratch: BenchScratch

    var form: RedisRequestForm { RedisRequestForm() }

    func stop() { scratch.stop(program) }

    static func start(in scratch: BenchScratch) async throws -> RedisPeer {
        let server = try ReadyProgram.path(of: "redis-server")
        let directory = scratch.path("redis")
        do {
            try PrivateFile.makeDirectory(directory)
        } catch {
            throw CommandFailure(message: error.message, mend: "Make room there, or name another --directory.")
        }
        let port = try LoopbackPort.free()
        // Rewriting its file beside the run would cost it more than it gains in seconds.
        let words = [
            server, "--port", "\(port)", "--bind", BenchService.host, "--dir", directory, "--daemonize", "no",
            "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--save", "",
        ]
        let program = try scratch.start(.init(words: words, environment: scratch.environment))
        let isReady = await Blocking.run {
            program.line { $0.contains("Ready to accept connections") ? true : nil } ?? false
        }
        guard isReady else {
            scratch.stop(program)
            throw CommandFailure(message: "redis-server did not start", mend: "Try it by itself: redis-server.")
        }
        return RedisPeer(port: port, program: program, scratch: scratch)
    }
}
