import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// Runs of load against servers that do not do what they should.
@Suite(.timeLimit(.minutes(1))) struct LoadRunTests {
    @Test func `connections that are closed before they are used make the run fail at once`() async throws {
        let server = try FaultyServer { close($0) }
        defer { server.stop() }
        let figures = try await Self.run(server, .duration(.seconds(600)))
        #expect(figures.answers == 0 && figures.unexpected > 0)
        let failure = #expect(throws: CommandFailure.self) { try figures.requireSuccess(of: "ingest") }
        #expect(failure?.message.contains("a connection was closed") == true)
    }

    @Test func `a connection that is closed instead of an answer makes the run fail at once`() async throws {
        let server = try FaultyServer { descriptor in
            var byte: UInt8 = 0
            _ = read(descriptor, &byte, 1)
            close(descriptor)
        }
        defer { server.stop() }
        let figures = try await Self.run(server, .requests(1000))
        #expect(figures.answers == 0 && figures.unexpected > 0)
        #expect(throws: CommandFailure.self) { try figures.requireSuccess(of: "ingest") }
    }

    private static func run(_ server: FaultyServer, _ limit: LoadPlan.Limit) async throws -> LoadFigures {
        var bodies = SessionBodies()
        let form = SignedRequestForm(host: "h", source: "s", secret: "k")
        let generator = LoadGenerator(
            host: "127.0.0.1", port: server.port, progress: LoadProgress(isShown: false))
        return try await generator.run(
            LoadPlan(connections: 4, limit: limit), RequestPool(1000, of: form, bodies: &bodies))
    }

    /// A listener that does one thing with whoever connects.
    private final class FaultyServer: Sendable {
        let port: Int
        private let descriptor: Int32

        init(_ serve: @escaping @Sendable (Int32) -> Void) throws {
            #if canImport(Darwin)
                let descriptor = socket(AF_INET, SOCK_STREAM, 0)
            #else
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            #endif
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isListening = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
                }
            }
            guard isListening, listen(descriptor, 64) == 0 else { throw POSIXError(.EADDRINUSE) }
            self.descriptor = descriptor
            port = Int(in_port_t(bigEndian: address.sin_port))
            Thread.detachNewThread {
                while true {
                    let accepted = accept(descriptor, nil, nil)
                    guard accepted >= 0 else { return }
                    serve(accepted)
                }
            }
        }

        /// Ends the thread that accepts.
        func stop() {
            shutdown(descriptor, Int32(SHUT_RDWR))
            close(descriptor)
        }
    }
}
