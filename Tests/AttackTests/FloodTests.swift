import Foundation
import Testing

extension AttackTests {
    /// Peers that send more than anybody asked for.
    @Suite(.timeLimit(.minutes(5)), .enabled(if: Footprint.isKnown, "this machine has no /proc"))
    struct FloodTests {
        @Test func `what is sent behind a request for another protocol is not kept while that is answered`()
            async throws
        {
            let service = try await ServiceProcess.start(in: Scratch())
            let token = String(decoding: try service.scratch.read("state/orgloop-queue/token"), as: UTF8.self)
            let before = try Footprint(of: service.processID)
            let socket = try RawSocket(port: service.port)
            let body = #"{"checkpoint":null,"wait_ms":30000}"#
            socket.write(
                Array(
                    ("POST /v1/consumers/flood/sources/claude-code/poll HTTP/1.1\r\nHost: localhost\r\n"
                        + "Authorization: Bearer \(token.trimmingCharacters(in: .whitespacesAndNewlines))\r\n"
                        + "Connection: Upgrade\r\nUpgrade: h2c\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)").utf8))
            let flood = [UInt8](repeating: 0x78, count: 8 << 20)
            for _ in 1...32 { socket.write(flood) }
            let growth = try Footprint(of: service.processID).residentBytes - before.residentBytes
            print("flood: 256 MiB behind an upgrade, \(growth >> 20) MiB more in memory")
            #expect(growth < 32 << 20)
            #expect(await service.stop() == 0)
        }
    }
}
