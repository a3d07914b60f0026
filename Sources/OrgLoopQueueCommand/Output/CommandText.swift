import EventQueue

/// A command that is printed to be copied into a shell.
enum CommandText {
    /// `orgloop-queue` and `words`, each quoted where a POSIX shell needs it.
    static func line(_ words: [String]) -> String { (["orgloop-queue"] + words).map(shellWord).joined(separator: " ") }
}
