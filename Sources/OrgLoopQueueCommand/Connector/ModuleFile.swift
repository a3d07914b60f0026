import OrgLoopConnector

/// The connector's module in a project.
struct ModuleFile {
    /// What an install does with it.
    enum Action: String {
        case write, replace, keep
    }

    let path: String
    let action: Action

    /// Looks at what is there.
    ///
    /// - Parameter isForced: Whether a file is written over that is not an older version of ours.
    /// - Throws: ``CommandFailure`` when something is there that must not be lost.
    init(in project: String, isForced: Bool) throws {
        path = project + "/" + ConnectorModule.fileName
        guard let content = try ProjectFile.read(path) else {
            action = .write
            return
        }
        guard content != ConnectorModule.content else {
            action = .keep
            return
        }
        if !isForced, let objection = Self.objection(to: ConnectorModule.version(of: content)) {
            throw CommandFailure(
                message: "\(path) \(objection)", mend: "Move it away, or write over it with --force.")
        }
        action = .replace
    }

    func install() throws {
        guard action != .keep else { return }
        try ProjectFile.write(path, ConnectorModule.content)
    }

    private static func objection(to version: Int?) -> String? {
        guard let version else { return "is not the connector" }
        let ours = ConnectorModule.version(of: ConnectorModule.content) ?? 0
        if version == ours { return "was changed by hand" }
        return version > ours ? "is a newer version of the connector (\(version); this is \(ours))" : nil
    }
}
