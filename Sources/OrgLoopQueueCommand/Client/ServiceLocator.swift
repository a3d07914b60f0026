import EventQueueSQLite
import Foundation

/// Finds what answers a verb: a service that runs, or the database that nobody serves.
///
/// A URL that was named decides. Without one the database does: who holds its lock says where it listens.
struct ServiceLocator: Sendable {
    /// What was found.
    enum Place {
        case running(ServiceConnection)
        /// Nobody serves the database; the verb can.
        case stopped
    }

    let configuration: ServiceConfiguration
    /// The URL that was named, if one was.
    let url: String?
    /// The token to present; a failure to read it matters only where a service is called.
    let token: Result<String?, CommandFailure>
    /// Whether a flag or the environment named the database, and not the configuration or the default.
    let isDatabaseNamed: Bool
    /// Whether the verb begins a new database where one is named that does not exist.
    var makesDatabase = false

    /// A service that starts has said where it listens long before, and so have most verbs that serve
    /// themselves ended.
    private static let patience: Duration = .seconds(10)
    private static let pause: Duration = .milliseconds(20)
    /// A person who waits longer wonders what for.
    private static let silence: Duration = .seconds(1)

    /// - Throws: ``CommandFailure`` that says which is missing, the service or the database, and how to get it.
    func locate() async throws -> Place {
        if let url { return .running(try connection(url)) }
        switch await settledStanding() {
        case .held(let processID, let url):
            return .running(try await answering(heldBy: processID, at: url))
        case .free, .absent:
            guard let reason = try missingReason() else { return .stopped }
            if makesDatabase, isDatabaseNamed { return .stopped }
            return .running(try await answeringWithoutDatabase(reason))
        case .unreadable(let reason):
            return .running(try await answeringBehindLock(reason))
        }
    }

    /// Who holds the lock of the database at this moment.
    var standing: ServiceLock.Standing { ServiceLock.look(database: configuration.database) }

    // MARK: Candidates

    private func answering(heldBy processID: Int32?, at url: String?) async throws -> ServiceConnection {
        // Only its holder says where this database is served: the configured address may serve another one.
        if let url {
            let service = try connection(url)
            if await service.answers() { return service }
        }
        let holder = processID.map { "process \($0)" } ?? "another process"
        let place = url.map { " at \($0)" } ?? ""
        throw CommandFailure(
            message: "no service answers\(place), and \(holder) holds the database \(configuration.database)",
            mend: "Wait if it is starting or another verb is at work; else stop \(holder), or name the service "
                + "with --url.")
    }

    private func answeringWithoutDatabase(_ reason: String) async throws -> ServiceConnection {
        guard !isDatabaseNamed else {
            throw CommandFailure(
                message: "there is no database \(configuration.database): \(reason)",
                mend: "Check --database and ORGLOOP_QUEUE_DATABASE, make one with orgloop-queue migrate, or name a "
                    + "service with --url.")
        }
        return try await answeringAsConfigured(
            otherwise: CommandFailure(
                message: "there is neither a service\(configured.map { " at \($0)" } ?? "") nor a database "
                    + "\(configuration.database): \(reason)",
                mend: "Start the service with: orgloop-queue serve. If it listens elsewhere, name it with --url; "
                    + "name another database with --database."))
    }

    private func answeringBehindLock(_ reason: String) async throws -> ServiceConnection {
        try await answeringAsConfigured(
            otherwise: CommandFailure(
                message: "no service answers\(configured.map { " at \($0)" } ?? ""), and the lock file "
                    + "\(configuration.database).lock cannot be read: \(reason)",
                mend: "Run this as the user of the service, or name the service with --url."))
    }

    private func answeringAsConfigured(otherwise failure: CommandFailure) async throws -> ServiceConnection {
        guard let configured else { throw failure }
        let service = try connection(configured)
        guard await service.answers() else { throw failure }
        return service
    }

    // MARK: Facts

    /// Where the configuration says that the service listens; `nil` when it takes a free port.
    private var configured: String? {
        configuration.listen.port == 0 ? nil : configuration.listen.localURL
    }

    /// Why there is no database file; `nil` when there is one.
    ///
    /// - Throws: ``CommandFailure`` when this user may not see whether there is one.
    private func missingReason() throws -> String? {
        var status = stat()
        guard stat(configuration.database, &status) != 0 else { return nil }
        let code = errno
        let reason = String(cString: strerror(code))
        guard [ENOENT, ENOTDIR].contains(code) else {
            throw CommandFailure(
                message: "the database \(configuration.database) cannot be reached: \(reason)",
                mend: "Run this as the user of the service, or name the service with --url.")
        }
        return reason
    }

    /// The lock as it stands once its holder has said where it listens, or after a while if it does not.
    private func settledStanding() async -> ServiceLock.Standing {
        let start = ContinuousClock.now
        var isAnnounced = false
        while true {
            let standing = self.standing
            let waited = ContinuousClock.now - start
            guard case .held(let processID, nil) = standing, waited < Self.patience else { return standing }
            if waited >= Self.silence, !isAnnounced {
                isAnnounced = true
                let holder = processID.map { "process \($0)" } ?? "another process"
                StandardStream.error.say(
                    "orgloop-queue: waiting for \(holder), which has the database \(configuration.database) and "
                        + "does not say yet where it listens")
            }
            // Cancelled, it looks once more and returns at the end of its patience.
            try? await Task.sleep(for: Self.pause)
        }
    }

    private func connection(_ url: String) throws -> ServiceConnection {
        try ServiceConnection(url: url, token: token.get())
    }
}
