import Foundation

/// Redis with an append-only file that is synced before each answer, spoken to in its own protocol.
struct RedisPeer: Peer {
    let port: Int
    private let program: SpawnedProgram
    private let scratch: BenchScratch

    var form: RedisRequestForm { RedisRequestForm() }

    var usage: ProcessUsage? { ProcessUsage(of: program.processID) }

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
            throw CommandFailure(
                message: "redis-server was not ready within \(SpawnedProgram.patience)",
                mend: "Try it by itself: redis-server.")
        }
        return RedisPeer(port: port, program: program, scratch: scratch)
    }
}

/// A port for a program that cannot take a free one by itself.
enum LoopbackPort {
    /// One that is free now; somebody else could take it before the program does.
    static func free() throws -> Int {
        #if canImport(Darwin)
            let stream = SOCK_STREAM
        #else
            let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, stream, 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else {
            throw CommandFailure(message: "no free port: \(String(cString: strerror(errno)))", mend: "Try again.")
        }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
