/// NIO's own HTTP server in a process of its own, which answers without looking: the most that an HTTP server on NIO
/// can do here.
struct ResponderPeer: Peer {
    private let program: ReadyProgram
    let form: SignedRequestForm

    var port: Int { program.port }

    func stop() { program.stop() }

    static func start(in scratch: BenchScratch) async throws -> ResponderPeer {
        let order = SpawnedProgram.Order(
            words: [try BenchService.path(), "bench", BenchResponderCommand.name], environment: scratch.environment,
            errors: scratch.path("responder.log"))
        let program = try await ReadyProgram.start(order, in: scratch)
        let form = SignedRequestForm(
            host: "\(BenchService.host):\(program.port)", source: ServicePlace.source, secret: TokenFile.makeToken())
        return ResponderPeer(program: program, form: form)
    }
}
