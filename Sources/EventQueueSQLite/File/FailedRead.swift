import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Tells a read that the disk refused from damage: SQLite calls both corruption (`SQLITE_IOERR_CORRUPTFS`).
///
/// The refusal may pass, and then nobody should restore a backup because of it. Only `errno` has the difference, so
/// it is looked at on the thread that asks SQLite, before anything else is done there.
enum FailedRead {
    /// What SQLite's read takes for a corrupt file system (`unixRead` in `os_unix.c`).
    private static let errors: Set<Int32> = [EIO, ENXIO, ERANGE]

    /// Forgets what failed before on this thread.
    static func forget() { errno = 0 }

    /// Whether the disk refused a read since.
    static var happened: Bool { errors.contains(errno) }

    /// Whether a file could not grow since, which SQLite has no code for where it makes its shared memory.
    static var isOutOfSpace: Bool { [ENOSPC, EDQUOT, EFBIG].contains(errno) }

    /// Has SQLite asked by `body`, which stays on this thread, and calls a failed read by its name.
    ///
    /// - Throws: `SQLITE_IOERR_READ` in the place of the corruption that it is taken for.
    static func named<Result>(_ body: () throws -> Result) throws -> Result {
        forget()
        do {
            return try body()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT && happened {
            throw DatabaseError(resultCode: .SQLITE_IOERR_READ, message: "the disk failed to read")
        }
    }
}
