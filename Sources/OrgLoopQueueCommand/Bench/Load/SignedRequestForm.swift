import Crypto
import NIOCore

/// A body as a sender of the `hub` scheme posts it.
struct SignedRequestForm: RequestForm {
    private let head: [UInt8]
    private let key: HMAC<SHA256>

    var framing: any AnswerFraming { HTTPFraming() }

    /// - Parameters:
    ///   - host: As the header `Host` has it.
    ///   - secret: The source's.
    init(host: String, source: String, secret: String) {
        let lines = [
            "POST /webhook/\(source) HTTP/1.1", "Host: \(host)", "Content-Type: application/json",
            "Content-Length: \(SessionBodies.bytes)", "X-Hub-Signature-256: sha256=",
        ]
        head = Array(lines.joined(separator: "\r\n").utf8)
        // Keying costs as much as signing a short body: it is done once.
        key = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.utf8)))
    }

    func write(_ body: [UInt8], to buffer: inout ByteBuffer) {
        precondition(body.count == SessionBodies.bytes, "the head tells the length")
        buffer.writeBytes(head)
        buffer.writeBytes(signature(of: body))
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeBytes(body)
    }

    /// The HMAC-SHA256 of a body in hexadecimal digits.
    func signature(of body: [UInt8]) -> [UInt8] {
        var code = key
        code.update(data: body)
        return code.finalize().flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 0xF)]] }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
