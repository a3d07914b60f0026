import Foundation
import Testing

@testable import EventQueueSQLite

@Suite struct ServiceLockTests {
    private let database = NSTemporaryDirectory() + "lock-" + UUID().uuidString

    private func removeFiles() { try? FileManager.default.removeItem(atPath: database + ".lock") }

    @Test func `a look tells whether the lock is absent, free or held, and by whom`() throws {
        defer { removeFiles() }
        #expect(ServiceLock.look(database: database) == .absent)
        let lock = try ServiceLock(database: database)
        #expect(ServiceLock.look(database: database) == .held(processID: getpid(), url: nil))
        lock.publish(url: "http://127.0.0.1:4810")
        #expect(
            ServiceLock.look(database: database)
                == .held(processID: getpid(), url: "http://127.0.0.1:4810"))
        lock.release()
        #expect(ServiceLock.look(database: database) == .free)
    }

    @Test func `a look changes nothing: the next holder still gets the lock`() throws {
        defer { removeFiles() }
        try ServiceLock(database: database).release()
        for _ in 1...100 { #expect(ServiceLock.look(database: database) == .free) }
        let lock = try ServiceLock(database: database)
        lock.release()
    }

    @Test func `a second holder is refused by the number of the first, until that one is gone`() throws {
        defer { removeFiles() }
        let first = try ServiceLock(database: database)
        let refusal = #expect(throws: StartRefusal.self) { try ServiceLock(database: database) }
        #expect(refusal?.isLocked == true)
        #expect(refusal?.message.contains("(pid \(getpid()))") == true)
        first.release()
        try ServiceLock(database: database).release()
    }

    @Test func `a holder that wrote nothing readable is still a holder`() throws {
        defer { removeFiles() }
        let lock = try ServiceLock(database: database)
        defer { lock.release() }
        for (text, processID) in [("", nil), ("nonsense\n", nil), ("42\nhttp://half", Int32(42))] {
            try text.write(toFile: database + ".lock", atomically: false, encoding: .utf8)
            #expect(ServiceLock.look(database: database) == .held(processID: processID, url: nil))
        }
    }

    @Test func `a directory in the lock file's place is no lock`() throws {
        try FileManager.default.createDirectory(
            atPath: database + ".lock", withIntermediateDirectories: false)
        defer { removeFiles() }
        #expect(throws: StartRefusal.self) { try ServiceLock(database: database) }
        #expect(ServiceLock.look(database: database) == .free)
    }
}
