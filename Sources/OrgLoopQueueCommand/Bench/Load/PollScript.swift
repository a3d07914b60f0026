import NIOCore

/// A consumer that polls one source and presents each checkpoint, on one connection.
struct PollScript: LoadScript {
    let host: String
    let consumer: String
    let source: String
    let token: String
    /// Events a poll.
    let limit: Int
    /// What it was handed so far, also by earlier runs.
    let progress: PollProgress

    var framing: any AnswerFraming { HTTPFraming() }

    func dialogues(_ connections: Int) -> [any Dialogue] {
        precondition(connections == 1, "a consumer polls one at a time")
        return [Polling(self)]
    }

    private final class Polling: Dialogue {
        private let script: PollScript
        private let head: String
        private var isDone = false

        init(_ script: PollScript) {
            self.script = script
            head =
                [
                    "POST /v1/consumers/\(script.consumer)/sources/\(script.source)/poll HTTP/1.1",
                    "Host: \(script.host)", "Authorization: Bearer \(script.token)", "Content-Type: application/json",
                    "Content-Length: ",
                ].joined(separator: "\r\n")
        }

        func next() -> ByteBuffer? {
            guard !isDone else { return nil }
            let checkpoint = script.progress.checkpoint.map { "\"\($0)\"" } ?? "null"
            let body = #"{"checkpoint":\#(checkpoint),"limit":\#(script.limit)}"#
            return ByteBuffer(string: "\(head)\(body.utf8.count)\r\n\r\n\(body)")
        }

        func take(_ body: ByteBuffer) -> String? {
            let (problem, isEmpty) = script.progress.take(HandoverScan(body))
            isDone = isEmpty
            return problem
        }
    }
}
