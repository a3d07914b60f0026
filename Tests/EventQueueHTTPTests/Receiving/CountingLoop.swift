import Dispatch
import NIOCore
import NIOEmbedded
import Synchronization

/// An event loop of a test's that counts how often it is woken for work.
final class CountingLoop: EventLoop {
    private let loop: EmbeddedEventLoop
    private let executed = Atomic<Int>(0)

    init(_ loop: EmbeddedEventLoop) { self.loop = loop }

    var count: Int { executed.load(ordering: .relaxed) }

    var inEventLoop: Bool { loop.inEventLoop }

    func execute(_ task: @escaping @Sendable () -> Void) {
        executed.wrappingAdd(1, ordering: .relaxed)
        loop.execute(task)
    }

    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        loop.scheduleTask(deadline: deadline, task)
    }

    func scheduleTask<T>(in time: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        loop.scheduleTask(in: time, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        loop.shutdownGracefully(queue: queue, callback)
    }
}
