import Foundation

/// Hundreds of sockets whose other side waits in vain, each kind of stall in turn.
final class StalledPeers {
    /// How a peer stalls.
    private enum Stall: Int, CaseIterable {
        case silent, inHead, inBody, inChunk, notReading, polling, rested
    }

    /// More than the service lets in at once.
    static let count = 500

    private var sockets: [RawSocket] = []

    init(port: Int, token: String, count: Int = StalledPeers.count) throws {
        OpenFileLimit.raise()
        let post = "POST /webhook/claude-code HTTP/1.1\r\nHost: localhost\r\n"
        let question = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        let questions = Array(String(repeating: question, count: 4000).utf8)
        for number in 0..<count {
            let stall = Stall.allCases[number % Stall.allCases.count]
            let socket = try RawSocket(port: port, receiveBytes: stall == .notReading ? 4096 : nil)
            switch stall {
            case .silent: break
            case .inHead: socket.write(Array("POST /webhook/cl".utf8))
            case .inBody: socket.write(Array("\(post)Content-Length: 100\r\n\r\n{\"session_id\":".utf8))
            case .inChunk: socket.write(Array("\(post)Transfer-Encoding: chunked\r\n\r\nff\r\n{".utf8))
            case .notReading: socket.writeWithoutWaiting(questions)
            case .polling:
                // Only few, because whoever has the token is believed, and a poll that waits is never cut.
                let isFew = number < 20 * Stall.allCases.count
                let body = #"{"checkpoint":null,"wait_ms":30000}"#
                let poll =
                    "POST /v1/consumers/stalled/sources/claude-code/poll HTTP/1.1\r\nHost: localhost\r\n"
                    + "Authorization: Bearer \(token)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                socket.write(Array((isFew ? poll : "GET /hea").utf8))
            case .rested: socket.write(Array("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
            }
            sockets.append(socket)
        }
    }

    /// Keeps them open until here.
    func release() { sockets = [] }
}

/// Lets this process have as many files open as it may: a few hundred sockets come on top of what tests hold.
private enum OpenFileLimit {
    static func raise() {
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
        #else
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        var limit = rlimit()
        getrlimit(resource, &limit)
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 4096))
        setrlimit(resource, &limit)
    }
}
