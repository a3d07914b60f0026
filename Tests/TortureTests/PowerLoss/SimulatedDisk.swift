import EndToEndSupport
import Foundation

/// A disk that keeps what was synced, and of the rest whatever it likes.
///
/// It is the model of LazyFS (https://github.com/dsrhaslab/lazyfs): writes that no sync followed may be there
/// or not, each alone, and may be torn at a sector. Names that no sync of their directory followed may be there
/// up to some moment.
struct SimulatedDisk {
    /// How much of what was not synced outlives the power.
    enum Mercy: CaseIterable {
        case nothing, everything, someWrites, someSectors
    }

    private enum Pending {
        case write(offset: Int, bytes: [UInt8])
        case truncate(size: Int)
    }

    private struct File {
        var durable: [UInt8] = []
        var pending: [Pending] = []
    }

    private static let sectorBytes = 512

    private let directory: String
    private var files: [File] = []
    /// The names as the kernel has them, and each of their states since the directory was synced.
    private var names: [String: Int] = [:]
    private var nameStates: [[String: Int]] = []

    /// A disk on which everything in `directory` is durable.
    init(_ directory: String) throws {
        self.directory = directory
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            // The shared memory is made anew by whoever opens the database first.
            guard !name.hasSuffix("-shm") else { continue }
            names[directory + "/" + name] = files.count
            files.append(File(durable: [UInt8](try Data(contentsOf: URL(filePath: directory + "/" + name)))))
        }
        nameStates = [names]
    }

    mutating func apply(_ change: DiskLog.Change) {
        switch change {
        case .create(let path):
            guard names[path] == nil else { return }
            names[path] = files.count
            files.append(File())
            nameStates.append(names)
        case .remove(let path):
            names[path] = nil
            nameStates.append(names)
        case .write(let path, let offset, let bytes):
            if let file = names[path] { files[file].pending.append(.write(offset: offset, bytes: bytes)) }
        case .truncate(let path, let size):
            if let file = names[path] { files[file].pending.append(.truncate(size: size)) }
        case .sync(directory): nameStates = [names]
        case .sync(let path):
            guard let file = names[path] else { return }
            for pending in files[file].pending { Self.apply(pending, to: &files[file].durable) }
            files[file].pending = []
        }
    }

    /// Writes what is left after a power loss into `target`.
    func write(to target: String, _ mercy: Mercy, _ random: SeededRandom) throws {
        try FileManager.default.createDirectory(
            atPath: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let state =
            switch mercy {
            case .nothing: 0
            case .everything: nameStates.count - 1
            case .someWrites, .someSectors: random.number(in: 0...(nameStates.count - 1))
            }
        for (path, file) in nameStates[state] {
            let name = path.dropFirst(directory.count + 1)
            let content = Data(remains(of: files[file], mercy, random))
            try content.write(to: URL(filePath: target + "/" + name))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: target + "/" + name)
        }
    }

    private func remains(of file: File, _ mercy: Mercy, _ random: SeededRandom) -> [UInt8] {
        var content = file.durable
        for pending in file.pending {
            switch mercy {
            case .nothing: break
            case .everything: Self.apply(pending, to: &content)
            case .someWrites:
                if random.happens(onceIn: 2) { Self.apply(pending, to: &content) }
            case .someSectors:
                for part in Self.sectors(of: pending) where random.happens(onceIn: 2) {
                    Self.apply(part, to: &content)
                }
            }
        }
        return content
    }

    /// The sectors that a write touches, each of which is written whole or not at all.
    private static func sectors(of pending: Pending) -> [Pending] {
        guard case .write(let offset, let bytes) = pending else { return [pending] }
        var parts: [Pending] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + sectorBytes - (offset + start) % sectorBytes)
            parts.append(.write(offset: offset + start, bytes: Array(bytes[start..<end])))
            start = end
        }
        return parts
    }

    private static func apply(_ pending: Pending, to content: inout [UInt8]) {
        switch pending {
        case .write(let offset, let bytes):
            let end = offset + bytes.count
            if content.count < end { content += Array(repeating: 0, count: end - content.count) }
            content.replaceSubrange(offset..<end, with: bytes)
        case .truncate(let size):
            if content.count > size { content.removeLast(content.count - size) }
            if content.count < size { content += Array(repeating: 0, count: size - content.count) }
        }
    }
}
