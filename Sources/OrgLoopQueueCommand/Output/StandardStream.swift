import Foundation

/// The process's output, written at once: a reader sees a line as soon as it was written.
enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// The reader went away or the disk is full.
    struct WriteFailure: Error {
        let code: Int32
    }

    var isTerminal: Bool { isatty(rawValue) == 1 }

    /// Whether colour helps: on a terminal whose owner did not decline it (https://no-color.org).
    func hasColour(_ environment: [String: String]) -> Bool {
        isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Writes all of `bytes`, or throws.
    func write(_ bytes: [UInt8]) throws(WriteFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(rawValue, $0.baseAddress, $0.count) }
            let code = errno
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if code == EAGAIN {
                // Somebody made the descriptor non-blocking; wait until it takes more.
                var descriptor = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                _ = Foundation.poll(&descriptor, 1, -1)
            } else if code != EINTR {
                throw WriteFailure(code: code)
            }
        }
    }

    /// Writes one line, or throws.
    func write(line: String) throws(WriteFailure) { try write(Array((line + "\n").utf8)) }

    /// Writes one line that nobody may be there to read.
    func say(_ line: String) { try? write(line: line) }
}
