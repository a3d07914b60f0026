import Foundation

/// The file from which systemd takes the service's secrets (systemd.exec(5), `EnvironmentFile=`).
struct EnvironmentFile {
    let path: String
    /// What it sets; nothing when there is none.
    let variables: [String: String]

    init(_ path: String) {
        self.path = path
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        variables = Self.parse(text)
    }

    /// `environment`, and below it what the file of this user's service sets, if there is one: what the service
    /// needs to know, its senders of the same user may.
    static func besides(_ environment: [String: String]) -> [String: String] {
        let named = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        guard let directory = named ?? environment["HOME"].map({ $0 + "/.config" }) else { return environment }
        return EnvironmentFile(directory + "/orgloop-queue/environment").variables.merging(environment) { $1 }
    }

    /// The assignments of a text: one a line, a value may stand in quotes, `#` and `;` begin a comment.
    static func parse(_ text: String) -> [String: String] {
        text.split(whereSeparator: \.isNewline).reduce(into: [:]) { variables, line in
            let line = line.drop(while: \.isWhitespace)
            guard line.first != "#", line.first != ";", let equals = line.firstIndex(of: "=") else { return }
            let name = String(line[..<equals]).trimmingCharacters(in: .whitespaces)
            var value = String(line[equals...].dropFirst()).trimmingCharacters(in: .whitespaces)
            if let quote = value.first, quote == "\"" || quote == "'", value.count > 1, value.last == quote {
                value = String(value.dropFirst().dropLast())
            }
            variables[name] = value
        }
    }
}
