/// Something that the service is compared with, while it runs.
protocol Peer: Sendable {
    /// How a body is sent to it.
    associatedtype Form: RequestForm

    var form: Form { get }
    var host: String { get }
    var port: Int { get }
    /// What its process takes; unknown where nothing tells it.
    var usage: ProcessUsage? { get }

    /// Ends it.
    func stop()
}

extension Peer {
    /// What the bench starts itself listens there.
    var host: String { BenchService.host }

    /// Has it answer for as long as the plan says.
    ///
    /// - Parameter rateMax: Answers a second that it is not expected to exceed: so many requests are written down
    ///   beforehand.
    func measure(
        _ plan: LoadPlan, rateMax: Double, _ bodies: inout SessionBodies, _ progress: LoadProgress
    ) async throws -> LoadFigures {
        let stage = progress.stage
        progress.begin("signing requests")
        let pool = RequestPool(plan.requests(rateMax: rateMax), of: form, bodies: &bodies)
        progress.begin(stage)
        return try await LoadGenerator(host: host, port: port, progress: progress).run(plan, pool)
    }
}

extension BenchService: Peer {
    func stop() { kill() }
}
