/// A receiver in Node that does the same work and appends to a file.
struct NodePeer: Peer {
    private let program: ReadyProgram
    let form: SignedRequestForm

    var port: Int { program.port }

    func stop() { program.stop() }

    /// - Parameter isSynced: Whether it answers when the lines are on disk, or when they are written.
    static func start(isSynced: Bool, in scratch: BenchScratch) async throws -> NodePeer {
        let node = try ReadyProgram.path(of: "node")
        let name = isSynced ? "node-fsync" : "node"
        let script = scratch.path("receiver.mjs")
        do {
            try PrivateFile.replace(script, with: PackageResources.receiver_mjs)
        } catch {
            throw CommandFailure(message: error.message, mend: "Make room there, or name another --directory.")
        }
        let secret = TokenFile.makeToken()
        var order = SpawnedProgram.Order(
            words: [node, script, scratch.path(name + ".jsonl")] + (isSynced ? ["--fsync"] : []),
            environment: scratch.environment, errors: scratch.path(name + ".log"))
        order.environment["RECEIVER_SECRET"] = secret
        let program = try await ReadyProgram.start(order, in: scratch)
        let form = SignedRequestForm(
            host: "\(BenchService.host):\(program.port)", source: ServicePlace.source, secret: secret)
        return NodePeer(program: program, form: form)
    }
}
