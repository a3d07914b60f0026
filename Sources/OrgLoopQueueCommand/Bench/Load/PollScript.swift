import NIOCore
import Synchronization

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
            let saved = script.progress.saved
            let checkpoint = saved.checkpoint.map { "\"\($0)\"" } ?? "null"
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

/// How far a consumer has come; the bench looks at it while the event loop goes on.
final class PollProgress: Sendable {
    struct Saved {
        var checkpoint: String?
        var events = 0
        fileprivate var lastID: [UInt8] = []
    }

    private let state = Mutex(Saved())

    var saved: Saved { state.withLock(\.self) }

    /// Saves what an answer brought.
    ///
    /// First emissions go in the order of `seq`, and the queue makes ids that rise with it: an event that comes twice,
    /// or out of its turn, has an id that does not rise.
    func take(_ scan: HandoverScan) -> (problem: String?, isEmpty: Bool) {
        state.withLock { saved in
            for id in scan.ids {
                guard saved.lastID.lexicographicallyPrecedes(id) else {
                    return ("an event came twice or out of its turn: \(String(decoding: id, as: UTF8.self))", true)
                }
                saved.lastID = id
            }
            saved.events += scan.ids.count
            if let checkpoint = scan.checkpoint { saved.checkpoint = checkpoint }
            return (nil, scan.ids.isEmpty)
        }
    }
}
