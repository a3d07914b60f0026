import EventQueue
import GRDB

/// Are the requests that wait for a retry those that came?
enum QuarantineCheck {
    static func run(_ database: Database) throws -> AuditCheck {
        var findings = Findings()
        var requests = 0
        let rows = try Row.fetchCursor(database, sql: "SELECT id, body, body_sha256 FROM quarantine ORDER BY id")
        while let row = try rows.next() {
            requests += 1
            guard Fingerprint(of: row.bytes(1) ?? []).bytes != row.bytes(2) else { continue }
            findings.add("request \(row.integer(0) ?? 0): the body does not have its SHA-256")
        }
        return AuditCheck(
            .quarantine, [("requests", requests)], findings,
            mend: "A retry refuses them. Take them from a backup, or discard them: orgloop-queue quarantine discard.")
    }
}
