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

    private struct Connection {
        let channel: any Channel
        var phase = Phase.awaitingHead
        /// Rises with each change of a phase, whichever connection's it is.
        var since: UInt64
        /// Whether it was told to close for another's sake.
        var givesWay = false
        var hasEnded = false
        var whenEnded: (@Sendable () -> Void)?
    }

    private struct State {
        var open: [ObjectIdentifier: Connection] = [:]
        var newest: ObjectIdentifier?
        var changes: UInt64 = 0
        /// How many the process had descriptors for when the last one came.
        var fitting = Int.max
        var isClosing = false

        /// How many are beyond what leaves one place free of `connectionsMax`.
        func excess(of connectionsMax: Int) -> Int {
            let max = min(connectionsMax, fitting)
            return open.count < max ? 0 : open.values.count { !$0.givesWay } - max + 1
        }

        mutating func nextChange() -> UInt64 {
            changes += 1
            return changes
        }
    }

    /// Counts the connections that were not let in, or did not get as far as a request.
    let metrics: Metrics
    private let settings: Current<Limits.Settings>
    private let state = Mutex(State())

    init(settings: Current<Limits.Settings>, metrics: Metrics) {
        self.settings = settings
        self.metrics = metrics
    }

    /// How many are open.
    var count: Int { state.withLock(\.open.count) }

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isLate = state.withLock { state in
            state.open[id] = Connection(channel: channel, since: state.nextChange())
            state.newest = id
            state.fitting = DescriptorLimit.connectionsMax
            return state.isClosing
        }
        if isLate { channel.close(promise: nil) }
        makeRoom()
    }

    func remove(_ channel: any Channel) {
        inputEnded(channel)
        state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// Notes what a connection waits for from now on; called on its event loop.
    func enter(_ phase: Phase, _ channel: any Channel) {
        state.withLock { state in
            let change = state.nextChange()
            state.open[ObjectIdentifier(channel)]?.phase = phase
            state.open[ObjectIdentifier(channel)]?.since = change
        }
        if phase < .answering { makeRoom() }
    }

    /// Whether the connection is to end with the answer that it is given now, because others may wait.
    func isCrowded(_ channel: any Channel) -> Bool {
        let max = settings.value.connectionsMax
        return state.withLock { $0.newest != ObjectIdentifier(channel) && $0.excess(of: max) > 0 }
    }

    private func makeRoom() {
        let max = settings.value.connectionsMax
        let leaving = state.withLock { state -> [(id: ObjectIdentifier, since: UInt64, channel: any Channel)] in
            let excess = state.excess(of: max)
            guard excess > 0 else { return [] }
            let newest = state.newest
            let idle = state.open.filter { $0 != newest && $1.phase < .answering && !$1.givesWay }
            let first = idle.sorted { ($0.value.phase, $0.value.since) < ($1.value.phase, $1.value.since) }
                .prefix(excess)
            for (id, _) in first { state.open[id]?.givesWay = true }
            return first.map { ($0.key, $0.value.since, $0.value.channel) }
        }
        for (id, since, channel) in leaving {
            channel.eventLoop.execute { self.close(channel, id, since: since) }
        }
    }

    /// Closes it unless it got on in the meantime; only its own event loop knows that for certain.
    private func close(_ channel: any Channel, _ id: ObjectIdentifier, since: UInt64) {
        let stays = state.withLock { state in
            guard state.open[id]?.since != since else { return false }
            state.open[id]?.givesWay = false
            return true
        }
        if stays { makeRoom() } else { channel.close(promise: nil) }
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
            return state.open.values.map(\.channel)
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
