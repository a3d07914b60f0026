import Synchronization

/// Makes event ids that sort in the order in which they were made.
///
/// An id is `evt_` and 16 hexadecimal digits: 44 bits of milliseconds since 1970, which last until the year
/// 2527, then 20 bits of a counter. The counter starts anew each millisecond, at random in its lower half,
/// so that an id cannot be guessed from the time. Ids rise strictly even when the clock jumps back; time-ordered
/// ids keep inserts into the unique index at its end.
public final class EventIDGenerator: Sendable {
    private static let counterBits = 20
    private static let prefix = "evt_"
    private static let digits = 16
    /// 2100-01-01: our ids and the clocks that make them are older, and the counter has room above it for ever.
    private static let latest: Int64 = 4_102_444_800_000

    private let now: TimeSource
    private let randomCounter: @Sendable () -> UInt32
    /// The last id's 64 bits.
    private let last: Mutex<UInt64>

    /// - Parameters:
    ///   - last: The newest stored id: those to come sort after it. One of another form, as an import may
    ///     bring, has no place in our order and is ignored.
    ///   - randomCounter: Where a millisecond's counter starts; only its low 19 bits are used.
    public init(
        now: @escaping TimeSource, after last: Event.ID?,
        randomCounter: @escaping @Sendable () -> UInt32 = { UInt32.random(in: .min ... .max) }
    ) {
        self.now = now
        self.randomCounter = randomCounter
        self.last = Mutex(last.flatMap(Self.bits) ?? 0)
    }

    /// An id that is greater than all before it.
    public func next() -> Event.ID {
        let milliseconds = UInt64(min(max(0, now().milliseconds), Self.latest))
        let bits = last.withLock { last in
            if last >> Self.counterBits < milliseconds {
                last = milliseconds << Self.counterBits | counterStart()
            } else {
                // Within a millisecond, and while the clock is behind, the counter goes on; when it overflows it
                // carries into the milliseconds.
                last += 1
            }
            return last
        }
        return Self.id(bits)
    }

    /// Sorts behind every id of our form.
    package static var bound: Event.ID { id(UInt64(latest + 1) << counterBits) }

    /// Asks the system for randomness, which costs more than the rest of an id: once a millisecond.
    private func counterStart() -> UInt64 { UInt64(randomCounter()) & (1 << (Self.counterBits - 1) - 1) }

    private static func id(_ bits: UInt64) -> Event.ID {
        let length = prefix.utf8.count + digits
        return Event.ID(
            made: String(unsafeUninitializedCapacity: length) { text in
                _ = text.initialize(fromContentsOf: prefix.utf8)
                var rest = bits
                for place in stride(from: length - 1, through: prefix.utf8.count, by: -1) {
                    text[place] = hexadecimalDigit(UInt8(rest & 0xF))
                    rest >>= 4
                }
                return length
            })
    }

    /// The bits of an id of our form; an id from elsewhere names a year at random.
    private static func bits(_ id: Event.ID) -> UInt64? {
        let text = id.rawValue.dropFirst(prefix.count)
        guard text.utf8.count == digits, !text.contains(where: \.isUppercase),
            let bits = UInt64(text, radix: 16), bits >> counterBits <= UInt64(latest)
        else { return nil }
        return bits
    }
}
