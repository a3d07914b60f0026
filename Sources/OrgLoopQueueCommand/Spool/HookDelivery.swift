import EventQueue
import EventQueueHTTP
import EventQueueSQLite
import Foundation

/// Brings one hook's request to the service, or keeps it for the service, within the time that a hook has.
struct HookDelivery {
    /// Where a hook's request belongs.
    struct Target: Sendable {
        /// Where the service is, as far as anybody knows.
        let url: String?
        /// Whether that URL was named, and not found by the database.
        let isURLNamed: Bool
        /// The spool beside the service's database.
        let spool: Spool
        /// Where this user's requests go when that spool cannot be written; `nil` where there is no home.
        let shared: Spool?
    }

    /// What became of it.
    enum Outcome: Equatable {
        case delivered
        /// It waits in a spool, on disk, in a file of this name.
        case kept(spool: String, name: String)
        /// The service will not take it; the file is set aside.
        case refused(reason: String, path: String)
    }

    let target: Target

    /// A local service accepts a connection at once; one that does not is not there.
    private static let connectTimeout: Duration = .milliseconds(300)
    /// From the start to the end of everything that goes over the network, well below the 1.5 seconds that
    /// Claude Code gives to a SessionEnd hook.
    private static let budget: Duration = .milliseconds(700)

    /// - Parameter others: The same request, signed with the other secrets of a rotation: a service that has not
    ///   read its configuration again does not know the new one.
    /// - Throws: What the file system answered when it could not be kept anywhere.
    func deliver(_ request: SpooledRequest, orElse others: [SpooledRequest] = [], key: String) async throws -> Outcome {
        let deadline = ContinuousClock.now + Self.budget
        // Behind others it waits in their line, so that the events come in the order of their firing.
        let isFirst = target.spool.waiting().isEmpty
        guard isFirst, let url = target.url else { return try await keepInLine(request, key: key, until: deadline) }
        var answer = await post(request, to: url, until: deadline)
        for other in others {
            guard case .refused(401, _) = answer else { break }
            answer = await post(other, to: url, until: deadline)
        }
        switch answer {
        case .taken: return await emptyShared(until: deadline)
        case .refused(_, let reason):
            return .refused(reason: reason, path: try reject(request, key: key, reason: reason))
        case .postponed: return try keep(request, key: key)
        }
    }

    /// Keeps it behind what waits, and brings all of it as far as the time allows.
    private func keepInLine(
        _ request: SpooledRequest, key: String, until deadline: ContinuousClock.Instant
    ) async throws -> Outcome {
        let kept: Outcome
        do {
            kept = try keep(request, key: key)
        } catch {
            // Out of its order is better than not at all.
            if let url = target.url, case .taken = await post(request, to: url, until: deadline) { return .delivered }
            throw error
        }
        return await empty(target.spool, until: deadline, orElse: kept)
    }

    // MARK: Keeping

    private func keep(_ request: SpooledRequest, key: String) throws -> Outcome {
        try elsewhere(request) { spool, request in
            .kept(spool: spool.directory, name: try spool.put(request, key: key))
        }
    }

    private func reject(_ request: SpooledRequest, key: String, reason: String) throws -> String {
        try elsewhere(request) { try $0.putRejected($1, key: key, reason: reason) }
    }

    /// Writes beside the database, or else where this user may.
    private func elsewhere<Result>(
        _ request: SpooledRequest, _ write: (Spool, SpooledRequest) throws -> Result
    ) throws -> Result {
        do {
            return try write(target.spool, request)
        } catch {
            guard let shared = target.shared, shared.directory != target.spool.directory else { throw error }
            // There it has to say whose it is.
            return try write(shared, request.addressed(to: request.url ?? target.url))
        }
    }

    // MARK: Emptying

    /// Posts what waits, its own file among it.
    private func empty(_ spool: Spool, until deadline: ContinuousClock.Instant, orElse kept: Outcome) async -> Outcome {
        guard case .kept(_, let name) = kept, let url = target.url else { return kept }
        let pass = SpoolPass(spool: spool, url: url, scope: target.isURLNamed ? .addressed : .unaddressed)
        let result = await spool.emptying { await pass.run { await post($0, to: url, until: deadline) } }
        // Somebody else may be emptying it; that is as good.
        guard let result else { return kept }
        if let refused = result.setAside.first(where: { $0.path.hasSuffix("/" + name) }) {
            return .refused(reason: refused.reason, path: refused.path)
        }
        return spool.waiting().contains(name) ? kept : .delivered
    }

    /// What this user had to keep elsewhere while the service did not answer.
    private func emptyShared(until deadline: ContinuousClock.Instant) async -> Outcome {
        guard let shared = target.shared, let url = target.url, shared.directory != target.spool.directory,
            !shared.waiting().isEmpty
        else { return .delivered }
        let pass = SpoolPass(spool: shared, url: url, scope: .addressed)
        _ = await shared.emptying { await pass.run { await post($0, to: url, until: deadline) } }
        return .delivered
    }

    private func post(
        _ request: SpooledRequest, to url: String, until deadline: ContinuousClock.Instant
    ) async -> SpoolAnswer {
        let left = deadline - ContinuousClock.now
        guard left > .zero else { return .postponed("no time is left") }
        do throws(QueueClient.Failure) {
            let client = try QueueClient(url: url, connectTimeout: min(Self.connectTimeout, left))
            let reply = try await client.send(
                "POST", "/webhook/\(request.source)", headers: request.headers.map { ($0.name, $0.value) },
                body: request.body, timeout: left)
            return SpoolAnswer(status: reply.status, body: reply.body)
        } catch {
            return .postponed("\(error)")
        }
    }
}

extension HookDelivery.Target {
    /// Finds the service that this configuration means.
    ///
    /// - Parameter named: A URL that was named by a flag or the environment.
    init(_ configuration: ServiceConfiguration, url named: String?, environment: [String: String]) {
        let held: String? =
            if case .held(_, let url) = ServiceLock.look(database: configuration.database) { url } else { nil }
        let configured = configuration.listen.port == 0 ? nil : configuration.listen.localURL
        self.init(
            url: named ?? held ?? configured, isURLNamed: named != nil,
            spool: Spool(database: configuration.database), shared: Self.shared(environment))
    }

    /// The directory for all services of this user.
    static func shared(_ environment: [String: String]) -> Spool? {
        ConfigurationLoader.stateDirectory(environment).map { Spool(directory: $0 + "/spool") }
    }
}
