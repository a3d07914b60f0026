import EventQueue
import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// What is said of a buffer, and how one is read again, without a service.
@Suite struct BufferCheckTests {
    /// What is known of a buffer, and what is said of it.
    static let standings:
        [(standing: BufferFile.Standing, through: Int?, isEnded: Bool, level: Finding.Level?, text: String)] = [
            (.missing, nil, false, nil, ""),
            (.missing, 10, false, .warn, "/b is gone before it was imported to its end"),
            (
                .missing, 10, true, .ok,
                "/b was imported at 2025-11-24T16:00:00.000Z: 2 events, 1 already there, 3 rejected"
            ),
            (.unreadable("cannot read /b: why"), nil, false, .warn, "cannot read /b: why"),
            (.readable(bytes: 0), nil, false, .ok, "/b is empty"),
            (
                .readable(bytes: 0), 10, true, .ok,
                "/b was imported at 2025-11-24T16:00:00.000Z: 2 events, 1 already there, 3 rejected"
            ),
            (.readable(bytes: 20), nil, false, .warn, "/b is not imported yet"),
            (.readable(bytes: 20), 10, false, .ok, "/b is imported up to byte 10 of 20; the service goes on there"),
            (
                .readable(bytes: 20), 20, true, .ok,
                "/b was imported at 2025-11-24T16:00:00.000Z: 2 events, 1 already there, 3 rejected"
            ),
        ]

    @Test(arguments: standings)
    func `doctor tells how each buffer stands`(
        standing: BufferFile.Standing, through byte: Int?, isEnded: Bool, level: Finding.Level?, text: String
    ) throws {
        let source = SourceConfiguration(
            id: try #require(Source.ID("a")), connector: .webhook, kind: .webhook(eventTypeField: ["type"]),
            verification: .none(outright: true), bufferDirectory: "/", origin: nil)
        let key = Buffer.Key(source: source.id, path: "/b")
        let progress = byte.map {
            Buffer.Progress(
                key: key, mark: Buffer.Mark(byte: $0, line: 1, tail: Fingerprint(of: [])),
                endedAt: isEnded ? Timestamp(milliseconds: 1_764_000_000_000) : nil, events: 2, present: 1, rejected: 3)
        }
        let check = BufferCheck(source: source, buffers: [(key, standing, progress)], arguments: [])
        let finding = try #require(check.findings.first)
        #expect(finding.level == level ?? .ok)
        #expect(finding.text == (level == nil ? "a has none in /" : text))
        #expect((finding.mend == nil) == (finding.level == .ok))
    }

    @Test func `a reader that goes on behind some lines counts them and keeps its place`() throws {
        let scratch = try Scratch()
        let path = try scratch.write("\u{FEFF}a\nbb\n\u{FEFF}c", to: "lines")
        let file = try #require(try BufferFile.open(path))
        #expect(lseek(file.descriptor, 5, SEEK_SET) == 5)
        var reader = LineReader(file.descriptor, lineBytesMax: 100, behind: 1)
        defer { reader.close() }
        guard case .lines(let lines)? = try reader.next() else {
            Issue.record("there are lines")
            return
        }
        #expect(lines.firstLine == 2)
        #expect(lines.bytes == Array("bb\n\u{FEFF}c".utf8))
        #expect(reader.linesDone == 3)
        #expect(reader.bytesDone == file.bytes - 5)
    }
}
