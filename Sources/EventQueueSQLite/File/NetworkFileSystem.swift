import Foundation

/// File systems on which SQLite's locks and shared memory cannot be relied on
/// (https://www.sqlite.org/wal.html: all processes using a database must be on the same host).
enum NetworkFileSystem {
    /// The type of the network file system that holds the directory at `path`, if one does.
    static func holding(_ path: String) -> String? {
        #if os(Linux)
            let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            // statfs(2) would do, but Swift's Glibc module does not have it.
            guard let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else {
                return nil
            }
            return type(of: real, mounts: mounts).flatMap { isNetwork($0) ? $0 : nil }
        #else
            let values = try? URL(fileURLWithPath: path).resourceValues(forKeys: [.volumeIsLocalKey])
            return values?.volumeIsLocal == false ? "a network volume" : nil
        #endif
    }

    /// Whether a file system of this type has its files on another machine.
    static func isNetwork(_ type: String) -> Bool {
        let types: Set = [
            "9p", "afs", "ceph", "cifs", "coda", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2",
            "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs",
        ]
        return types.contains(type)
    }

    /// The type of the mount that `path` is on, by a table as in proc(5), /proc/pid/mountinfo.
    static func type(of path: String, mounts: String) -> String? {
        var best: (point: String, type: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"),
                dash + 1 < fields.count
            else { continue }
            let point = unescaped(fields[4])
            let isHolder = point == "/" || path == point || path.hasPrefix(point + "/")
            // Of two mounts on one point the later hides the earlier.
            if isHolder, point.utf8.count >= best?.point.utf8.count ?? 0 {
                best = (point, String(fields[dash + 1]))
            }
        }
        return best?.type
    }

    /// The kernel writes white space and backslashes in mount points as three octal digits.
    private static func unescaped(_ point: Substring) -> String {
        let escapes = [#"\040"#: " ", #"\011"#: "\t", #"\012"#: "\n", #"\134"#: #"\"#]
        return escapes.reduce(String(point)) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
    }
}
