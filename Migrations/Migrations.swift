/// A numbered change of the database's schema.
///
/// The files are frozen once released: a change is a new file. Each is recorded in the database with the
/// SHA-256 of its text.
package struct Migration: Sendable {
    /// 1, 2, …; also the `user_version` of a database that has it.
    package let number: Int
    /// The file's name without its ending.
    package let name: String
    package let sql: String

    private init(_ number: Int, _ name: String, _ text: [UInt8]) {
        self.number = number
        self.name = name
        sql = String(decoding: text, as: UTF8.self)
    }

    /// All of them in order; a test compares the list with the folder.
    package static let all: [Migration] = [
        Migration(1, "0001_initial", PackageResources._001_initial_sql),
        Migration(2, "0002_operating", PackageResources._002_operating_sql),
        Migration(3, "0003_buffers", PackageResources._003_buffers_sql),
        Migration(4, "0004_quarantine_orders", PackageResources._004_quarantine_orders_sql),
        Migration(5, "0005_secrets", PackageResources._005_secrets_sql),
        Migration(6, "0006_cheap_checks", PackageResources._006_cheap_checks_sql),
    ]
}
