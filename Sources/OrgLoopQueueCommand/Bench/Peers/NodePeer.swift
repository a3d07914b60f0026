/// A receiver in Node that does the same work and appends to a file.
struct NodePeer: Peer {
    private let program: ReadyProgram
    let form: SignedRequestForm

    var port: Int { program.port }
    var usage: ProcessUsage? { program.usage }

    func stop() { program.stop() }

    /// How it appends; without a flag each line by itself, and answers when it is written.
    enum Flag: String, Sendable {
        /// Lines that come while a write is under way share the next one.
        case grouped = "--grouped"
        /// It answers when the lines are on disk.
        case fsync = "--fsync"
    }

    static func start(_ flags: [Flag], in scratch: BenchScratch) async throws -> NodePeer {
        let node = try ReadyProgram.path(of: "node")
        let name = (["node"] + flags.map(\.rawValue)).joined()
        let script = scratch.path("receiver.mjs")
        do {
            try PrivateFile.replace(script, with: PackageResources.receiver_mjs)
        } catch {
            throw CommandFailure(message: error.message, mend: "Make room there, or name another --directory.")
        }
        let secret = TokenFile.makeToken()
        var order = SpawnedProgram.Order(
            words: [node, script, scratch.path(name + ".jsonl")] + flags.map(\.rawValue),
            environment: scratch.environment, errors: scratch.path(name + ".log"))
        order.environment["RECEIVER_SECRET"] = secret
        let program = try await ReadyProgram.start(order, in: scratch)
        let form = SignedRequestForm(
            host: "\(BenchService.host):\(program.port)", source: ServicePlace.source, secret: secret)
        return NodePeer(program: program, form: form)
    }
}
