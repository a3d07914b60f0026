import EventQueueServiceFiles
import Foundation

/// A unit file of `config/` with the real paths in it.
struct SystemdUnit {
    private var lines: [String]

    /// Where `ProtectHome=yes` lets nobody look.
    private static let homes = ["/home", "/root", "/run/user"]
    /// What `PrivateTmp=yes` replaces.
    private static let temporary = ["/tmp", "/var/tmp"]

    init(_ plan: ServicePlan) {
        let text = plan.scope == .system ? ServiceFiles.systemUnit : ServiceFiles.userUnit
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        set("ExecStart", to: Self.commandLine(plan.words))
        set("ExecReload", to: Self.commandLine(plan.reloadWords))
        guard plan.scope == .system else { return }
        if let account = plan.account {
            set("User", to: account)
            // Its own group, whatever that is called.
            remove("Group")
        }
        openDirectories(plan)
    }

    var text: String { lines.joined(separator: "\n") }

    /// Lifts what the sandbox would close although the service needs it.
    private mutating func openDirectories(_ plan: ServicePlan) {
        var writable = plan.writable
        if let index = writable.firstIndex(of: ServicePlan.systemState) {
            writable.remove(at: index)
        } else {
            remove("StateDirectory")
            remove("StateDirectoryMode")
        }
        if plan.visible.contains(where: { Self.isBelow(Self.homes, $0) }) { set("ProtectHome", to: "read-only") }
        if !writable.isEmpty {
            add("ReadWritePaths=" + writable.map(Self.quoted).joined(separator: " "), after: "ProtectHome")
        }
        // The import of an old buffer is not to fail in silence because /tmp is another one.
        let buffers = (plan.bufferDirectories + plan.secretFiles).filter { Self.isBelow(Self.temporary, $0) }
        if !buffers.isEmpty {
            add(
                "BindReadOnlyPaths=" + buffers.map { Self.quoted("-" + $0) }.joined(separator: " "), after: "PrivateTmp"
            )
        }
    }

    private mutating func set(_ key: String, to value: String) {
        lines[index(of: key)] = "\(key)=\(value)"
    }

    private mutating func remove(_ key: String) { lines.remove(at: index(of: key)) }

    private mutating func add(_ line: String, after key: String) { lines.insert(line, at: index(of: key) + 1) }

    private func index(of key: String) -> Int {
        guard let index = lines.firstIndex(where: { $0.hasPrefix(key + "=") }) else {
            preconditionFailure("the unit file has \(key)")
        }
        return index
    }

    private static func isBelow(_ directories: [String], _ path: String) -> Bool {
        directories.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    // MARK: Escaping (systemd.syntax(7), systemd.service(5) "Command lines")

    /// Words as `ExecStart=` takes them.
    static func commandLine(_ words: [String]) -> String {
        // In arguments `$` begins a variable; the program's path is taken as it is.
        words.enumerated().map { index, word in
            quoted(index == 0 ? word : word.replacing("$", with: "$$"))
        }.joined(separator: " ")
    }

    /// One word, with quotes where white space or quotes would cut it; `%` begins a specifier everywhere.
    static func quoted(_ word: String) -> String {
        let text = word.replacing("%", with: "%%")
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || "/._-:=,@+%$~".unicodeScalars.contains(scalar)
        }
        if isPlain, !text.isEmpty { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
