import EventQueue

/// What became of the buffers of OrgLoop that the configuration names.
struct BufferCheck {
    let source: SourceConfiguration
    /// What the file system and the database say of each buffer that the source may have.
    let buffers: [(key: Buffer.Key, standing: BufferFile.Standing, progress: Buffer.Progress?)]
    /// The flags that name this queue, for a command that is printed to be copied.
    let arguments: [String]

    private static let check = "buffer"

    /// Looks at the files; nothing for a source without `buffer_dir`.
    ///
    /// - Parameter recorded: What the database says.
    static func look(_ source: SourceConfiguration, recorded: [Buffer.Progress], arguments: [String]) -> BufferCheck {
        let buffers = BufferFile.keys(of: source).map { key in
            (key, BufferFile.look(key.path), recorded.first { $0.key == key })
        }
        return BufferCheck(source: source, buffers: buffers, arguments: arguments)
    }

    var findings: [Finding] {
        guard let directory = source.bufferDirectory else { return [] }
        let findings = buffers.compactMap { finding($0.key.path, $0.standing, $0.progress) }
        guard findings.isEmpty else { return findings }
        return [.ok(Self.check, "\(source.id) has none in \(directory)")]
    }

    private func finding(_ path: String, _ standing: BufferFile.Standing, _ progress: Buffer.Progress?) -> Finding? {
        if let progress, let endedAt = progress.endedAt {
            let text = "\(path) was imported at \(endedAt): \(Self.counts(progress))"
            guard case .readable(let bytes) = standing, bytes > 0, bytes != progress.mark.byte else {
                return .ok(Self.check, text)
            }
            return .warn(
                Self.check, "\(text); it has changed since, which is not imported",
                mend: "See that nothing writes there any more; then, once: "
                    + CommandText.line(["import"] + arguments + [path]))
        }
        switch standing {
        case .missing where progress == nil: return nil
        case .missing:
            return .warn(
                Self.check, "\(path) is gone before it was imported to its end",
                mend: "Put it back and restart the service.")
        case .unreadable(let reason):
            return .warn(Self.check, reason, mend: "Let the user of the service read it, and restart the service.")
        case .readable(bytes: 0) where progress == nil: return .ok(Self.check, "\(path) is empty")
        case .readable(let bytes):
            guard let progress else {
                return .warn(
                    Self.check, "\(path) is not imported yet", mend: "The service does it at its start, once.")
            }
            return .ok(
                Self.check,
                "\(path) is imported up to byte \(progress.mark.byte) of \(bytes); the service goes on there")
        }
    }

    private static func counts(_ progress: Buffer.Progress) -> String {
        var parts = [counted(progress.events, "event")]
        if progress.present > 0 { parts.append("\(progress.present) already there") }
        if progress.rejected > 0 { parts.append("\(progress.rejected) rejected") }
        return parts.joined(separator: ", ")
    }
}
