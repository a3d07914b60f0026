#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How many files this process may have open, of which each connection is one.
///
/// A listener that the kernel refuses a descriptor is told at once that somebody still waits, and takes a whole core.
package enum DescriptorLimit {
    /// With fewer there is no service: the event loops end the process where they get none.
    package static let filesMin = 32
    /// For the database with its readers, the event loops, the signals and the log, which take some thirty.
    private static let kept = 48

    #if canImport(Darwin) || canImport(Musl)
        private static let resource = RLIMIT_NOFILE
    #else
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif

    /// How many may be open at this moment.
    package static var files: Int { current.map { Int(clamping: $0.rlim_cur) } ?? .max }

    /// How many connections fit beside everything else, at this moment: at least one.
    package static var connectionsMax: Int { max(1, files - kept) }

    /// Takes what `connections` need, as far as the administrator lets a process have it.
    package static func raise(for connections: Int) {
        guard var limit = current else { return }
        let wanted = rlim_t(clamping: connections + kept)
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(limit.rlim_max, wanted)
        setrlimit(resource, &limit)
    }

    private static var current: rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }
}
