import EventQueue
import HummingbirdCore
import NIOCore
import Synchronization

/// The open connections: what must be closed when the service ends, who still listens, and who gives way.
///
/// As many as may be open could all be stalled on purpose, and a sender would wait for their deadlines. So while
/// the limit is reached one place is kept free: whoever has asked for the least gives way, the oldest first, and
/// an answer is the last of its connection. Whose request has arrived is never cut while it is carried out, and
/// the one that came last stays, for it had no time to ask.
final class Connections: Sendable {
    /// What a connection waits for; the lower, the sooner it gives way.
    enum Phase: Int, Comparable {
        /// The peer owes the head of a request, its first or another one.
        case awaitingHead
        /// The last answer is given, and the peer has not closed yet.
        case leaving
        /// The peer owes the rest of a body.
        case awaitingBody
        /// The peer has not taken its answer for a while.
        case answerUntaken
        /// The service owes an answer.
        case answering

        static func < (one: Phase, other: Phase) -> Bool { one.rawValue < other.rawValue }
    }

    /// An open connection's own: its event loop says with each request several times what it waits for, and locks
    /// nobody out for that.
    final class Place: Sendable {
        fileprivate let channel: any Channel
        /// The number of its last change of phase, above the phase.
        private let standing: Atomic<UInt64>

        fileprivate init(_ channel: any Channel, change: UInt64) {
            self.channel = channel
            standing = Atomic(change << Self.phaseBits | UInt64(Phase.awaitingHead.rawValue))
        }

        fileprivate var id: ObjectIdentifier { ObjectIdentifier(channel) }

        fileprivate var current: Standing {
            let bits = standing.load(ordering: .sequentiallyConsistent)
            let phase = Phase(rawValue: Int(bits & (1 << Self.phaseBits - 1)))
            return Standing(phase: phase ?? .answering, since: bits >> Self.phaseBits)
        }

        fileprivate func enter(_ phase: Phase, change: UInt64) {
            standing.store(change << Self.phaseBits | UInt64(phase.rawValue), ordering: .sequentiallyConsistent)
        }

        private static let phaseBits: UInt64 = 3
    }

    /// What a connection waits for, and since when.
    fileprivate struct Standing: Comparable {
        let phase: Phase
        /// Rises with each change of a phase, whichever connection's it is.
        let since: UInt64

        static func < (one: Standing, other: Standing) -> Bool {
            (one.phase, one.since) < (other.phase, other.since)
        }
    }

    private struct Connection {
        let place: Place
        /// Whether it was told to close for another's sake.
        var givesWay = false
        var hasEnded = false
        var whenEnded: (@Sendable () -> Void)?
    }

    private struct State {
        var open: [ObjectIdentifier: Connection] = [:]
        var newest: ObjectIdentifier?
        var isClosing = false

        /// How many are beyond what leaves one of `max` places free.
        func excess(of max: Int) -> Int {
            open.count < max ? 0 : open.values.count { !$0.givesWay } - max + 1
        }
    }

    /// Counts the connections that were not let in, or did not get as far as a request.
    let metrics: Metrics
    private let settings: Current<Limits.Settings>
    private let state = Mutex(State())
    private let changes = Atomic<UInt64>(0)
    /// How many are open: what is asked with each request before anybody is locked out.
    private let opened = Atomic<Int>(0)
    /// How many the process had descriptors for when the last one came.
    private let fitting = Atomic<Int>(.max)

    init(settings: Current<Limits.Settings>, metrics: Metrics) {
        self.settings = settings
        self.metrics = metrics
    }

    /// How many are open.
    var count: Int { state.withLock(\.open.count) }

    func add(_ channel: any Channel) -> Place {
        let place = Place(channel, change: nextChange())
        let isLate = state.withLock { state in
            state.open[place.id] = Connection(place: place)
            state.newest = place.id
            fitting.store(DescriptorLimit.connectionsMax, ordering: .sequentiallyConsistent)
            opened.store(state.open.count, ordering: .sequentiallyConsistent)
            return state.isClosing
        }
        if isLate { channel.close(promise: nil) }
        makeRoom()
        return place
    }

