import Foundation

/// A TCP connection to a service of this machine over which anything may be sent.
///
/// It blocks: use it on a thread of its own.
package final class RawSocket {
    /// Why there is no connection.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let descriptor: Int32

    /// - Parameter receiveBytes: How much the kernel takes in for a peer that does not read.
    package init(port: Int, receiveBytes: Int32? = nil, patience seconds: Int = 60) throws {
        #if canImport(Darwin)
            let stream = SOCK_STREAM
        #else
            let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        descriptor = socket(AF_INET, stream, 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket: \(String(cString: strerror(errno)))") }
        if var bytes = receiveBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure(description: "cannot connect to \(port): \(reason)")
        }
    }

    deinit { close(descriptor) }

    /// Sends as much as the other side takes; it may have closed before the end.
    package func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Self.quietly) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends what the kernels hold between here and there, and waits for nobody to read it.
    package func writeWithoutWaiting(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Self.quietly | Int32(MSG_DONTWAIT)) }
    }

    /// Says that nothing follows.
    package func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next bytes that come; none when the other side has closed or reset the connection.
    ///
    /// - Throws: ``Failure`` when nothing comes for as long as this side has patience.
    package func read() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count < 0 else { return Array(buffer[..<count]) }
        if errno == ECONNRESET { return [] }
        throw Failure(description: "neither an answer nor an end: \(String(cString: strerror(errno)))")
    }

    /// What comes until the other side closes or resets.
    ///
    /// - Throws: ``Failure`` when it does neither for as long as this side has patience.
    package func readToEnd() throws -> [UInt8] {
        var answer: [UInt8] = []
        while true {
            let part = try read()
            if part.isEmpty { return answer }
            answer += part
        }
    }

    /// A peer that has closed must not end this process.
    #if canImport(Darwin)
        private static let quietly: Int32 = 0
    #else
        private static let quietly = Int32(MSG_NOSIGNAL)
    #endif
}
