import NIOCore

/// The answers of an HTTP/1.1 server that tells their lengths.
struct HTTPFraming: AnswerFraming {
    /// A head of ours is some 200 bytes long.
    private static let headBytesMax = 16 << 10
    private static let version = Array("HTTP/1.1 ".utf8)
    private static let headEnd = Array("\r\n\r\n".utf8)
    private static let lengthName = Array("\r\ncontent-length:".utf8)
    /// What is quoted of an answer that nobody expected.
    private static let quotedBytesMax = 200

    func next(from buffer: inout ByteBuffer) throws(FramingFailure) -> LoadAnswer? {
        let view = buffer.readableBytesView
        guard let head = try Self.head(view.prefix(Self.headBytesMax)) else { return nil }
        guard view.count >= head.bytes + head.bodyBytes else { return nil }
        buffer.moveReaderIndex(forwardBy: head.bytes)
        guard let body = buffer.readSlice(length: head.bodyBytes) else { return nil }
        guard head.status == 200 else {
            let text = String(decoding: body.readableBytesView.prefix(Self.quotedBytesMax), as: UTF8.self)
            return LoadAnswer(problem: "\(head.status) \(text)", body: body)
        }
        return LoadAnswer(problem: nil, body: body)
    }

    private struct Head {
        let status: Int
        let bytes: Int
        let bodyBytes: Int
    }

    private static func head(_ view: ByteBufferView) throws(FramingFailure) -> Head? {
        guard let end = position(of: headEnd, in: view) else {
            guard view.count < headBytesMax else { throw FramingFailure(reason: "no HTTP answer, or one without end") }
            return nil
        }
        let digits = view.dropFirst(version.count).prefix(3)
        guard view.starts(with: version), let status = number(digits) else {
            throw FramingFailure(reason: "not an HTTP/1.1 answer")
        }
        // With its last line end, so that the last field has one, too.
        let fields = view[..<(end + 2)]
        guard let name = position(of: lengthName, in: fields) else {
            throw FramingFailure(reason: "an answer with status \(status) that does not tell its length")
        }
        let value = fields[(name + lengthName.count)...].drop { $0 == UInt8(ascii: " ") }
        guard let length = number(value.prefix { $0 != UInt8(ascii: "\r") }) else {
            throw FramingFailure(reason: "an answer with status \(status) whose length is no number")
        }
        return Head(status: status, bytes: end + headEnd.count - view.startIndex, bodyBytes: length)
    }

    /// Where `text`, in lower case, stands first in `view`, in either case.
    private static func position(of text: [UInt8], in view: ByteBufferView) -> Int? {
        view.withUnsafeBytes { bytes -> Int? in
            guard bytes.count >= text.count else { return nil }
            for start in 0...(bytes.count - text.count) where bytes[start] == text[0] {
                if text.indices.allSatisfy({ lowered(bytes[start + $0]) == text[$0] }) { return start }
            }
            return nil
        }.map { view.startIndex + $0 }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func number(_ digits: some Sequence<UInt8>) -> Int? {
        var result: Int?
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit), result ?? 0 < 1 << 40 else { return nil }
            result = (result ?? 0) * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return result
    }
}
