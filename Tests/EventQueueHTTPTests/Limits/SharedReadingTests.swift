import Synchronization
import Testing

@testable import EventQueueHTTP

@Suite(.timeLimit(.minutes(1))) struct SharedReadingTests {
    @Test func `who asks during a reading shares the next one with all others, and gets nothing older`() async throws {
        let (begun, begins) = AsyncStream<Void>.makeStream()
        let (released, releases) = AsyncStream<Void>.makeStream()
        let count = Mutex(0)
        let reading = SharedReading<Int> {
            let number = count.withLock { count in
                count += 1
                return count
            }
            begins.yield()
            for await _ in released { break }
            return number
        }
        let first = await reading.next()
        for await _ in begun { break }
        var others: [Task<Int, any Error>] = []
        for _ in 1...50 { others.append(await reading.next()) }
        releases.finish()
        #expect(try await first.value == 1)
        for other in others { #expect(try await other.value == 2) }
        #expect(try await reading.next().value == 3)
    }

    @Test func `a reading that fails is told to those who asked for it, and to nobody later`() async throws {
        struct Broken: Error {}
        let isBroken = Mutex(true)
        let reading = SharedReading<Int> {
            if isBroken.withLock(\.self) { throw Broken() }
            return 1
        }
        await #expect(throws: Broken.self) { try await reading.next().value }
        isBroken.withLock { $0 = false }
        #expect(try await reading.next().value == 1)
    }
}
