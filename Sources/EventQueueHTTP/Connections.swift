import EventQueue
import HummingbirdCore
import NIOCore
import Synchronization

/// The open connections: what must be closed when the service ends, and who still listens.
final class Connections: Sendable {
    private struct Connection {
        let channel: any Channel
        var hasEnded = false
        var whenEnded: (@Sendable () -> Void)?
    }

    private struct State {
        var open: [ObjectIdentifier: Connection] = [:]
        var isClosing = false
    }

    /// Counts the connections that were not let in, or did not get as far as a request.
    let metrics: Metrics
    private let state = Mutex(State())

    init(metrics: Metrics) { self.metrics = metrics }

    /// How many are open.
    var count: Int { state.withLock(\.open.count) }

    func add(_ channel: any Channel) {
        let isLate = state.withLock { state in
            state.open[ObjectIdentifier(channel)] = Connection(channel: channel)
            return state.isClosing
        }
        if isLate { channel.close(promise: nil) }
    }

    func remove(_ channel: any Channel) {
        inputEnded(channel)
        state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
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
/// One more waits in the kernel; a higher limit lets it in when the next connection ends.
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

    func isAcceptingNewConnections() -> Bool { open < settings.value.connectionsMax }
}
