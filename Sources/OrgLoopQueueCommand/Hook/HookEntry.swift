/// The hook that `hook install` writes.
struct HookEntry: Sendable, Equatable {
    enum Action: Sendable, Equatable {
        /// A line for the shell.
        case command(String)
        /// A POST by Claude Code itself; the variable holds the secret that it presents.
        case http(url: String, secretVariable: String?)
    }

    let action: Action

    /// Seconds. On SessionEnd it lifts Claude Code's budget of 1.5 s for all hooks together; ours is done in
    /// well under one, and a slow disk must not lose the event.
    static let timeoutSeconds = 10

    /// Its JSON object.
    var tree: JSONTree {
        switch action {
        case .command(let line):
            return .object([
                ("type", .string("command")), ("command", .string(line)),
                ("timeout", .number(Self.timeoutSeconds)),
            ])
        case .http(let url, let variable):
            var members: [(String, JSONTree)] = [
                ("type", .string("http")), ("url", .string(url)), ("timeout", .number(Self.timeoutSeconds)),
            ]
            if let variable {
                members.append(("headers", .object([("Authorization", .string("Bearer ${\(variable)}"))])))
                members.append(("allowedEnvVars", .array([.string(variable)])))
            }
            return .object(members)
        }
    }

    /// The group around it: without a `matcher` it runs on every event of its name.
    var group: JSONTree { .object([("hooks", .array([tree]))]) }
}
