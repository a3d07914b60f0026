/// Why a database is not opened. The file is as it was.
public struct StartRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, in one sentence that names the file.
    public let message: String
    /// What the operator can do.
    public let mend: String
    /// Whether nothing is wrong but that another process has the database for now.
    public let isLocked: Bool

    public init(_ message: String, mend: String, isLocked: Bool = false) {
        self.message = message
        self.mend = mend
        self.isLocked = isLocked
    }

    public var description: String { "\(message) \(mend)" }
}
