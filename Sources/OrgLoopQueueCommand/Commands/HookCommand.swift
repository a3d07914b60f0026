import ArgumentParser

/// What stands between Claude Code and the queue.
struct HookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook",
        abstract: "Claude Code's hooks: the command that they run.",
        subcommands: [HookClaudeCodeCommand.self])
}