    func remove(_ channel: any Channel) {
        inputEnded(channel)
        state.withLock { state in
            state.open.removeValue(forKey: ObjectIdentifier(channel))
            opened.store(state.open.count, ordering: .sequentiallyConsistent)
        }
    }

    private func nextChange() -> UInt64 { changes.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Whether the last place is taken.
    ///
    /// In one order with the phases: of one that comes and one that begins to rest at the same time, one at least sees
    /// the other.
    private var isFull: Bool { opened.load(ordering: .sequentiallyConsistent) >= openMax }

    /// How many may be open at this moment.
    private var openMax: Int {
        min(settings.value.connectionsMax, fitting.load(ordering: .sequentiallyConsistent))
    }

    /// Notes what a connection waits for from now on; called on its event loop.
    func enter(_ phase: Phase, _ place: Place) {
        place.enter(phase, change: nextChange())
        if phase < .answering { makeRoom() }
    }

    /// Whether the connection is to end with the answer that it is given now, because others may wait.
    func isCrowded(_ place: Place) -> Bool {
        guard isFull else { return false }
        let max = openMax
        return state.withLock { $0.newest != place.id && $0.excess(of: max) > 0 }
    }

    private func makeRoom() {
        guard isFull else { return }
        let max = openMax
        let leaving = state.withLock { state -> [(place: Place, standing: Standing)] in
            let excess = state.excess(of: max)
            guard excess > 0 else { return [] }
            let newest = state.newest
            let idle = state.open.filter { $0 != newest && !$1.givesWay }
                .map { (place: $1.place, standing: $1.place.current) }.filter { $0.standing.phase < .answering }
            let first = idle.sorted { $0.standing < $1.standing }.prefix(excess)
            for (place, _) in first { state.open[place.id]?.givesWay = true }
            return Array(first)
        }
        for (place, standing) in leaving {
            place.channel.eventLoop.execute { self.close(place, since: standing.since) }
        }
    }

    /// Closes it unless it got on in the meantime; only its own event loop knows that for certain.
    private func close(_ place: Place, since: UInt64) {
        guard place.current.since != since else { return place.channel.close(promise: nil) }
        state.withLock { $0.open[place.id]?.givesWay = false }
        makeRoom()
    }

    /// Notes that the other side has gone, or at least sends nothing any more.
    func inputEnded(_ channel: any Channel) {
        let notify = state.withLock { state in
            state.open[ObjectIdentifier(channel)]?.hasEnded = true
            return state.open[ObjectIdentifier(channel)]?.whenEnded
        }
        notify?()
    }

    /// Closes all of them now, and each that is still to come.
    func closeAll() {
        let channels = state.withLock { state in
            state.isClosing = true
            return state.open.values.map(\.place.channel)
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Runs `work` and cancels it when the caller goes away.
    func whileOpen<Result: Sendable>(
        _ channel: any Channel, _ work: @escaping @Sendable () async -> Result
    ) async -> Result {
        let task = Task { await work() }
        let id = ObjectIdentifier(channel)
        let hasEnded = state.withLock { state in
            state.open[id]?.whenEnded = { task.cancel() }
            return state.open[id]?.hasEnded ?? true
        }
        if hasEnded { task.cancel() }
        defer { state.withLock { $0.open[id]?.whenEnded = nil } }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// Lets as many connections be open as the limits say at the time.
///
/// One more waits in the kernel until one of them ends; ``Connections`` sees to it that one does.
struct ConnectionQuota: AvailableConnectionsDelegate {
    let settings: Current<Limits.Settings>
    let metrics: Metrics
    private var open = 0

    init(settings: Current<Limits.Settings>, metrics: Metrics) {
        self.settings = settings
        self.metrics = metrics
    }

    mutating func connectionOpened() {
        open += 1
        if !isAcceptingNewConnections() { metrics.refused(.connections) }
    }

    mutating func connectionClosed() { open -= 1 }

    func isAcceptingNewConnections() -> Bool {
        open < min(settings.value.connectionsMax, DescriptorLimit.connectionsMax)
    }
}
