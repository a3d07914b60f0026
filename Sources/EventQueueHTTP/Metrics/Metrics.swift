import CoreMetrics
public import EventQueue

/// What the service counts between its start and its end, and what it tells those who watch it.
public final class Metrics: Sendable {
    /// What is running: facts that do not change while it runs.
    public struct Build: Sendable {
        /// Of the program.
        public var version: String
        /// Names and values of whatever else is worth knowing, each a word.
        public var facts: [(name: String, value: String)]

        public init(version: String, facts: [(name: String, value: String)] = []) {
            self.version = version
            self.facts = facts
        }
    }

    /// How much lies in the spool of the hooks.
    public struct Spool: Sendable {
        /// How many requests wait.
        public let waiting: Int
        /// How many were set aside for good.
        public let rejected: Int

        public init(waiting: Int, rejected: Int) {
            self.waiting = waiting
            self.rejected = rejected
        }
    }

    private struct Answered: Hashable {
        let route: String
        let status: Int
    }

    private struct Received: Hashable {
        let source: Source.ID
        /// `stored`, `duplicate`, or why a request was rejected.
        let result: String
    }

    let build: Build
    let startedAt: Timestamp
    let spool: @Sendable () -> Spool?

    private let registry: PrometheusRegistry
    private let requests: Instruments<Answered, Counter>
    private let results: Instruments<Received, Counter>
    private let refusals: Instruments<Refusal, Counter>
    private let refusedCalls: Instruments<ProtocolRefusal, Counter>
    private let handedOver: Instruments<Source.ID, Counter>
    private let resent: Instruments<Source.ID, Counter>
    private let regressed: Instruments<Source.ID, Counter>
    private let outcomes: Counter
    private let commitTime: Timer
    private let commitEvents: Recorder
    private let receiveTime: Timer
    private let pollTime: Timer
    private let settleTime: Timer

    /// - Parameter spool: Counts what lies in the spool; asked at each scrape.
    public init(
        build: Build, startedAt: Timestamp, spool: @escaping @Sendable () -> Spool? = { nil }
    ) {
        self.build = build
        self.startedAt = startedAt
        self.spool = spool
        let registry = PrometheusRegistry(MetricFamily.counted)
        self.registry = registry
        requests = Instruments {
            registry.counter(.requests, [("route", $0.route), ("status", String($0.status))])
        }
        results = Instruments {
            registry.counter(.received, [("source", $0.source.rawValue), ("result", $0.result)])
        }
        refusals = Instruments { registry.counter(.refused, [("reason", $0.rawValue)]) }
        refusedCalls = Instruments { registry.counter(.refusedCalls, [("code", $0.code)]) }
        handedOver = Instruments { registry.counter(.handedOver, [("source", $0.rawValue)]) }
        resent = Instruments { registry.counter(.resent, [("source", $0.rawValue)]) }
        regressed = Instruments { registry.counter(.regressed, [("source", $0.rawValue)]) }
        outcomes = registry.counter(.settled)
        commitTime = registry.timer(.commitTime)
        commitEvents = registry.recorder(.commitEvents)
        receiveTime = registry.timer(.receiveTime)
        pollTime = registry.timer(.pollTime)
        settleTime = registry.timer(.settleTime)
        // A rate over a counter sees its first step only if it was there before.
        for refusal in Refusal.allCases { _ = refusals[refusal] }
        for refusal in ProtocolRefusal.allCases { _ = refusedCalls[refusal] }
    }

    /// Measures a transaction of the store.
    public func committed(_ commit: Commit) {
        commitTime.record(commit.duration)
        if commit.events > 0 { commitEvents.record(commit.events) }
    }

    /// Everything that was counted so far, as Prometheus reads it.
    var counted: String { registry.text }

    // MARK: Requests

    func answered(_ route: Route, _ answer: Answer) {
        requests[Answered(route: route.label, status: answer.status)].increment()
        refused(answer)
    }

    /// Counts an answer that turns away; another one counts as nothing.
    func refused(_ answer: Answer) {
        if let refusal = answer.refusal { refused(refusal) }
    }

    func refused(_ refusal: Refusal) { refusals[refusal].increment() }

    func received(by source: Source.ID, result: String, count: Int = 1) {
        guard count > 0 else { return }
        results[Received(source: source, result: result)].increment(by: count)
    }

    func received(in duration: Duration) { receiveTime.record(duration) }

    // MARK: Consumers

    func polled(_ source: Source.ID, _ answer: PollAnswer) {
        // By nothing, too: the first poll that is worth an alert must find the counter there.
        handedOver[source].increment(by: answer.resent ? 0 : answer.envelopes.count)
        resent[source].increment(by: answer.resent ? 1 : 0)
        regressed[source].increment(by: answer.warning == .regressed ? 1 : 0)
    }

    func polled(in duration: Duration) { pollTime.record(duration) }

    func settled(_ settlement: Settlement, in duration: Duration) {
        settleTime.record(duration)
        outcomes.increment(by: settlement.settled)
    }

    func refused(_ refusal: ProtocolRefusal) { refusedCalls[refusal].increment() }
}

extension PrometheusRegistry {
    func counter(_ family: MetricFamily, _ labels: [(String, String)] = []) -> Counter {
        Counter(label: family.name, dimensions: labels, factory: self)
    }

    func gauge(_ family: MetricFamily, _ labels: [(String, String)] = []) -> Gauge {
        Gauge(label: family.name, dimensions: labels, factory: self)
    }

    func recorder(_ family: MetricFamily) -> Recorder { Recorder(label: family.name, factory: self) }

    func timer(_ family: MetricFamily) -> Timer { Timer(label: family.name, factory: self) }
}

extension Timer {
    fileprivate func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
