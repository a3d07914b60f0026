import EventQueue
import Foundation

/// A directory of requests that wait for the service, one file each, in the order of their firing.
///
/// A file is there whole or not at all: it is written under another name, synced, and renamed. It goes away
/// once the service has the event on disk; a crash in between has it posted again, under the same
/// idempotency key.
struct Spool: Sendable {
    let directory: String

    /// Where files go that the service will never take: a person looks at them.
    var rejected: String { directory + "/rejected" }

    private static let ending = ".json"
    /// More than the largest body in base64 and its headers.
    private static let fileBytesMax = 256 << 20

    /// Beside the database of the service that is meant.
    init(database: String) { directory = ConfigurationLoader.directory(of: database) + "/spool" }

    init(directory: String) { self.directory = directory }

    // MARK: Writing

    /// Keeps a request; it is on disk when this returns.
    ///
    /// - Returns: The file's name.
    @discardableResult
    func put(_ request: SpooledRequest, key: String) throws -> String {
        let name = Self.name(firedAt: request.firedAt, key: key)
        try PrivateFile.makeDirectory(directory)
        try PrivateFile.replace(directory + "/" + name, with: request.file())
        return name
    }

    /// Keeps a request that the service has refused, with the reason.
    ///
    /// - Returns: The file's path.
    func putRejected(_ request: SpooledRequest, key: String, reason: String) throws -> String {
        let name = try Spool(directory: rejected).put(request, key: key)
        try PrivateFile.replace(rejected + "/" + name + ".reason", with: Array((reason + "\n").utf8))
        return rejected + "/" + name
    }

    /// Sorts by time, and two of one millisecond by what nobody can tell.
    private static func name(firedAt: Timestamp, key: String) -> String {
        let digits = String(firedAt.milliseconds)
        return String(repeating: "0", count: max(0, 15 - digits.count)) + digits + "-" + key + ending
    }

    /// When the request in a file fired, as its name says; `nil` for a file that somebody else named.
    static func firedAt(_ name: String) -> Timestamp? {
        name.split(separator: "-").first.flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
    }

    // MARK: Reading

    /// The names of the files that wait, oldest first; none when there is no spool.
    func waiting() -> [String] { Self.files(in: directory) }

    /// The names of the files that were set aside, oldest first.
    func setAside() -> [String] { Self.files(in: rejected) }

    private static func files(in directory: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(ending) }.sorted()
    }

    /// The request in a file; `nil` when somebody else has taken it in meanwhile.
    ///
    /// - Throws: ``SpooledRequest/Damage``, or ``PrivateFile/Failure`` when it cannot be read.
    func read(_ name: String) throws -> SpooledRequest? {
        guard let bytes = try PrivateFile.read(directory + "/" + name, bytesMax: Self.fileBytesMax) else {
            return nil
        }
        return try SpooledRequest(file: bytes)
    }

    // MARK: Ends of a file

    /// Forgets a request that the service has.
    func remove(_ name: String) throws(PrivateFile.Failure) {
        guard unlink(directory + "/" + name) == 0 || errno == ENOENT else {
            throw PrivateFile.Failure("remove", directory + "/" + name)
        }
    }

    /// Moves a file that will never be taken out of the way, with the reason beside it.
    ///
    /// - Returns: Its new path.
    func setAside(_ name: String, reason: String) throws(PrivateFile.Failure) -> String {
        try PrivateFile.makeDirectory(rejected)
        let path = rejected + "/" + name
        try PrivateFile.replace(path + ".reason", with: Array((reason + "\n").utf8))
        guard rename(directory + "/" + name, path) == 0 else { throw PrivateFile.Failure("move", path) }
        return path
    }

    /// Runs `work` unless somebody else is emptying the spool; two at once would post everything twice.
    ///
    /// - Returns: `nil` when somebody is, or when the spool cannot be locked.
    func emptying<Result>(_ work: () async throws -> Result) async rethrows -> Result? {
        // The lock goes with the process, however it ends.
        let descriptor = open(directory + "/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
        return try await work()
    }
}
