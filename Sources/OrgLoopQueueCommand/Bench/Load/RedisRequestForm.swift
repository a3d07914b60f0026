import NIOCore

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
