import NIOCore
import NIOHTTP1

/// An answer that is there at once, on its way to the socket in one piece.
///
/// In parts it would pass five handlers three times, in boxes that each of them opens, and be put together again at the
/// end. So it goes as an outbound event, which those that need not know of it let pass; ``AnswerWriter`` writes it.
final class WholeAnswer {
    /// Whether the connection ends with it.
    var isLast: Bool
    private let answer: Answer
    private let isHeadOnly: Bool
    private let date: String?

    /// - Parameters:
    ///   - isHeadOnly: Whether it answers a HEAD, and is without the body that it tells the length of.
    ///   - date: The `Date` field, if it is to have one.
    init(_ answer: Answer, isHeadOnly: Bool = false, date: String? = nil) {
        self.answer = answer
        self.isHeadOnly = isHeadOnly
        self.date = date
        isLast = answer.closes
    }

    /// Its bytes, as NIO's encoder writes an answer.
    func bytes(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        var bytes = allocator.buffer(capacity: Self.headBytes + answer.body.count)
        if answer.status == 200 {
            bytes.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            let status = HTTPResponseStatus(statusCode: answer.status)
            bytes.writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        }
        for field in answer.fields {
            bytes.writeString(field.name)
            bytes.writeStaticString(": ")
            bytes.writeString(field.value)
            bytes.writeStaticString("\r\n")
        }
        bytes.writeStaticString("Content-Length: ")
        bytes.writeString(String(answer.body.count))
        if let date {
            bytes.writeStaticString("\r\nDate: ")
            bytes.writeString(date)
        }
        bytes.writeStaticString(isLast ? "\r\nconnection: close\r\n\r\n" : "\r\n\r\n")
        if !isHeadOnly { bytes.writeBytes(answer.body) }
        return bytes
    }

    /// What nearly every head has room in.
    private static let headBytes = 200
}
