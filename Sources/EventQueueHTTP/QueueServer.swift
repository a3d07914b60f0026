public import EventQueue
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle

/// The HTTP service: receiver, consumer API, health and metrics on one listener.
public struct QueueServer: Service {
    /// Where it listens and what it bears.
    public struct Configuration: Sendable {
        /// The address or name to listen on.
        public var host: String
        /// The port to listen on; 0 takes a free one.
        public var port: Int
        /// Further names under which it may be called, as Host headers have them; one without a port goes
        /// with any.
        public var hosts: [String]
        /// The bounds of requests and connections.
        public var limits: Limits.Settings
        /// What a call to prune goes by when it names no bound of its own.
        public var retention = Retention()

        /// - Parameter hosts: Needed beside the listen address and the loopback names behind a proxy, say.
        public init(host: String, port: Int, hosts: [String] = [], limits: Limits.Settings = .init()) {
            self.host = host
            self.port = port
            self.hosts = hosts
            self.limits = limits
        }
    }

    /// How long requests in flight may take to end once the service is to stop; what is left of the promised
    /// eight seconds is for closing what did not.
    static let drainTime: Duration = .seconds(5)

    /// How many may wait in the kernel to be let in: when it has no room, a sender's system tries again after a second.
    private static let backlog = 4096

    private let configuration: Configuration
    private let doorbell: Doorbell
    private let health: Health
    private let logger: Logger
    private let gate: Gate
    private let connections: Connections
    private let settings: Current<Limits.Settings>
    private let retention: Current<Retention>
    private let reception: Reception
    private let responder: Responder
    private let onReady: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - doorbell: The bell that `store` rings.
    ///   - token: What callers of the consumer API present.
    ///   - health: What `/ready` tells; the caller keeps it up to date.
    ///   - reloads: Where a call has the configuration read again; `nil` where nobody reads it.
    ///   - metrics: What `/metrics` tells; the store reports to it, too, if it was opened so.
    ///   - onReady: Called with the port once the socket is bound and before a connection is accepted, so it
    ///     must not wait for an answer of this service.
    public init(
        configuration: Configuration, sources: SourceRegistry, store: any EventStore, doorbell: Doorbell,
        ids: EventIDGenerator, token: AccessToken, health: Health, clock: @escaping TimeSource,
        reloads: Reloads? = nil, metrics: Metrics, logger: Logger,
        onReady: @escaping @Sendable (Int) async -> Void
    ) {
        self.configuration = configuration
        self.doorbell = doorbell
        self.health = health
        self.logger = logger
        self.onReady = onReady
        gate = Gate(listenHost: configuration.host, hosts: configuration.hosts)
        settings = Current(configuration.limits)
        retention = Current(configuration.retention)
        connections = Connections(settings: settings, metrics: metrics)
        let longPoll = LongPoll(store: store, doorbell: doorbell) { metrics.polled(in: $0) }
        let budget = ByteBudget(bytes: configuration.limits.inFlightBytesMax)
        let readiness = SharedReading { await health.look() }
        reception = Reception(
            gate: gate,
            receiver: Receiver(
                sources: sources, store: store, ids: ids, health: health, settings: settings,
                now: clock, metrics: metrics, logger: logger),
            budget: budget)
        responder = Responder(
            gate: gate, settings: settings,
            api: ConsumerAPI(
                store: store, longPoll: longPoll, now: clock, sources: sources, ids: ids, retention: retention,
                reloads: reloads, metrics: metrics, logger: logger),
            token: token, readiness: readiness, metrics: metrics, connections: connections,
            budget: budget,
            exposition: SharedReading { [settings, connections] in
                metrics.text(
                    Metrics.Moment(
                        now: clock(), status: try? await store.status(), configuration: reloads?.standing,
                        isReady: (try? await readiness.next().value) == .ready, limits: settings.value,
                        connectionsOpen: connections.count, bytesInFlight: budget.bytesTaken))
            })
    }

    /// Serves `sources` by what `configuration` says from the next request on, and drops no connection; what is
    /// being answered keeps what it found. Host and port are those that the server was made with.
    public func reconfigure(_ configuration: Configuration, sources: [Source]) {
        gate.admit(hosts: configuration.hosts)
        settings.replace(with: configuration.limits)
        reception.budget.resize(to: configuration.limits.inFlightBytesMax)
        retention.replace(with: configuration.retention)
        reception.receiver.sources.replace(with: sources)
    }

    /// Takes in a request that did not come over the network as if its sender had posted it now: the same
    /// verification, the same bounds, the same answer.
    ///
    /// - Parameters:
    ///   - source: The name in the path.
    ///   - headers: Those that the sender made.
    ///   - sentAt: When it left its sender: a signed time is judged by that.
    /// - Returns: The status that the sender would have got, and the body with the reason where it is not 200.
    public func receive(
        source: String, headers: some HeaderLookup, body: [UInt8], sentAt: Timestamp
    ) async -> (status: Int, body: [UInt8]) {
        let receiver = reception.receiver
        let answer: Answer
        switch receiver.admit(method: "POST", source: source, headers: headers) {
        case .refused(let refusal): answer = refusal
        case .admitted(let source):
            answer =
                body.count > receiver.limits.bodyBytesMax
                ? receiver.tooLarge(source)
                : await receiver.receive(source, headers: headers, body: body, sentAt: sentAt)
        }
        receiver.metrics.refused(answer)
        return (answer.status, answer.body)
    }

    /// Serves until it is told to stop.
    ///
    /// A graceful shutdown stops accepting, answers the polls that wait, lets requests in flight end, and
    /// is over within eight seconds. Hummingbird alone waits for every connection that has begun a request,
    /// and a peer that never sends the rest or never reads its answer would hold it for ever: neither
    /// cancellation nor half-closing ends such a wait, only closing the socket does.
    ///
    /// - Throws: What binding the socket throws, a port in use for example.
    public func run() async throws {
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await serve()
            } onGracefulShutdown: {
                beginStopping()
            }
        } onCancel: {
            beginStopping()
            connections.closeAll()
        }
    }

    private func beginStopping() {
        health.beginStopping()
        doorbell.shut()
    }

    private func serve() async throws {
        let application = application()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await application.run()
                } catch {
                    // Connections that were closed under it are no failure of the service.
                    if !health.isStopping { throw error }
                }
            }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: Self.drainTime)
                logger.notice("closing the connections that have not ended")
                connections.closeAll()
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func application() -> Application<Responder> {
        // The framework tells of its start, of its parts and of each request; the service tells of its own.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return Application(
            responder: responder,
            server: HTTPServerBuilder { responder in
                GuardedConnection(
                    responder: responder, reception: reception, settings: settings, connections: connections)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), backlog: Self.backlog,
                availableConnectionsDelegate: ConnectionQuota(settings: settings, metrics: connections.metrics)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? configuration.port
                gate.isBound(to: port)
                // The quota is asked before each reading of the listener, which takes in several at once otherwise.
                try? await channel.setOption(.maxMessagesPerRead, value: 1).get()
                await onReady(port)
            },
            logger: quiet)
    }
}
