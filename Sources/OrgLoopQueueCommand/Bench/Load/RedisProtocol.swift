import NIOCore

/// The replies of Redis to commands that are answered with a bulk string, as XADD is.
///
/// https://redis.io/docs/latest/develop/reference/protocol-spec/
struct RedisFraming: AnswerFraming {
    private static let lineBytesMax = 4096

    func next(from buffer: inout ByteBuffer) throws(FramingFailure) -> LoadAnswer? {
        let view = buffer.readableBytesView
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            guard view.count < Self.lineBytesMax else { throw FramingFailure(reason: "a reply without end") }
            return nil
        }
        let line = String(decoding: view[..<end].dropLast(), as: UTF8.self)
        let lineBytes = end + 1 - view.startIndex
        guard line.first == "$", let length = Int(line.dropFirst()), length >= 0 else {
            buffer.moveReaderIndex(forwardBy: lineBytes)
            return LoadAnswer(problem: line, body: ByteBuffer())
        }
        guard view.count >= lineBytes + length + 2 else { return nil }
        buffer.moveReaderIndex(forwardBy: lineBytes)
        guard let body = buffer.readSlice(length: length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 2)
        return LoadAnswer(problem: nil, body: body)
    }
}

/// A body as the one field of an entry of a Redis stream.
struct RedisRequestForm: RequestForm {
    var framing: any AnswerFraming { RedisFraming() }

    func write(_ body: [UInt8], to buffer: inout ByteBuffer) {
        buffer.writeStaticString("*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\nb\r\n$")
        buffer.writeString("\(body.count)\r\n")
        buffer.writeBytes(body)
        buffer.writeStaticString("\r\n")
    }
}
