import NIOCore

/// Requests that were written down before the clock starts, each with a body of its own, all of one length.
struct RequestPool: LoadScript {
    let framing: any AnswerFraming
    let count: Int
    /// All of them, one behind the other.
    private let bytes: ByteBuffer

    init(_ count: Int, of form: some RequestForm, bodies: inout SessionBodies) {
        var bytes = ByteBuffer()
        for number in 0..<count {
            form.write(bodies.next(), to: &bytes)
            // One allocation for all: their lengths are equal.
            if number == 0 { bytes.reserveCapacity(bytes.readableBytes * count) }
        }
        self.bytes = bytes
        self.count = count
        framing = form.framing
    }

    /// The requests of the pool, whoever asks next.
    func dialogues(_ connections: Int) -> [any Dialogue] {
        let shared = Drawing(bytes: bytes, length: count == 0 ? 0 : bytes.readableBytes / count)
        return Array(repeating: shared, count: connections)
    }

    /// How far the pool is used up.
    private final class Drawing: Dialogue {
        private var bytes: ByteBuffer
        private let length: Int

        init(bytes: ByteBuffer, length: Int) {
            self.bytes = bytes
            self.length = length
        }

        func next() -> ByteBuffer? { bytes.readableBytes > 0 ? bytes.readSlice(length: length) : nil }

        func take(_ body: ByteBuffer) -> String? { nil }
    }
}

/// How a body becomes a request of some protocol; every request has the same length.
protocol RequestForm {
    var framing: any AnswerFraming { get }

    func write(_ body: [UInt8], to buffer: inout ByteBuffer)
}
