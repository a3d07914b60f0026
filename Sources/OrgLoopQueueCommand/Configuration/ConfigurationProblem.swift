/// One thing that is wrong with the configuration: where, what, and what is allowed instead.
struct ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where a value came from.
    enum Origin: Sendable, Equatable, CustomStringConvertible {
        /// A place in a file; line and column start from 1.
        case file(String, line: Int, column: Int)
        /// A flag or an environment variable, by its name.
        case name(String)

        var description: String {
            switch self {
            case .file(let file, let line, let column): "\(file):\(line):\(column)"
            case .name(let name): name
            }
        }

        /// Whether it stands before `other` in one file.
        func precedes(_ other: Origin) -> Bool {
            guard case .file(_, let line, let column) = self,
                case .file(_, let otherLine, let otherColumn) = other
            else { return false }
            return (line, column) < (otherLine, otherColumn)
        }
    }

    let origin: Origin
    /// The path of the key, like `sources[0].config.secret`; empty for a whole file.
    let key: String
    let problem: String
    let allowed: String

    /// Whether it is about something inside one of the keys at the top of the file.
    var isWithin: Bool { key.contains(".") || key.contains("[") }

    /// `file:line:column: key: what is wrong; what is allowed`
    var description: String {
        let place = key.isEmpty ? "\(origin)" : "\(origin): \(key)"
        return "\(place): \(problem); \(allowed)"
    }
}

/// A configuration that cannot be used, with all its problems in the order of the file.
struct ConfigurationFailure: Error {
    let problems: [ConfigurationProblem]
}

extension ConfigurationProblem {
    /// The problem of a file as a whole.
    static func whole(_ file: String, _ problem: String, allowed: String) -> ConfigurationProblem {
        ConfigurationProblem(
            origin: .file(file, line: 1, column: 1), key: "", problem: problem, allowed: allowed)
    }
}
