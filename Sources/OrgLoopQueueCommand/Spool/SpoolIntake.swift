import EventQueue
import EventQueueHTTP
import Logging
import ServiceLifecycle
import Synchronization

/// Where the service listens, once it does.
final class ServiceAddress: Sendable {
    private let known = Mutex<String?>(nil)

    /// `nil` before the port is bound.
    var url: String? {
        get { known.withLock(\.self) }
        set { known.withLock { $0 = newValue } }
    }
}

/// Takes in what hooks have left for the service while it did not answer: at its start, and whenever
/// something appears.
struct SpoolIntake: Service {
    /// Beside the database.
    private let own: Spool
    /// Where a hook leaves what is for a service whose database it does not know, or may not write beside;
    /// files in it that name another service are left alone.
    private let shared: Spool?
    private let address: ServiceAddress
    private let server: QueueServer
    private let logger: Logger

    /// A look at an empty directory costs microseconds, and nobody waits for a hook's event.
    private static let interval: Duration = .seconds(1)
    /// A port is bound within milliseconds.
    private static let startInterval: Duration = .milliseconds(10)

    /// - Parameter address: Nothing is taken in before it is known.
    init(
        database: String, environment: [String: String], address: ServiceAddress, server: QueueServer,
        logger: Logger
    ) {
        let own = Spool(database: database)
        let shared = HookDelivery.Target.shared(environment)
        self.own = own
        self.shared = shared?.directory == own.directory ? nil : shared
        self.address = address
        self.server = server
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var diary = Diary()
            while !Task.isCancelled {
                if let url = address.url { await look(as: url, &diary) }
                try? await Task.sleep(for: address.url == nil ? Self.startInterval : Self.interval)
            }
        }
    }

    /// What was said already, so that a trouble that lasts is told once.
    private struct Diary {
        var postponed: String?
        var troubles: Set<String> = []
        /// Files of other services.
        var foreign: Set<String> = []
    }

    private func look(as url: String, _ diary: inout Diary) async {
        await empty(SpoolPass(spool: own, url: url, scope: .everything), &diary)
        guard let shared else { return }
        await empty(SpoolPass(spool: shared, url: url, scope: .addressed), &diary)
    }

    private func empty(_ pass: SpoolPass, _ diary: inout Diary) async {
        guard !diary.foreign.isSuperset(of: pass.spool.waiting()) else { return }
        let foreign = diary.foreign
        guard let result = await pass.spool.emptying({ await pass.run(skipping: foreign, take) }) else { return }
        diary.foreign.formUnion(result.foreign)
        if result.taken > 0 {
            logger.notice(
                "took in what hooks had left",
                metadata: ["spool": "\(pass.spool.directory)", "requests": "\(result.taken)"])
        }
        for (path, reason) in result.setAside {
            logger.warning("a spool file was set aside", metadata: ["path": "\(path)", "reason": "\(reason)"])
        }
        if let reason = result.postponed, reason != diary.postponed, !Task.isCancelled {
            logger.warning("the spool has to wait", metadata: ["reason": "\(reason)"])
        }
        diary.postponed = result.postponed
        for trouble in result.troubles where diary.troubles.insert(trouble).inserted {
            logger.warning("a spool file cannot be taken in", metadata: ["reason": "\(trouble)"])
        }
    }

    private func take(_ request: SpooledRequest) async -> SpoolAnswer {
        let answer = await server.receive(
            source: request.source, headers: request, body: request.body, sentAt: request.firedAt)
        return SpoolAnswer(status: answer.status, body: answer.body)
    }
}
