import EventQueue
import Synchronization
import Testing

struct EventIDGeneratorTests {
    @Test func `an id is the milliseconds and then the counter`() {
        let ids = EventIDGenerator(now: { received }, after: nil, randomCounter: { 0xFFF8_0003 })
        // 1,736,937,000,000 is 0x19469834c40.
        #expect(ids.next().rawValue == "evt_19469834c4000003")
        #expect(ids.next().rawValue == "evt_19469834c4000004")
    }

    @Test func `a millisecond's counter starts at random in its lower half`() throws {
        let starts = try (0..<64).map { _ in
            let id = EventIDGenerator(now: { received }, after: nil).next()
            return try #require(UInt32(id.rawValue.suffix(5), radix: 16))
        }
        #expect(starts.allSatisfy { $0 < 1 << 19 })
        #expect(Set(starts).count > 1)
    }

    @Test func `ids rise while the clock stands, jumps forth and jumps back`() {
        let clock = Mutex<Int64>(1_000_000)
        let ids = EventIDGenerator(
            now: { Timestamp(milliseconds: clock.withLock { $0 }) }, after: nil, randomCounter: { 1 })
        var made: [Event.ID] = []
        for step in [0, 0, 1, 5000, -4_000_000, 0, 1, -1, 10_000_000] as [Int64] {
            clock.withLock { $0 += step }
            made += (0..<50).map { _ in ids.next() }
        }
        #expect(made == made.sorted())
        #expect(Set(made).count == made.count)
        #expect(made.allSatisfy { Event.ID($0.rawValue) != nil && $0.rawValue.utf8.count == 20 })
    }

    @Test func `ids go on after the last stored one although the clock is behind it`() throws {
        let last = try #require(Event.ID("evt_19469834c4000003"))
        let ids = EventIDGenerator(now: { Timestamp(milliseconds: 5) }, after: last)
        #expect(ids.next().rawValue == "evt_19469834c4000004")
    }

    @Test func `a counter that overflows carries into the milliseconds`() throws {
        let last = try #require(Event.ID("evt_19469834c40fffff"))
        let ids = EventIDGenerator(now: { received }, after: last)
        #expect(ids.next().rawValue == "evt_19469834c4100000")
        #expect(ids.next().rawValue == "evt_19469834c4100001")
    }

    @Test(arguments: ["evt_x", "evt_19469834C4000003", "evt_ffffffffffffffff", "evt_019469834c4000003"])
    func `an id from elsewhere is ignored`(foreign: String) throws {
        let last = try #require(Event.ID(foreign))
        let ids = EventIDGenerator(now: { received }, after: last, randomCounter: { 7 })
        #expect(ids.next().rawValue == "evt_19469834c4000007")
    }

    @Test func `an impossible clock still makes rising ids`() {
        for milliseconds in [Int64.min, -1, .max] {
            let ids = EventIDGenerator(now: { Timestamp(milliseconds: milliseconds) }, after: nil)
            let made = (0..<10).map { _ in ids.next() }
            #expect(made == made.sorted() && Set(made).count == 10)
        }
    }

    @Test func `ids made at once on many threads are all different`() async {
        let ids = EventIDGenerator(now: { received }, after: nil)
        let made = await withTaskGroup(of: [Event.ID].self) { group in
            for _ in 0..<8 { group.addTask { (0..<500).map { _ in ids.next() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(made).count == 4000)
    }
}
