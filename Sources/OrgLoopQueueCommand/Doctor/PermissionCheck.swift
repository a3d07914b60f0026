import EventQueue
import Foundation

/// Whom a file or directory of the queue belongs to, and who else can get at it.
struct PermissionCheck {
    /// What is at a path, as `stat` tells it.
    struct Facts: Equatable {
        let owner: UInt32
        /// The permission bits.
        let mode: Int
        let isDirectory: Bool

        /// `nil` when there is nothing.
        init?(path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(
                owner: status.st_uid, mode: Int(status.st_mode & 0o7777),
                isDirectory: status.st_mode & S_IFMT == S_IFDIR)
        }

        init(owner: UInt32, mode: Int, isDirectory: Bool) {
            self.owner = owner
            self.mode = mode
            self.isDirectory = isDirectory
        }
    }

    enum Kind {
        case directory, database, token

        var check: String {
            switch self {
            case .directory: "state directory"
            case .database: "database"
            case .token: "token file"
            }
        }

        /// Bits that must not be set. A group may read for auditing, where an administrator has set it up;
        /// the token lets its reader command the queue.
        var forbidden: Int { self == .token ? 0o077 : 0o027 }
        var expected: String { self == .directory ? "700" : "600" }
    }

    let kind: Kind
    let path: String
    /// What is at the path; `nil` when nothing is.
    let facts: Facts?
    /// The user who asks.
    let user: UInt32
    private let place: PrintedPlace

    init(
        _ kind: Kind, path: String, facts: Facts?, user: UInt32 = geteuid(), place: PrintedPlace = .standard
    ) {
        self.kind = kind
        self.path = path
        self.facts = facts
        self.user = user
        self.place = place
    }

    var finding: Finding {
        let check = kind.check
        guard let facts else { return missing }
        guard facts.isDirectory == (kind == .directory) else {
            return .fail(
                check, "\(path) is \(facts.isDirectory ? "a directory" : "no directory")",
                mend: "Name another path with --database or in the configuration.")
        }
        let mode = String(facts.mode, radix: 8)
        if facts.mode & kind.forbidden != 0 {
            let text = "\(path) has mode \(mode): others can get at it"
            let mend = "chmod \(kind.expected) \(shellWord(path))"
            return kind == .token ? .fail(check, text, mend: mend) : .warn(check, text, mend: mend)
        }
        if user != 0, facts.owner != user {
            return .warn(
                check, "\(path) belongs to uid \(facts.owner), and you are uid \(user)",
                mend: "Run this as the user of the service, or give it the files with chown.")
        }
        return .ok(check, "\(path), mode \(mode)")
    }

    private var missing: Finding {
        switch kind {
        case .directory:
            .fail(
                kind.check, "\(path) is not there",
                mend: "\(place.serve) makes it; or name the right one with --database or --config.")
        case .database:
            .fail(
                kind.check, "\(path) is not there: no service has run with this configuration",
                mend: "\(place.serve) makes it; or name the right one with --database or --config.")
        case .token:
            .warn(
                kind.check, "\(path) is not there",
                mend: "\(place.serve) makes it at its start; or name it with --token-file.")
        }
    }
}
