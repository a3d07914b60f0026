import EventQueueHTTP
import NIOCore
import NIOPosix

/// Keeps a number of requests in flight: each connection sends its next request when the last one was answered.
///
/// All connections are on one event loop, so that the generator takes no more than one core, and the same share of the
/// machine whatever it measures.
struct LoadGenerator {
    let host: String
    let port: Int
    let progress: LoadProgress

    /// Loopback connections are there at once or not at all.
    private static let connectTimeout = TimeAmount.seconds(10)

    /// Opens the connections, then starts the clock and runs `script` to the end of `plan`.
    ///
    /// - Returns: What was measured, unexpected answers included.
    /// - Throws: ``CommandFailure`` when nobody listens, or when nothing is answered any more.
    func run(_ plan: LoadPlan, _ script: some LoadScript) async throws -> LoadFigures {
        DescriptorLimit.raise(for: plan.connections)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: LoadFigures.self)
        let scene = try await loop.submit {
            let run = LoadRun(plan.limit, done: done, progress: progress)
            return NIOLoopBound((run: run, dialogues: script.dialogues(plan.connections)), eventLoop: loop)
        }.get()
        do {
            for number in 0..<plan.connections { try await connect(number, scene, script.framing, on: loop) }
        } catch {
            // Nobody waits for it; a promise must be kept all the same.
            done.fail(error)
            try await loop.submit { scene.value.run.abandon() }.get()
            throw error
        }
        try await loop.submit { scene.value.run.start(on: loop) }.get()
        return try await done.futureResult.get()
    }

    private typealias Scene = NIOLoopBound<(run: LoadRun, dialogues: [any Dialogue])>

    private func connect(
        _ number: Int, _ scene: Scene, _ framing: any AnswerFraming, on loop: any EventLoop
    ) async throws {
        do {
            _ = try await ClientBootstrap(group: loop)
                .connectTimeout(Self.connectTimeout)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let (run, dialogues) = scene.value
                        let connection = LoadConnection(run, dialogues[number], framing)
                        run.add(connection)
                        try channel.pipeline.syncOperations.addHandler(connection)
                    }
                }
                .connect(host: host, port: port).get()
        } catch {
            throw CommandFailure(
                message: "cannot connect to \(host):\(port): \(error)",
                mend: "Start the service with: orgloop-queue serve, or name another with --url.")
        }
    }
}
